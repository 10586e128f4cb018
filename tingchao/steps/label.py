"""Let people of this installation say what texts mean: which to ask about, and what they said.

The queue is a CSV file that a spreadsheet opens: the texts about which the model is least sure,
with empty cells to fill in. What is left empty says nothing; `none` says that nothing holds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from enrichment import Lexicon
from enrichment.doubt import doubts
from enrichment.intent import ASPECTS, INTENTS
from tingchao.context import Context
from tingchao.enriching.labels import Label, add_labels, labels_path, read_labels
from tingchao.errors import ConfigurationError
from tingchao.fence import exclusive
from tingchao.steps.enrich import lexicon_of

CONSIDERED: Final = 20_000
"""Texts without a label that are looked at, the first that landed."""
MOODS: Final = ("positive", "negative", "neutral")
COLUMNS: Final = ("text_hash", "text", "mood", "intents", "aspects")
NONE: Final = "none"
LONGEST_SHOWN: Final = 20_000
"""Characters of a text that are shown: a cell of a spreadsheet holds no more than 32,767."""
_HASH: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class QueueSummary:
    """What people are asked."""

    asked_count: int
    path: Path

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.asked_count:,} texts to label, the least certain first. Fill in "
            f"mood ({', '.join(MOODS)}), intents and aspects (several with a comma; `{NONE}` for "
            f"nothing), then `tingchao label --take {self.path}`"
        )


@dataclass(frozen=True)
class LabelSummary:
    """What people said."""

    taken_count: int
    total_count: int
    path: Path

    def __str__(self) -> str:
        return (
            f"took {self.taken_count:,} labels; {self.total_count:,} in {self.path}. "
            "`tingchao train` learns from them"
        )


def write_queue(context: Context, path: Path, count: int) -> QueueSummary:
    """Write the texts to ask about, at most `count`; never one that has a label.

    `ConfigurationError` when there is such a file already: it may hold somebody's answers.
    """
    if path.exists():
        raise ConfigurationError(
            f"{path} is there already and may hold answers; expected a new file. Take them in with "
            f"`tingchao label --take {path}`, or name another file"
        )
    texts = list(islice(_unlabelled(context), CONSIDERED))
    asked = _least_certain(texts, lexicon_of(context.config), count)
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets want the mark
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([digest, _as_cell(text), "", "", ""] for digest, text in asked)
    return QueueSummary(len(asked), path)


def take_labels(context: Context, path: Path) -> LabelSummary:
    """Take in a filled queue, all of it or nothing.

    `ConfigurationError` names every cell that says something else than what can be said.
    """
    rows = list(_filled(path))
    problems = [problem for line, row in rows for problem in _problems(line, row)]
    if problems:
        raise ConfigurationError("\n".join(f"{path}: {problem}" for problem in problems))
    labels = [_label(row) for _, row in rows]
    with exclusive(context.lock("labels")):
        add_labels(context.data, labels, context.now())
    return LabelSummary(len(labels), len(read_labels(context.data)), labels_path(context.data))


def _unlabelled(context: Context) -> Iterator[tuple[str, str]]:
    known = set(read_labels(context.data))
    for batch in context.lake.texts(skip=known):
        for digest, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if text and text.strip():
                yield digest, text


def _least_certain(
    texts: list[tuple[str, str]], lexicon: Lexicon, count: int
) -> list[tuple[str, str]]:
    """Return the texts with the greatest doubt; of equal ones the first by hash."""
    if not texts:
        return []
    doubt = doubts([text for _, text in texts], lexicon)
    order = sorted(range(len(texts)), key=lambda i: (-doubt[i], texts[i][0]))
    return [texts[i] for i in order[:count]]


def _as_cell(text: str) -> str:
    """Return what a spreadsheet can show of a text, and does not take for a formula."""
    text = text[:LONGEST_SHOWN]
    return f"'{text}" if text[0] in "=+-@\t\r" else text


def _filled(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows in which something was filled in, with their lines."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - {"text"} - set(reader.fieldnames or ())
            if missing:
                raise ConfigurationError(
                    f"{path}: columns {', '.join(sorted(missing))} are missing; expected a file of "
                    "`tingchao label --queue`"
                )
            for row in reader:
                cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
                if any(cells[name] for name in COLUMNS[2:]):
                    yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path}: {error}; expected a CSV file in UTF-8, as `tingchao label --queue` wrote it"
        ) from error


def _problems(line: int, row: dict[str, str]) -> Iterator[str]:
    if not _HASH.fullmatch(row["text_hash"]):
        yield (
            f"line {line}, text_hash: found {row['text_hash'] or 'nothing'}; expected the "
            "32 digits of the queue, untouched"
        )
    for name, known in (("mood", MOODS), ("intents", INTENTS), ("aspects", ASPECTS)):
        odd = [told for told in _listed(row[name]) if told not in known]
        if name == "mood" and "," in row[name]:
            odd = [row[name]]
        if odd:
            yield (
                f"line {line}, {name}: found {', '.join(odd)}; expected {_expected(name, known)}"
            )


def _expected(name: str, known: Collection[str]) -> str:
    told = ", ".join(known)
    return f"one of {told}" if name == "mood" else f"some of {told}, or {NONE}"


def _listed(cell: str) -> tuple[str, ...]:
    told = (part.strip().lower() for part in cell.replace("，", ",").split(","))
    return tuple(part for part in told if part and part != NONE)


def _label(row: dict[str, str]) -> Label:
    mood = _listed(row["mood"])
    return Label(
        row["text_hash"],
        mood[0] if mood else None,
        _listed(row["intents"]) if row["intents"] else None,
        _listed(row["aspects"]) if row["aspects"] else None,
    )
