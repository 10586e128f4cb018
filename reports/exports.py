"""The marts as single files: Parquet for other engines, CSV for a spreadsheet."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from reports.marts_file import OURS
from tingchao.identifiers import quote

# A spreadsheet runs a cell that begins so, also after blanks, also in full width.
FORMULA = r"^[\s\x00]*[=+\-@＝＋－＠]|^[\t\r\n]"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # without it spreadsheets take UTF-8 for something else


def export(marts: Path, tables: Iterable[tuple[str, Sequence[str]]], folder: Path) -> None:
    """Write `<table>.parquet` and `csv/<table>.csv` for each (table, key), ordered by key."""
    (folder / "csv").mkdir(exist_ok=True)
    with duckdb.connect(str(marts), read_only=True, config=OURS) as connection:
        for table, key in tables:
            order = ", ".join(map(quote, key))
            parquet = _literal(folder / f"{table}.parquet")
            connection.execute(
                f"copy (from {quote(table)} order by {order}) to {parquet} "
                "(format parquet, compression zstd)"
            )
            _write_csv(connection, table, order, folder / "csv" / f"{table}.csv")


def _write_csv(connection: duckdb.DuckDBPyConnection, table: str, order: str, target: Path) -> None:
    described = connection.execute(f"describe {quote(table)}").fetchall()
    columns = ", ".join(_inert(name, kind) for name, kind, *_ in described)
    plain = target.with_suffix(".plain")
    connection.execute(
        f"copy (select {columns} from {quote(table)} order by {order}) "
        f"to {_literal(plain)} (format csv, header true)"
    )
    with plain.open("rb") as source, target.open("wb") as file:
        file.write(BYTE_ORDER_MARK)
        shutil.copyfileobj(source, file)
    plain.unlink()


def _inert(name: str, kind: str) -> str:
    """A text column as a spreadsheet may read it: what would be a formula gets a leading quote."""
    column = quote(name)
    if kind != "VARCHAR":
        return column
    return (
        f"case when regexp_matches({column}, '{FORMULA}') "
        f"then '''' || {column} else {column} end as {column}"
    )


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
