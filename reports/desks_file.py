"""The desks' file: posts that somebody should look at; for the desks and nobody else.

A row carries a short excerpt with contacts masked, a pseudonym, and the link; never a name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import duckdb

from reports.marts_file import OURS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SHOWN_DAYS = 30
EXCERPT_LENGTH = 80  # code points, quotation marks included
TYPES: dict[Any, str] = {
    str: "varchar",
    str | None: "varchar",
    int: "bigint",
    datetime: "timestamp",
    date: "date",
}

TextOf = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], str]]
"""Looks up landed texts: (segment id, post id) to text."""


def find_posts(
    work: Path, query: str, values: Sequence[object], text_of: TextOf
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query by name; `url` and `segment_id` become a link and an excerpt."""
    with duckdb.connect(str(work), read_only=True, config=OURS) as connection:
        found = connection.execute(query, values)
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    texts = text_of({(row["segment_id"], row["post_id"]) for row in rows})
    for row in rows:
        text = texts.get((row.pop("segment_id"), row["post_id"]))
        link, excerpt = open_link(row.pop("url")), quote_excerpt(text) if text else None
        yield {**row, "post_url": link, "excerpt_text": excerpt}


def write_table(
    target: Path, name: str, kind: type[DataclassInstance], rows: Sequence[DataclassInstance]
) -> None:
    """Write rows of a kind into the file, as a table that has a column for each of its fields."""
    columns = {field: TYPES[told] for field, told in get_type_hints(kind).items()}
    typed = ", ".join(f"{field} {column}" for field, column in columns.items())
    places = ", ".join("?" for _ in columns)
    with duckdb.connect(str(target), config=OURS) as connection:
        connection.execute(f"create table {name} ({typed})")
        for row in rows:
            connection.execute(f"insert into {name} values ({places})", astuple(row))
        connection.execute("checkpoint")


def quote_excerpt(text: str, length: int = EXCERPT_LENGTH) -> str:
    """A short quotation: one line, nothing invisible, in quotation marks.

    The opening mark also keeps a spreadsheet from taking a post for a formula.
    """
    line = " ".join("".join(_visible(text)).split())
    room = length - 2
    return f"「{line if len(line) <= room else line[: room - 1] + '…'}」"


def open_link(url: object) -> str | None:
    """A landed address when it opens a page and does nothing else."""
    return str(url) if str(url or "").startswith(("http://", "https://")) else None


def _visible(text: str) -> Iterator[str]:
    """Controls become blanks; marks that turn the direction of writing are left out."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if unicodedata.category(character) == "Cc":
            yield " "
        elif kind not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}:
            yield character
