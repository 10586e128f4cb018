"""The marts as they are published: one DuckDB file, aggregates only, few people never shown.

Suppression: where a column that counts people is between 1 and k - 1, or leaves as few of the whole
it is part of, that cell becomes NULL, and with it every cell of the row that it could be worked out
from; `is_suppressed` is then true. Which columns those are is written beside each mart (`meta` in
its yml).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from reports.errors import PublicationError
from tingchao.identifiers import quote
from tingchao.marts import Mart

# Opened by us only: nothing is fetched, nothing is installed, whatever a file says.
OURS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
# Opened for others: additionally no other file can be read, and no setting changed back.
READERS = {**OURS, "enable_external_access": "false", "lock_configuration": "true"}


@dataclass(frozen=True)
class Facts:
    """What is true of a whole publication; `suppress_below` in people.

    `text_version` is None where no text was understood, and so are the counts of distinct texts
    (tingchao.enriching.counting says what they count).
    """

    as_of_at: datetime
    through_date: date
    time_zone: str
    currency: str
    suppress_below: int
    definition_version: str
    text_version: str | None
    code_version: str
    text_count: int | None = None
    noisy_text_count: int | None = None
    unknown_mood_text_count: int | None = None
    wordless_text_count: int | None = None
    turned_text_count: int | None = None
    same_text_count: int | None = None


def write_marts(work: Path, target: Path, marts: Sequence[Mart], suppress_below: int) -> None:
    """Copy every mart of the work database into a new file, suppressed and ordered by its key.

    `PublicationError` when the work database lacks a mart or a column of its contract.
    """
    with duckdb.connect(str(target), config=OURS) as connection, _attached(connection, work):
        for mart in marts:
            schema = _schema_of(connection, work, mart.name)
            try:
                connection.execute(_copy(mart, schema, suppress_below))
            except duckdb.BinderException as error:
                raise PublicationError(
                    f"{work.name}: mart {mart.name} is not as its contract says: "
                    f"{str(error).splitlines()[0]}; run `tingchao build --full-refresh`"
                ) from None
        connection.execute("checkpoint")


def stamp(target: Path, version: str, facts: Facts) -> None:
    """Write the one row of `publication`: which version this is, and of what instant."""
    values = [version, *astuple(facts)]
    places = ", ".join("?" for _ in values)
    with duckdb.connect(str(target), config=OURS) as connection:
        connection.execute(
            "create table publication (version_id varchar, as_of_at timestamptz, "
            "through_date date, time_zone varchar, currency varchar, suppress_below integer, "
            "definition_version varchar, text_version varchar, code_version varchar, "
            "text_count bigint, noisy_text_count bigint, unknown_mood_text_count bigint, "
            "wordless_text_count bigint, turned_text_count bigint, same_text_count bigint)"
        )
        connection.execute(f"insert into publication values ({places})", values)
        connection.execute("checkpoint")


def count_suppressed(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a published table in which something is hidden; 0 where nothing ever is."""
    names = [row[0] for row in connection.execute(f"describe {quote(table)}").fetchall()]
    if "is_suppressed" not in names:
        return 0
    query = f"select count(*) from {quote(table)} where is_suppressed"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def read_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file as its readers should: it can be read, and nothing else can be done."""
    try:
        connection = duckdb.connect(str(path), read_only=True, config=READERS)
    except duckdb.Error as error:
        raise PublicationError(
            f"{path.name}: cannot be opened: {str(error).splitlines()[0]}; "
            "run `tingchao publish`, or `tingchao publish --rollback VERSION`"
        ) from None
    with connection:
        yield connection


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, work: Path) -> Iterator[None]:
    if not work.exists():
        raise PublicationError(f"{work}: no work database; run `tingchao build` first")
    path = str(work).replace("'", "''")
    connection.execute(f"attach '{path}' as work (read_only)")
    yield
    connection.execute("detach work")


def _schema_of(connection: duckdb.DuckDBPyConnection, work: Path, mart: str) -> str:
    """Schema of the work database that holds a mart; dbt may use more than one."""
    rows = connection.execute(
        "select table_schema from information_schema.tables "
        "where table_catalog = 'work' and table_name = ?",
        [mart],
    ).fetchall()
    if len(rows) != 1:
        raise PublicationError(
            f"{work.name}: expected mart {mart} once, found it {len(rows)} times; "
            "run `tingchao build`"
        )
    return str(rows[0][0])


def _copy(mart: Mart, schema: str, suppress_below: int) -> str:
    columns = [_column(name, mart, suppress_below) for name in mart.column_names]
    if mart.hides:
        columns.append(f"{_few(mart, mart.hides, suppress_below)} as is_suppressed")
    source = f"work.{quote(schema)}.{quote(mart.name)}"
    order = ", ".join(map(quote, mart.key))
    return (
        f"create table {quote(mart.name)} as "
        f"select {', '.join(columns)} from {source} order by {order}"
    )


def _column(name: str, mart: Mart, suppress_below: int) -> str:
    column = quote(name)
    counts = [people for people, hidden in mart.hides.items() if name in hidden]
    if not counts:
        return column
    return f"case when not {_few(mart, counts, suppress_below)} then {column} end as {column}"


def _few(mart: Mart, people_columns: Collection[str], suppress_below: int) -> str:
    """SQL that is true where any of these columns counts, or leaves, fewer than k; never NULL."""
    counts = [quote(people) for people in people_columns]
    counts += [
        f"({quote(mart.wholes[people])} - {quote(people)})"
        for people in people_columns
        if people in mart.wholes
    ]
    tests = (f"coalesce({c} > 0 and {c} < {suppress_below}, false)" for c in counts)
    return f"({' or '.join(tests)})"
