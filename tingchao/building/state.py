"""What the work database was built from, kept inside that database.

It travels with the numbers: a build that dies leaves the old file with the old state, and nobody
has to keep two files in step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from tingchao.config import Engine
from tingchao.durable import sync

VIEWS: Final = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
BUILT: Final = "built"
BUILT_SEGMENTS: Final = "built_segments"
BUILT_BATCHES: Final = "built_batches"
BUILT_TABLES: Final = "built_tables"


@dataclass(frozen=True)
class State:
    """Everything that the marts are a function of."""

    as_of: datetime
    through_date: date
    configuration_digest: str
    code_digest: str
    text_version: str | None
    segments: frozenset[str]
    batches: frozenset[str]
    engine: str = Engine.DUCKDB.value


_SCALARS: Final = tuple(
    field.name for field in fields(State) if field.name not in ("segments", "batches")
)


def read_state(database: Path) -> State | None:
    """Return what a database was built from; None when it is not there or cannot tell."""
    if not database.exists():
        return None
    try:
        with duckdb.connect(database, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            row = connection.execute(f"select {', '.join(_SCALARS)} from {BUILT}").fetchone()
            segments = _ids(connection, BUILT_SEGMENTS)
            batches = _ids(connection, BUILT_BATCHES)
    except duckdb.Error:
        return None
    if row is None:
        return None
    scalars: dict[str, Any] = dict(zip(_SCALARS, row, strict=True))
    return State(**scalars, segments=segments, batches=batches)


def read_tables_name(database: Path) -> str | None:
    """Return the name of the folder of Spark tables that belongs to a database; None without."""
    try:
        with duckdb.connect(database, read_only=True) as connection:
            row = connection.execute(f"select folder_name from {BUILT_TABLES}").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None


def finish(database: Path, state: State, tables_name: str | None = None) -> None:
    """Close a built database: no views on files that move on, its state, its log folded in.

    `tables_name` names the folder of Spark tables that the next build on Spark goes on from.
    """
    with duckdb.connect(database) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for (view,) in connection.execute(VIEWS).fetchall():
            connection.execute(f'drop view "{view}"')
        connection.execute(
            f"create or replace table {BUILT} (as_of timestamptz, through_date date, "
            "configuration_digest varchar, code_digest varchar, text_version varchar, "
            "engine varchar)"
        )
        values = [getattr(state, name) for name in _SCALARS]
        connection.execute(f"insert into {BUILT} values ({', '.join('?' for _ in values)})", values)
        if tables_name is not None:
            connection.execute(f"create or replace table {BUILT_TABLES} (folder_name varchar)")
            connection.execute(f"insert into {BUILT_TABLES} values (?)", [tables_name])
        _write_ids(connection, BUILT_SEGMENTS, state.segments)
        _write_ids(connection, BUILT_BATCHES, state.batches)
        connection.execute("checkpoint")


def put_in_place(built: Path, database: Path) -> None:
    """Replace a database by a finished one, in one step and for good.

    A log that somebody left beside the old file would be replayed into the new one: it goes first.
    """
    log = built.with_name(f"{built.name}.wal")
    if log.exists():
        raise RuntimeError(f"{log}: a finished database has no log beside it; found one")
    database.parent.mkdir(parents=True, exist_ok=True)
    sync(built)
    database.with_name(f"{database.name}.wal").unlink(missing_ok=True)
    built.replace(database)
    sync(database.parent)


def _ids(connection: duckdb.DuckDBPyConnection, table: str) -> frozenset[str]:
    rows = connection.execute(f"select id from {table}").fetchall()
    return frozenset(row[0] for row in rows)


def _write_ids(connection: duckdb.DuckDBPyConnection, table: str, ids: frozenset[str]) -> None:
    connection.execute(
        f"create or replace table {table} as select unnest(?::varchar[]) as id order by id",
        [sorted(ids)],
    )
