"""The word lists that come with the package (enrichment/data): tab-separated, UTF-8, our own."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

NAMES: Final = ("intents", "mood", "noise", "regions", "words")


def _read(name: str) -> str:
    return files("enrichment").joinpath("data", f"{name}.tsv").read_text(encoding="utf-8")


@cache
def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of one list, cells as text; lines that begin with `# ` are comments."""
    lines = _read(name).splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if not line.startswith("# "))


@cache
def digests() -> dict[str, str]:
    """Return the SHA-256 of every list: a changed list is a changed lexicon."""
    return {name: hashlib.sha256(_read(name).encode()).hexdigest() for name in NAMES}
