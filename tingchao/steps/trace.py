"""Trace a number of a mart back to its evidence: posts or orders, segments, landed files.

Reads the private work database, so what it prints is for whoever may see posts.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any, Final

import duckdb

from reports.marts_file import OURS
from tingchao.building.models import DATABASE
from tingchao.context import Context
from tingchao.errors import ConfigurationError, TingchaoError
from tingchao.identifiers import quote
from tingchao.marts import Mart, load_marts

ACTS: Final = """
select
    acts.act_date as day,
    acts.act_kind || case when acts.is_eligible then '' else ' (counts as no fan)' end
        || coalesce(' (noise: ' || acts.reason || ')', '') as what,
    acts.post_id as id, posts.url as url, acts.source as source, acts.segment_id as segment_id,
    case acts.act_kind when 'reaction' then 'reactions' else 'posts' end as landed_table
from (
    select
        acts.*,
        case
            when acts.is_official or noise.reason = 'repost' then null
            when acts.act_kind <> 'reaction' or noise.reason = 'giveaway' then noise.reason
        end as reason
    from int_acts as acts left join int_noise as noise using (channel_id, post_id)
) as acts left join int_posts as posts using (channel_id, post_id)
where {conditions}
order by day, id, what
"""
MENTIONS: Final = """
select
    mentions.mention_date as day,
    'mention: ' || mentions.alias || coalesce(' (left out: ' || mentions.reason || ')', '') as what,
    mentions.post_id as id,
    posts.url as url, posts.source as source, mentions.segment_id as segment_id,
    'posts' as landed_table
from (
    select
        mentions.*,
        coalesce(noise.reason, case when mentions.is_quoted then 'quoted' end) as reason
    from int_mentions as mentions left join int_noise as noise using (channel_id, post_id)
) as mentions left join int_posts as posts using (channel_id, post_id)
where {conditions}
order by day, id, mentions.span_start
"""
ORDERS: Final = """
select
    orders.order_date as day, 'order: ' || orders.amount || ' ' || orders.currency as what,
    orders.order_id as id, null::varchar as url, orders.source as source,
    orders.segment_id as segment_id, 'orders' as landed_table
from int_orders_attributed as orders
where {conditions}
order by day, id
"""


@dataclass(frozen=True)
class Evidence:
    """Where a mart's numbers come from: the query, the day's column, the alias of its table."""

    query: str
    alias: str
    day: str


EVIDENCE: Final = {
    "coverage": Evidence(ACTS, "acts", "act_date"),
    "channel_activity": Evidence(ACTS, "acts", "act_date"),
    "fan_lifecycle": Evidence(ACTS, "acts", "act_date"),
    "channel_scorecard": Evidence(ACTS, "acts", "act_date"),
    "noise_acts": Evidence(ACTS, "acts", "act_date"),
    "left_out_mentions": Evidence(MENTIONS, "mentions", "mention_date"),
    "mentions": Evidence(MENTIONS, "mentions", "mention_date"),
    "share_of_voice": Evidence(MENTIONS, "mentions", "mention_date"),
    "sentiment_daily": Evidence(MENTIONS, "mentions", "mention_date"),
    "conversions": Evidence(ORDERS, "orders", "order_date"),
    "channel_conversion": Evidence(ORDERS, "orders", "order_date"),
}


@dataclass(frozen=True)
class TraceLine:
    """One piece of evidence, and the landed file it came in (None when it is gone)."""

    day: date
    what: str
    id: str
    url: str | None
    segment_id: str
    file: str | None


@dataclass(frozen=True)
class TraceSummary:
    """What stands behind a number; `total` counts what the limit left out, too."""

    mart: str
    cell: tuple[str, ...]
    total: int
    lines: tuple[TraceLine, ...]

    def __str__(self) -> str:
        shown = f", the first {len(self.lines)} shown" if len(self.lines) < self.total else ""
        head = f"{self.mart} {' '.join(self.cell)}: {self.total:,} pieces of evidence{shown}"
        return "\n".join([head, *(self._line(line) for line in self.lines)])

    @staticmethod
    def _line(line: TraceLine) -> str:
        file = line.file or f"segment {line.segment_id}: no landed file (erased or expired)"
        return f"{line.day}  {line.what}  {line.id}  {line.url or '-'}\n            {file}"


def trace(
    context: Context, mart_name: str, cell: Sequence[str], *, limit: int = 20
) -> TraceSummary:
    """List what one row of a mart was counted from; `cell` is `column=value` for its whole key.

    `ConfigurationError` shows a key that there is when this one is incomplete, names no key column
    or matches no row; `TingchaoError` without a build.
    """
    mart = _mart(mart_name)
    with _open_work(context) as connection:
        wanted = _read_key(connection, mart, cell)
        conditions, values = _conditions(EVIDENCE[mart.name], wanted)
        if not _has_row(connection, mart, wanted):
            raise _no_such_row(connection, mart, cell)
        query = EVIDENCE[mart.name].query.format(conditions=" and ".join(conditions))
        total, rows = _run(connection, query, values, limit)
    files = _landed_files(context, rows)
    return TraceSummary(
        mart.name,
        tuple(cell),
        total,
        tuple(
            TraceLine(
                day=row["day"],
                what=row["what"],
                id=row["id"],
                url=row["url"],
                segment_id=row["segment_id"],
                file=files.get((row["landed_table"], row["segment_id"])),
            )
            for row in rows
        ),
    )


def _mart(name: str) -> Mart:
    for mart in load_marts():
        if mart.name == name and name in EVIDENCE:
            return mart
    raise ConfigurationError(f"trace: expected one of {', '.join(EVIDENCE)}; found {name!r}")


def _read_key(
    connection: duckdb.DuckDBPyConnection, mart: Mart, cell: Sequence[str]
) -> dict[str, str]:
    """Return the value of each key column, in the order of the key."""
    parts = [part.partition("=") for part in cell]
    given = {column: value for column, separator, value in parts if separator}
    if len(given) != len(cell) or set(given) != set(mart.key):
        raise _no_such_row(connection, mart, cell)
    return {column: given[column] for column in mart.key}


def _has_row(connection: duckdb.DuckDBPyConnection, mart: Mart, wanted: Mapping[str, str]) -> bool:
    same = " and ".join(f"{quote(column)} = ?" for column in wanted)
    query = f"select count(*) from {quote(mart.name)} where {same}"
    counted = connection.execute(query, list(wanted.values())).fetchone()
    return bool(counted and counted[0])


def _no_such_row(
    connection: duckdb.DuckDBPyConnection, mart: Mart, cell: Sequence[str]
) -> ConfigurationError:
    """Say what a key is, and show the one that is most like what was asked for."""
    expected = " ".join(f"{column}=…" for column in mart.key)
    found = " ".join(cell) or "no key"
    said = f"trace {mart.name}: expected a row's whole key, {expected}; found {found}"
    texts = [f"cast({quote(column)} as varchar)" for column in mart.key]
    likeness = " + ".join(
        f"cast('{column}=' || {text} in ? as integer)"
        for column, text in zip(mart.key, texts, strict=True)
    )
    nearest = connection.execute(
        f"select {', '.join(texts)} from {quote(mart.name)} "
        f"order by {likeness} desc, {', '.join(f'{text} desc' for text in texts)} limit 1",
        [list(cell)] * len(texts),
    ).fetchone()
    if nearest is None:
        return ConfigurationError(f"{said}. The mart has no row at all")
    words = [f"{column}={value}" for column, value in zip(mart.key, nearest, strict=True)]
    return ConfigurationError(
        f"{said}. One that there is: {shlex.join(['tingchao', 'trace', mart.name, *words])}"
    )


def _conditions(evidence: Evidence, wanted: Mapping[str, str]) -> tuple[list[str], list[Any]]:
    """Turn the key of a mart's row into conditions on its evidence."""
    conditions: list[str] = []
    values: list[Any] = []
    for column, value in wanted.items():
        if column.endswith("_date"):
            first, last = _period(value, wanted.get("period_type"), column)
            conditions.append(f"{evidence.alias}.{evidence.day} between ? and ?")
            values += [first, last]
        elif column != "period_type":
            conditions.append(f"{evidence.alias}.{column} = ?")
            values.append(value)
    return conditions, values


def _period(text: str, period_type: str | None, column: str) -> tuple[date, date]:
    """First and last day of the period that a key column names; a month when nothing else says."""
    try:
        first = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"trace: {column}: expected a day such as 2026-10-01, found {text!r}"
        ) from None
    if column != "period_start_date" or period_type == "day":
        return first, first
    if period_type == "week":
        return first, first + timedelta(days=6)
    next_month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first, next_month - timedelta(days=1)


@contextmanager
def _open_work(context: Context) -> Iterator[duckdb.DuckDBPyConnection]:
    work = context.data / "warehouse" / DATABASE
    if not work.exists():
        raise TingchaoError(f"{work}: no work database; run `tingchao build`")
    try:
        with duckdb.connect(str(work), read_only=True, config=OURS) as connection:
            yield connection
    except duckdb.CatalogException as error:
        raise TingchaoError(
            f"{work}: {str(error).splitlines()[0]}; run `tingchao build --full-refresh`"
        ) from None


def _run(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any], limit: int
) -> tuple[int, list[dict[str, Any]]]:
    counted = connection.execute(f"select count(*) from ({query})", values).fetchone()
    cursor = connection.execute(f"{query} limit ?", [*values, limit])
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return int(counted[0]) if counted else 0, rows


def _landed_files(
    context: Context, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], str]:
    """Address of each (table, segment) that the rows name."""
    tables = {(row["landed_table"], row["source"]) for row in rows}
    return {
        (table, PurePath(address).stem): address
        for table, source in sorted(tables)
        for address in context.lake.segments(table, source=source)
    }
