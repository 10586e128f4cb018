"""What the report shows, read from the published marts file and nothing else.

Every number is a `Cell`: known, suppressed because few people are behind it, or unknown with the
reason. None of the last two is ever shown as 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import duckdb

SHOWN_WEEKS = 12
SHOWN_DAYS = 70
SHOWN_METRICS = (
    "channel_scorecard.fan_count",
    "channel_scorecard.active_fan_count",
    "channel_activity.engaged_fan_count",
    "channel_scorecard.activity_rate",
    "channel_scorecard.buyer_count",
    "channel_scorecard.conversion_rate",
    "channel_scorecard.conversion_rate_hi",
    "channel_scorecard.coverage_rate",
    "share_of_voice.mention_count",
    "share_of_voice.share_rate",
    "share_of_voice.noise_mention_count",
    "share_of_voice.quoted_mention_count",
    "sentiment_daily.net_sentiment_rate",
    "noise_acts.post_count",
    "left_out_mentions.mention_count",
)


Hides = Mapping[str, Collection[str]]
"""Each column that counts people, and the columns emptied where it counts too few."""


class State(StrEnum):
    """Why a cell shows what it shows."""

    KNOWN = "known"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a number is unknown; the words are in `reports.words`."""

    NO_FAN_COUNT = "no_fan_count"
    NO_IDENTITY = "no_identity"
    NO_ACTIVE_FANS = "no_active_fans"
    NO_MEMBERS = "no_members"
    NO_SHOP = "no_shop"
    NO_LEDGER = "no_ledger"
    NO_MENTIONS = "no_mentions"
    NO_OPINION = "no_opinion"


@dataclass(frozen=True)
class Cell:
    """One number of the report; `value` is None unless it is known."""

    value: float | None
    state: State = State.KNOWN
    reason: Reason | None = None

    @property
    def is_known(self) -> bool:
        return self.state is State.KNOWN


@dataclass(frozen=True)
class ChannelRow:
    """One channel in the month shown; rates and coverage 0–1, ranks from 1."""

    channel_id: str
    name: str
    source: str
    is_own: bool
    fans: Cell
    active: Cell
    engaged: Cell
    activity_rate: Cell
    buyers: Cell
    conversion_lo: Cell
    conversion_hi: Cell
    coverage: Cell
    fan_rank: int | None
    activity_rank: int | None
    conversion_rank: int | None
    trend: tuple[float | None, ...]


@dataclass(frozen=True)
class BrandRow:
    """One brand in the month shown; share 0–1, net sentiment −1–1."""

    name: str
    is_own: bool
    mentions: Cell
    noise_mentions: Cell
    quoted_mentions: Cell
    share: Cell
    sentiment: Cell
    rank: int | None


@dataclass(frozen=True)
class LeftOut:
    """What the month's numbers leave out for one reason; None where it is no noise of acts."""

    reason: str
    posts: int | None
    marks: int | None
    mentions: int


@dataclass(frozen=True)
class Strip:
    """Coverage of one channel day by day; a day without a row is None."""

    name: str
    days: tuple[tuple[date, Cell | None], ...]


@dataclass(frozen=True)
class Definition:
    """What one column means, in both languages."""

    metric_id: str
    column: str
    name_zh: str
    name_en: str
    formula_zh: str
    formula_en: str
    valid_from: date
    version: str


@dataclass(frozen=True)
class Figures:
    """Everything on the page; `month` is None when no month has been closed or begun.

    `left_out_cell` is the key of the row of `left_out_mentions` that leaves out most, as `tingchao
    trace` takes it.
    """

    month: date | None
    month_end: date | None
    is_complete: bool
    through: date | None
    channels: tuple[ChannelRow, ...]
    brands: tuple[BrandRow, ...]
    left_out: tuple[LeftOut, ...]
    left_out_cell: tuple[str, ...]
    strips: tuple[Strip, ...]
    definitions: tuple[Definition, ...]
    suppressed_rows: int

    @property
    def noise_posts(self) -> int:
        """Posts of any kind that are noise, on all channels of the month."""
        return sum(row.posts or 0 for row in self.left_out)


def read_figures(
    connection: duckdb.DuckDBPyConnection,
    hides: Mapping[str, Hides],
    brands: Mapping[str, tuple[str, bool]],
) -> Figures:
    """Read what the report shows.

    `hides`: per mart what suppression empties (`tingchao.marts.Mart.hides`). `brands`: id to name
    and whether it is the user's own.
    """
    rows = _rows(connection, _SCORECARD)
    month = rows[0]["period_start_date"] if rows else None
    trends = _trends(connection)
    own = {brand for brand, (_, is_own) in brands.items() if is_own}
    names = {row["channel_id"]: row["channel_name"] for row in rows}
    engaged = _engaged(connection, month, hides.get("channel_activity", {}))
    channels = [
        _channel(row, hides.get("channel_scorecard", {}), trends, own, engaged[row["channel_id"]])
        for row in rows
    ]
    return Figures(
        month=month,
        month_end=rows[0]["period_end_date"] if rows else None,
        is_complete=bool(rows and rows[0]["is_complete_period"]),
        through=_one(connection, "select max(through_date) from publication"),
        channels=tuple(channels),
        brands=tuple(_brand(row, brands) for row in _rows(connection, _VOICE, month)),
        left_out=tuple(
            LeftOut(row["reason"], row["posts"], row["marks"], row["mentions"] or 0)
            for row in _rows(connection, _LEFT_OUT, month)
        ),
        left_out_cell=_largest_left_out(connection, month),
        strips=tuple(_strips(connection, names)),
        definitions=tuple(
            Definition(*row.values())
            for row in _rows(connection, _DEFINITIONS, list(SHOWN_METRICS))
        ),
        suppressed_rows=sum(bool(row.get("is_suppressed")) for row in rows),
    )


# The last whole month when there is one, else the month that is running.
_SCORECARD = """
select * from channel_scorecard
where period_type = 'month' and period_start_date = (
    select coalesce(
        max(period_start_date) filter (is_complete_period),
        max(period_start_date)
    ) from channel_scorecard where period_type = 'month'
)
order by activity_rate desc nulls last, fan_count desc nulls last, channel_id
"""
_ENGAGED = """
select * from channel_activity where period_type = 'month' and period_start_date = $1
"""
_VOICE = """
with moods as (
    select brand_id, sum(positive_count) as positive, sum(negative_count) as negative
    from sentiment_daily
    where date_trunc('month', sentiment_date) = $1
    group by brand_id
)
select voice.*, positive, negative
from share_of_voice as voice left join moods using (brand_id)
where period_type = 'month' and period_start_date = $1
order by mention_count desc nulls last, brand_id
"""
# A reason without a row among acts is no noise of theirs; one without mentions is in none.
_LEFT_OUT = """
with acts as (
    select reason, sum(post_count) as posts, sum(act_count - post_count) as marks
    from noise_acts
    where date_trunc('month', act_date) = $1
    group by reason
),
mentions as (
    select reason, sum(mention_count) as mentions
    from left_out_mentions
    where date_trunc('month', mention_date) = $1
    group by reason
)
select * from acts full join mentions using (reason)
order by posts desc nulls last, mentions desc nulls last, reason
"""
_LARGEST_LEFT_OUT = """
select brand_id, channel_id, mention_date, reason from left_out_mentions
where date_trunc('month', mention_date) = $1
order by mention_count desc, mention_date desc, brand_id, channel_id, reason
limit 1
"""
_WEEKS = """
select channel_id, period_start_date, activity_rate from channel_activity
where period_type = 'week' and is_complete_period
order by channel_id, period_start_date
"""
_DAYS = """
select channel_id, coverage_date, coverage_rate from coverage
where coverage_date > (select max(coverage_date) from coverage) - $1::integer
order by channel_id, coverage_date
"""
_DEFINITIONS = """
select metric_id, column_name, name_zh, name_en, formula_zh, formula_en,
    valid_from_date, definition_version
from metric_definitions
where list_contains($1, metric_id)
    and valid_from_date <= (select max(through_date) from publication)
qualify row_number() over (partition by metric_id order by valid_from_date desc) = 1
order by list_position($1, metric_id)
"""


def _rows(connection: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(query, list(values))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _channel(
    row: dict[str, Any],
    hides: Hides,
    trends: Mapping[str, tuple[float | None, ...]],
    own: Collection[str],
    engaged: Cell,
) -> ChannelRow:
    def cell(column: str, reason: Reason) -> Cell:
        return _cell(row, column, hides, reason)

    active = row["active_fan_count"]
    lacking = Reason.NO_IDENTITY if active is None else Reason.NO_FAN_COUNT
    unseen = _why_no_buyers(row)
    unsold = unseen if row["buyer_count"] is None or active is None else Reason.NO_ACTIVE_FANS
    return ChannelRow(
        channel_id=row["channel_id"],
        name=row["channel_name"],
        source=row["source"],
        is_own=row["brand_id"] in own,
        fans=cell("fan_count", Reason.NO_FAN_COUNT),
        active=cell("active_fan_count", Reason.NO_IDENTITY),
        engaged=engaged,
        activity_rate=cell("activity_rate", lacking),
        buyers=cell("buyer_count", unseen),
        conversion_lo=cell("conversion_rate", unsold),
        conversion_hi=cell("conversion_rate_hi", unsold),
        coverage=cell("coverage_rate", Reason.NO_LEDGER),
        fan_rank=row["fan_rank"],
        activity_rank=row["activity_rank"],
        conversion_rank=row["conversion_rank"],
        trend=trends.get(row["channel_id"], ()),
    )


def _engaged(
    connection: duckdb.DuckDBPyConnection, month: date | None, hides: Hides
) -> dict[str, Cell]:
    """Fans who did more than enter giveaways or paste, by channel."""
    return {
        row["channel_id"]: _cell(row, "engaged_fan_count", hides, Reason.NO_IDENTITY)
        for row in _rows(connection, _ENGAGED, month)
    }


def _why_no_buyers(row: Mapping[str, Any]) -> Reason:
    """Whom or what is missing for telling which fans bought, the first of the chain."""
    if row["active_fan_count"] is None:
        return Reason.NO_IDENTITY
    return Reason.NO_MEMBERS if row["identified_fan_count"] is None else Reason.NO_SHOP


def _cell(row: Mapping[str, Any], column: str, hides: Hides, reason: Reason) -> Cell:
    """A cell of a published row: hidden when a count that hides it is itself hidden there."""
    value = row[column]
    if value is not None:
        return Cell(float(value))
    hidden_by = [people for people, hidden in hides.items() if column in hidden]
    if row.get("is_suppressed") and any(row[people] is None for people in hidden_by):
        return Cell(None, State.SUPPRESSED)
    return Cell(None, State.UNKNOWN, reason)


def _trends(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[float | None, ...]]:
    """Weekly activity rates per channel, the last weeks that are over; a gap is None."""
    weeks: dict[str, list[float | None]] = {}
    for row in _rows(connection, _WEEKS):
        weeks.setdefault(row["channel_id"], []).append(row["activity_rate"])
    return {channel: tuple(rates[-SHOWN_WEEKS:]) for channel, rates in weeks.items()}


def _brand(row: dict[str, Any], brands: Mapping[str, tuple[str, bool]]) -> BrandRow:
    name, is_own = brands.get(row["brand_id"], (row["brand_id"], False))
    return BrandRow(
        name=name,
        is_own=is_own,
        mentions=_cell(row, "mention_count", {}, Reason.NO_MENTIONS),
        noise_mentions=_cell(row, "noise_mention_count", {}, Reason.NO_MENTIONS),
        quoted_mentions=_cell(row, "quoted_mention_count", {}, Reason.NO_MENTIONS),
        share=_cell(row, "share_rate", {}, Reason.NO_MENTIONS),
        sentiment=_net_sentiment(row["positive"], row["negative"]),
        rank=row["rank"],
    )


def _net_sentiment(positive: int | None, negative: int | None) -> Cell:
    if positive is None or negative is None or positive + negative == 0:
        return Cell(None, State.UNKNOWN, Reason.NO_OPINION)
    return Cell(float((positive - negative) / (positive + negative)))


def _largest_left_out(connection: duckdb.DuckDBPyConnection, month: date | None) -> tuple[str, ...]:
    found = _rows(connection, _LARGEST_LEFT_OUT, month)
    return tuple(f"{column}={value}" for row in found for column, value in row.items())


def _strips(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Sequence[Strip]:
    """One strip per channel over the same days, so that holes stand under each other."""
    found: dict[str, dict[date, Cell]] = {}
    for row in _rows(connection, _DAYS, SHOWN_DAYS):
        cell = _cell(row, "coverage_rate", {}, Reason.NO_LEDGER)
        found.setdefault(row["channel_id"], {})[row["coverage_date"]] = cell
    days = sorted({day for cells in found.values() for day in cells})
    return [
        Strip(names.get(channel, channel), tuple((day, cells.get(day)) for day in days))
        for channel, cells in found.items()
    ]
