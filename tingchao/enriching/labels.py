"""What people of this installation say about texts: `<data_dir>/labels.jsonl`.

A line holds the hash of a text and what was said, never the text: a text that was erased is learned
from no more. Lines are only added; the last one about a text holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Label:
    """What a person said of a text; None: nothing about that."""

    text_hash: str
    mood: str | None = None
    intents: tuple[str, ...] | None = None
    aspects: tuple[str, ...] | None = None


def labels_path(data: Path) -> Path:
    return data / "labels.jsonl"


def read_labels(data: Path) -> dict[str, Label]:
    """Return the label that holds of each text."""
    path = labels_path(data)
    if not path.exists():
        return {}
    told = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {row["text_hash"]: _label(row) for row in told}


def _label(row: dict[str, object]) -> Label:
    def listed(name: str) -> tuple[str, ...] | None:
        told = row.get(name)
        return tuple(map(str, told)) if isinstance(told, list) else None

    mood = row.get("mood")
    return Label(str(row["text_hash"]), None if mood is None else str(mood), *map(listed, _LISTED))


_LISTED = ("intents", "aspects")


def add_labels(data: Path, labels: Iterable[Label], at: datetime) -> None:
    """Add labels that were given at an instant."""
    instant = at.astimezone(UTC).isoformat()
    lines = [
        json.dumps({**asdict(label), "labelled_at": instant}, ensure_ascii=False) + "\n"
        for label in labels
    ]
    path = labels_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))
