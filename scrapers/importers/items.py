"""The records of a file of any shape, in their order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from scrapers.errors import ImportFileError
from scrapers.importers.documents import read_documents, read_parquet, read_sqlite
from scrapers.importers.head import Head, Shape
from scrapers.importers.rows import Row, open_rows
from scrapers.importers.sheets import open_workbook


def read_items(head: Head, skipped: dict[str, int]) -> Iterator[Row]:
    """Yield rows of tables and objects of JSON; lines that are no record are counted by kind."""
    try:
        match head.shape:
            case Shape.CSV:
                yield from _read_csv(head, skipped)
            case Shape.XLSX:
                yield from _read_sheets(head, skipped)
            case Shape.PARQUET:
                yield from read_parquet(head.path)
            case Shape.SQLITE:
                yield from read_sqlite(head.path, list(head.tables))
            case _:
                yield from read_documents(head.path, head.shape, head.encoding or "utf-8")
    except (pa.ArrowException, sqlite3.Error, OSError) as error:
        raise ImportFileError(f"{head.name}: cannot be read to its end ({error})") from None


def _read_csv(head: Head, skipped: dict[str, int]) -> Iterator[Row]:
    with open_rows(head.path, "csv", head.encoding) as rows:
        yield from rows.rows
        skipped.update(rows.skipped)


def _read_sheets(head: Head, skipped: dict[str, int]) -> Iterator[Row]:
    with open_workbook(head.path) as workbook:
        for name in head.tables:
            sheet = workbook.open(name)
            yield from (replace(row, part=name) for row in sheet.rows)
            for what, count in sheet.skipped.items():
                skipped[what] = skipped.get(what, 0) + count
