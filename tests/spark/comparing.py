"""Holding a build on one engine against the same build on the other, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt.comparing import EVIDENCE
from tingchao.marts import load_marts

KEYS = {mart.name: ", ".join(mart.key) for mart in load_marts()} | dict.fromkeys(EVIDENCE, "all")
TOLERANCE = 1e-9  # of floating point; all else is exact


def differences(one: Path, other: Path) -> list[str]:
    """Say in which table, row and column two databases differ: types, rows, values."""
    return [said for table in KEYS for said in _differences(table, _read(one), _read(other))][:20]


def row_counts(database: Path) -> dict[str, int]:
    """Return how many rows each compared table has."""
    with duckdb.connect(database, read_only=True) as connection:
        return {table: len(connection.table(table)) for table in KEYS}


def _read(database: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(database, read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _differences(
    table: str, one: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection
) -> Iterator[str]:
    with one, other:
        types, rows = _types(one, table), _rows(one, table)
        other_types, other_rows = _types(other, table), _rows(other, table)
    if types != other_types:
        yield f"{table}: types {set(types) ^ set(other_types)}"
    if len(rows) != len(other_rows):
        yield f"{table}: {len(rows)} rows here, {len(other_rows)} there"
    for row, other_row in zip(rows, other_rows, strict=False):
        for (column, _), value, other_value in zip(types, row, other_row, strict=False):
            if not _is_same(value, other_value):
                yield f"{table}.{column}: {value!r} here, {other_value!r} there, in {row}"


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, *_ in connection.execute(f"describe {table}").fetchall()]


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"select * from {table} order by {KEYS[table]}").fetchall()


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(one) is type(other) and one == other
