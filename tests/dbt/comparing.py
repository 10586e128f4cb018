"""Reading whole marts, to hold one build against another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from tingchao.marts import load_marts

EVIDENCE = ("int_acts", "int_mentions", "int_noise", "int_orders_attributed")


def read_marts(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every mart and of the evidence behind them, in one order."""
    tables = [*(mart.name for mart in load_marts()), *EVIDENCE]
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return {
            table: connection.execute(f"select * from {table} order by all").fetchall()
            for table in tables
        }


def read(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Answer one query about a built database."""
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the rows that only one of two builds has, by table."""
    return {
        table: sorted(map(str, set(map(str, one[table])) ^ set(map(str, other[table]))))[:10]
        for table in one
        if one[table] != other[table]
    }
