"""What people of this installation say about texts: `<data_dir>/labels.jsonl`.

A line holds the hash of a text and what was said, never the text: a text that was erased is learned
from no more. Lines are only added; of each thing that is said of a text the last one holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from lake.store import LocalStore
from tingchao.errors import ConfigurationError


@dataclass(frozen=True)
class Label:
    """What a person said of a text; None: nothing about that."""

    text_hash: str
    mood: str | None = None
    intents: tuple[str, ...] | None = None
    aspects: tuple[str, ...] | None = None

    def over(self, earlier: Label | None) -> Label:
        """Return this label, with what only an earlier one says."""
        if earlier is None:
            return self
        said = {name: value for name, value in vars(self).items() if value is not None}
        return replace(earlier, **said)


def labels_path(data: Path) -> Path:
    return data / "labels.jsonl"


def read_labels(data: Path) -> dict[str, Label]:
    """Return what holds of each text; `ConfigurationError` names a line that is no label."""
    known: dict[str, Label] = {}
    for number, line in enumerate(_lines(data), 1):
        try:
            label = _label(json.loads(line))
        except (ValueError, KeyError, AttributeError) as error:
            raise ConfigurationError(
                f"{labels_path(data)}, line {number}: found {line[:80]!r} ({error!r}); expected a "
                "label as `tingchao label --take` writes it. Take the line out"
            ) from error
        known[label.text_hash] = label.over(known.get(label.text_hash))
    return known


def _lines(data: Path) -> list[str]:
    """Return the whole lines; what a kill left of one is none."""
    path = labels_path(data)
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def _label(row: dict[str, object]) -> Label:
    def listed(name: str) -> tuple[str, ...] | None:
        told = row.get(name)
        return tuple(map(str, told)) if isinstance(told, list) else None

    mood = row.get("mood")
    return Label(str(row["text_hash"]), None if mood is None else str(mood), *map(listed, _LISTED))


_LISTED = ("intents", "aspects")


def add_labels(data: Path, labels: Iterable[Label], at: datetime) -> None:
    """Add labels that were given at an instant: durably, all of them or none."""
    instant = at.astimezone(UTC).isoformat()
    added = [json.dumps({**asdict(label), "labelled_at": instant}) for label in labels]
    content = "".join(f"{line}\n" for line in (*_lines(data), *added))
    path = labels_path(data)
    LocalStore(path.parent).write({path.name: pa.py_buffer(content.encode())})
