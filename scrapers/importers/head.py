"""The first look at a file: what kind of file it is, in which encoding, and how it begins.

Decided by what is in it, never by its name alone. Nothing that is no ordinary file is opened.
"""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scrapers.errors import ImportFileError
from scrapers.importers.documents import open_sqlite, read_documents, read_parquet, tables_of
from scrapers.importers.rows import encoding_of, normalise, open_rows, shown
from scrapers.importers.sheets import open_workbook

SAMPLES = 5
START = 64 * 1024
MAGIC = (
    (b"PK\x03\x04", "xlsx"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
)
PACKED = (
    (b"\x1f\x8b", "gzip; unpack it first"),
    (b"7z\xbc\xaf", "7z; unpack it first"),
    (b"Rar!", "RAR; unpack it first"),
    (b"%PDF", "PDF; export the table itself, as CSV or .xlsx"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old .xls workbook, or one with a password; save it as .xlsx without one, or as CSV",
    ),
    (b"\x89PNG", "PNG; export the table itself, as CSV or .xlsx"),
    (b"\xff\xd8\xff", "JPEG; export the table itself, as CSV or .xlsx"),
)


class Shape(StrEnum):
    """How a file holds its records."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    XLSX = "xlsx"
    PARQUET = "parquet"
    SQLITE = "sqlite"


@dataclass(frozen=True)
class Head:
    """How a file begins; columns of tables as `normalise` writes them, keys of JSON as they are."""

    path: Path
    shape: Shape
    encoding: str | None
    columns: frozenset[str]
    samples: tuple[Mapping[str, Any], ...]
    saved_at: datetime
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)
    start: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_table(self) -> bool:
        """Whether its records are flat: a row of cells each."""
        return self.shape not in (Shape.JSON, Shape.JSONL)

    def has(self, *columns: str) -> bool:
        return self.columns.issuperset(columns)

    def shown(self) -> str:
        """Say what was found, for somebody who must tell why it is not recognised."""
        if self.tables:
            found = f"tables {shown(sorted(self.tables))}"
        else:
            found = f"{'columns' if self.is_table else 'keys'} {shown(sorted(self.columns))}"
        written = f", {self.encoding}" if self.encoding else ""
        return f"{self.shape}{written}, {found}"


def look_at(path: Path, encoding: str | None = None) -> Head:
    """Return how a file begins; `ImportFileError` when it is no file that can be read."""
    start = _first_bytes(path)
    shape = next((shape for magic, shape in MAGIC if start.startswith(magic)), None)
    try:
        if shape is None:
            return _look_at_text(path, start, encoding)
        return _LOOKS[Shape(shape)](path)
    except (pa.ArrowException, sqlite3.Error, OSError) as error:
        raise ImportFileError(f"{path.name}: expected a whole {shape} file ({error})") from None


def _first_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ImportFileError(f"{path.name}: expected a file, found {_kind_of(mode)}")
        with path.open("rb") as file:
            start = file.read(START)
    except OSError as error:
        raise ImportFileError(f"{path.name}: cannot be read ({error.strerror})") from None
    packed = next((what for magic, what in PACKED if start.startswith(magic)), None)
    if packed:
        raise ImportFileError(f"{path.name}: expected an export as it was written, found {packed}")
    if not start.strip():
        raise ImportFileError(f"{path.name}: expected records, found an empty file")
    return start


def _kind_of(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((kind for is_kind, kind in kinds if is_kind(mode)), "a device")


def _look_at_text(path: Path, start: bytes, declared: str | None) -> Head:
    encoding = encoding_of(path, declared)
    text = start.decode(encoding, "replace").lstrip("\ufeff")
    opening = text.lstrip()[:1]
    if opening == "<":
        raise ImportFileError(
            f"{path.name}: expected an export as it was written, found a web page or XML; save its "
            "table as CSV or .xlsx, or crawl the page (docs/add-a-source.md)"
        )
    if opening == "[":
        return _look_at_documents(path, Shape.JSON, encoding, text)
    if opening == "{":
        shape = Shape.JSONL if _is_line_by_line(path, text) else Shape.JSON
        return _look_at_documents(path, shape, encoding, text)
    with open_rows(path, "csv", encoding) as rows:
        samples = tuple(row.cells for row in islice(rows.rows, SAMPLES))
        return _head(path, Shape.CSV, encoding, frozenset(rows.columns), samples, text)


def _is_line_by_line(path: Path, text: str) -> bool:
    """Whether the first line is a whole object, and not merely a short document."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        json.loads(first)
    except RecursionError:
        return path.suffix.lower() != ".json"
    except ValueError:
        return bool(path.suffix.lower() in {".jsonl", ".ndjson"})
    return bool(rest.strip()) or path.suffix.lower() in {".jsonl", ".ndjson"}


def _look_at_documents(path: Path, shape: Shape, encoding: str, text: str) -> Head:
    documents = read_documents(path, shape, encoding)
    first = list(islice(documents, SAMPLES))
    documents.close()
    samples = tuple(d.cells for d in first if not d.problem)
    if first and not samples and first[0].problem:
        reason = first[0].problem[1]
        raise ImportFileError(
            f"{path.name}: found no record in it: {reason}; was the file cut off? Save it again"
        )
    keys = frozenset(key for sample in samples for key in sample)
    return _head(path, shape, encoding, keys, samples, text)


def _look_at_xlsx(path: Path) -> Head:
    with open_workbook(path) as workbook:
        sheets = {name: workbook.open(name) for name in workbook.names}
        tables = {name: frozenset(sheet.columns) for name, sheet in sheets.items()}
        samples = tuple(row.cells for s in sheets.values() for row in islice(s.rows, SAMPLES))
    columns = frozenset(column for names in tables.values() for column in names)
    return _head(path, Shape.XLSX, None, columns, samples, tables=tables)


def _look_at_parquet(path: Path) -> Head:
    with pq.ParquetFile(path) as file:
        columns = frozenset(normalise(name) for name in file.schema_arrow.names)
    try:
        samples = tuple(row.cells for row in islice(read_parquet(path), SAMPLES))
    except (pa.ArrowException, OSError):
        samples = ()  # known by its columns, and told to be damaged when it is read
    return _head(path, Shape.PARQUET, None, columns, samples)


def _look_at_sqlite(path: Path) -> Head:
    with open_sqlite(path) as database:
        tables = {name: frozenset(columns) for name, columns in tables_of(database).items()}
    columns = frozenset(column for names in tables.values() for column in names)
    return _head(path, Shape.SQLITE, None, columns, (), tables=tables)


_LOOKS: dict[Shape, Callable[[Path], Head]] = {
    Shape.XLSX: _look_at_xlsx,
    Shape.PARQUET: _look_at_parquet,
    Shape.SQLITE: _look_at_sqlite,
}


def _head(
    path: Path,
    shape: Shape,
    encoding: str | None,
    columns: frozenset[str],
    samples: tuple[Mapping[str, Any], ...],
    start: str = "",
    tables: Mapping[str, frozenset[str]] | None = None,
) -> Head:
    saved_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return Head(path, shape, encoding, columns, samples, saved_at, tables or {}, start)
