"""JSON documents, Parquet files and SQLite databases as rows, one at a time.

A JSON array is read item by item; a document that is one object is read whole, up to a bound. What
is nested too deep or too long is a row with a problem, not a crash.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from scrapers.errors import ImportFileError
from scrapers.importers.rows import MAX_CELL, Row, bounded_lines, normalise

CHUNK = 1024 * 1024
MAX_DOCUMENT = 64 * 1024 * 1024  # characters of one JSON value that is held in memory
MAX_CHUNK = 256 * 1024 * 1024  # bytes of a Parquet file that are unpacked at once
MAX_ROWS = 100_000_000
BATCH = 500
BLANKS = " \t\r\n\ufeff"
NO_BLANK = re.compile(f"[^{BLANKS}]")

_DECODER = json.JSONDecoder(parse_float=Decimal)


def read_documents(path: Path, shape: str, encoding: str) -> Generator[Row]:
    """Yield the objects of a JSON or JSON-lines file, keys as they stand; `line` counts from 1."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as text:
        rows = _lines(text) if shape == "jsonl" else _values(text, path)
        yield from rows


def _lines(text: Any) -> Iterator[Row]:
    cut: set[int] = set()
    for number, line in enumerate(bounded_lines(text, cut), start=1):
        if not line.strip(BLANKS):
            continue
        if number in cut:
            yield Row(number, {"line": line[:2000]}, ("line_too_long", "expected a shorter line"))
            continue
        yield _decoded(number, line.strip(BLANKS))


def _decoded(number: int, text: str) -> Row:
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        return _unreadable(number, text, error)
    if text[end:].strip(BLANKS):
        return _unreadable(number, text, ValueError("more text behind the object"))
    return _as_row(number, value)


def _as_row(number: int, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(number, value)
    found = f"expected a JSON object, found {type(value).__name__}"
    return Row(number, {}, ("unreadable_row", found))


def _unreadable(number: int, text: str, error: Exception) -> Row:
    said = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    return Row(number, {"line": text[:2000]}, ("unreadable_row", f"expected JSON: {said}"[:300]))


class _Buffer:
    """The unread rest of a text, from `at` on, read on as needed."""

    def __init__(self, text: Any, name: str) -> None:
        self.text, self.name = text, name
        self.rest, self.at = "", 0

    def more(self) -> bool:
        """Read on, more each time; False at the end."""
        piece = self.text.read(max(CHUNK, len(self.rest) - self.at))
        self.rest, self.at = self.rest[self.at :] + piece, 0
        if len(self.rest) > MAX_DOCUMENT:
            raise ImportFileError(
                f"{self.name}: expected no JSON value longer than {MAX_DOCUMENT:,} characters; "
                "write one object a line (JSON lines)"
            )
        return bool(piece)

    def peek(self) -> str:
        """Return the next character that is no blank; nothing at the end."""
        while True:
            found = NO_BLANK.search(self.rest, self.at)
            self.at = found.start() if found else len(self.rest)
            if found or not self.more():
                return self.rest[self.at : self.at + 1]

    def value(self) -> Any:
        """Take the next JSON value; `ValueError` or `RecursionError` when there is none."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.rest, self.at)
            except ValueError:
                if not self.more():
                    raise
                continue
            if end == len(self.rest) and self.more():
                continue  # a number may go on
            self.at = end
            return value


def _values(text: Any, path: Path) -> Iterator[Row]:
    buffer = _Buffer(text, path.name)
    is_array = buffer.peek() == "["
    buffer.at += is_array
    for number in count(1):
        if buffer.peek() == ("]" if is_array else ""):
            return
        try:
            yield _as_row(number, buffer.value())
        except (ValueError, RecursionError) as error:
            # nothing tells where the next value would begin
            yield _unreadable(number, buffer.rest[buffer.at : buffer.at + 2000], error)
            return
        buffer.at += is_array and buffer.peek() == ","


def read_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file, times as ISO text, columns as `normalise` writes them."""
    with pq.ParquetFile(path) as file:
        _guard(file.metadata, path)
        number = 0
        for batch in file.iter_batches(batch_size=BATCH):
            for row in batch.to_pylist():
                number += 1
                yield _bounded(number, {normalise(k): _plain(v) for k, v in row.items()})


def _guard(metadata: pq.FileMetaData, path: Path) -> None:
    """Refuse a file that would burst: a column of a row group is unpacked into memory at once."""
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    chunks = (group.column(i) for group in groups for i in range(group.num_columns))
    largest = max((chunk.total_uncompressed_size for chunk in chunks), default=0)
    if largest > MAX_CHUNK or metadata.num_rows > MAX_ROWS:
        raise ImportFileError(
            f"{path.name}: expected at most {MAX_ROWS:,} rows and {MAX_CHUNK:,} bytes of a column "
            f"in a row group, found {metadata.num_rows:,} rows and {largest:,} bytes in a file of "
            f"{path.stat().st_size:,}; write it anew in smaller row groups, or as several files"
        )


def _bounded(number: int, cells: dict[str, Any]) -> Row:
    """Return a row; one with a cell that no table has is a row with a problem."""
    long = [name for name, v in cells.items() if isinstance(v, str) and len(v) > MAX_CELL]
    if not long:
        return Row(number, cells)
    shown = {name: v[:2000] if isinstance(v, str) else v for name, v in cells.items()}
    reason = f"{long[0]}: expected a cell of at most {MAX_CELL:,} characters, found a longer one"
    return Row(number, shown, ("cell_too_long", reason))


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


@contextmanager
def open_sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read only; nothing is written beside it."""
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_DOCUMENT)
        database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        yield database


def tables_of(database: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each table, as `normalise` writes them."""
    names = [n for (n,) in database.execute("select name from sqlite_master where type = 'table'")]
    return {
        name: [normalise(row[1]) for row in database.execute(f"pragma table_info({_quoted(name)})")]
        for name in sorted(names)
        if not name.startswith("sqlite_")
    }


def read_sqlite(path: Path, tables: list[str]) -> Iterator[Row]:
    """Yield the rows of some tables in their order; `part` says of which."""
    with open_sqlite(path) as database:
        for table in tables:
            found = database.execute(f"select * from {_quoted(table)}")
            columns = [normalise(column[0]) for column in found.description]
            for number, row in enumerate(found, start=1):
                cells = dict(zip(columns, map(_plain, row), strict=True))
                yield Row(number, cells, part=table)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
