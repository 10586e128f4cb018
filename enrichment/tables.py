"""What comes with the package (enrichment/data), all our own: word lists and a trained model."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

NAMES: Final = ("aspects", "hints", "intents", "mood", "noise", "regions", "words")


def _read(name: str) -> str:
    return files("enrichment").joinpath("data", f"{name}.tsv").read_text(encoding="utf-8")


@cache
def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of one list, cells as text; lines that begin with `# ` are comments."""
    lines = _read(name).splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if not line.startswith("# "))


@cache
def shipped_model() -> bytes:
    """Return the file of the model that comes with the package (`trained.from_bytes`)."""
    return files("enrichment").joinpath("data", "model.npz").read_bytes()


@cache
def digests() -> dict[str, str]:
    """Return the SHA-256 of every list and of the model: another one is another lexicon."""
    told = {name: _read(name).encode() for name in NAMES} | {"model": shipped_model()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in told.items()}
