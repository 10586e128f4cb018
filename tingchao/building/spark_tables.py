"""The Parquet tables that Spark builds, and the one DuckDB file that everything later reads.

A table is a folder of files that are never changed, only replaced. So a build goes on from hard
links to what the one before kept (`<model>__rows`, see dbt_project/macros/spark_tables.sql), and
whatever becomes of it, the old files stay as they are.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tingchao.building.models import Workshop
from tingchao.durable import sync
from tingchao.errors import TingchaoError
from tingchao.marts import load_marts

EVIDENCE: Final = (
    "int_acts",
    "int_mentions",
    "int_noise",
    "int_orders_attributed",
    "int_posts",
)
"""What reports and traces read beside the marts."""

ROWS: Final = "__rows"
PART: Final = "in_part"
COLUMNS: Final = "_columns"
KEPT_TABLES: Final = pa.schema({"table_name": pa.string(), "columns": pa.string()})

DUCKDB_TYPES: Final = {"int": "integer", "string": "varchar", "timestamp_ntz": "timestamp"}
"""Spark's names of types where DuckDB has others."""

Columns = dict[str, str]


def keep_tables(previous: Path | None, workshop: Workshop) -> None:
    """Lay out what an earlier build kept, and a list of it for dbt; nothing when there is none."""
    workshop.tables.mkdir(exist_ok=True)
    found = read_columns(previous) if previous else {}
    kept = {table: columns for table, columns in found.items() if table.endswith(ROWS)}
    for table in kept:
        if previous and (previous / table).exists():  # a table without rows may have no folder
            shutil.copytree(previous / table, workshop.tables / table, copy_function=_link)
    rows = [
        {"table_name": table, "columns": ", ".join(f"`{n}` {t}" for n, t in columns.items())}
        for table, columns in sorted(kept.items())
    ]
    pq.write_table(
        pa.Table.from_pylist(rows, schema=KEPT_TABLES), workshop.inputs / "kept_tables.parquet"
    )


def read_columns(tables: Path) -> dict[str, Columns]:
    """Return every table's columns with their Spark types, in order."""
    files = sorted((tables / COLUMNS).glob("*.parquet"))
    if not files:
        raise TingchaoError(
            f"{tables / COLUMNS}: no list of columns; expected the one that every build on Spark "
            "writes at its end. Build anew: tingchao build --full-refresh"
        )
    found: dict[str, Columns] = {}
    listed = pa.concat_tables(pq.read_table(file) for file in files)
    for row in listed.sort_by([("table_name", "ascending"), ("place", "ascending")]).to_pylist():
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["column_type"]
    return found


def bring_to_duckdb(tables: Path, database: Path) -> None:
    """Write the marts and their evidence into a DuckDB file, as a build on DuckDB leaves them."""
    found = read_columns(tables)
    with duckdb.connect(database) as connection:
        for name in (*(mart.name for mart in load_marts()), *EVIDENCE):
            table = name if name in found else f"{name}{ROWS}"
            _copy(connection, name, tables / table, found[table])


def put_tables_in_place(tables: Path, place: Path) -> None:
    """Move tables to where the next build looks for them, durably."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for path in (*tables.rglob("*"), tables):
        if path.is_dir() or path.stat().st_nlink == 1:  # the others were durable before
            sync(path)
    tables.rename(place)
    sync(place.parent)


def _copy(connection: duckdb.DuckDBPyConnection, name: str, folder: Path, columns: Columns) -> None:
    own = {column: kind for column, kind in columns.items() if column != PART}
    declared = ", ".join(f'"{c}" {DUCKDB_TYPES.get(kind, kind)}' for c, kind in own.items())
    connection.execute(f"create table {name} ({declared})")
    files = sorted(str(path) for path in folder.rglob("*.parquet"))
    if files:
        names = ", ".join(f'"{column}"' for column in own)
        rows = "read_parquet(?, hive_partitioning = false)"
        connection.execute(f"insert into {name} select {names} from {rows}", [files])


def _link(source: str, target: str) -> None:
    """Give a file a second name; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
