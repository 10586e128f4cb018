"""The files that a column map reads: CSV, JSON lines, Parquet, a workbook's first sheet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa

from scrapers.errors import ImportFileError
from scrapers.importers.documents import read_parquet
from scrapers.importers.head import look_at
from scrapers.importers.rows import RowFile, open_rows
from scrapers.importers.sheets import open_sheet


@contextmanager
def open_table(
    path: Path, file_format: str, encoding: str | None = None, id_column: str | None = None
) -> Iterator[RowFile]:
    """Open a file for reading row by row; `ImportFileError` when it cannot be read at all."""
    if file_format in ("csv", "jsonl"):
        with open_rows(path, file_format, encoding, id_column) as rows:
            yield rows
        return
    shape = look_at(path).shape
    if shape != file_format:
        raise ImportFileError(f"{path.name}: expected {file_format}, found {shape}")
    if file_format == "xlsx":
        with open_sheet(path) as rows:
            yield rows
        return
    try:
        yield _parquet_rows(path)
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{path.name}: cannot be read to its end ({error})") from None


def _parquet_rows(path: Path) -> RowFile:
    rows = read_parquet(path)
    first = next(rows, None)
    columns = tuple(first.cells) if first else tuple(sorted(look_at(path).columns))
    return RowFile(columns, "", chain([first], rows) if first else iter(()))
