"""Answers of the datacube of a WeChat official account as plain values.

Dates are days of China. An error comes with HTTP 200 and a number that says what it is.
https://developers.weixin.qq.com/doc/service/api/wedata/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from lake.counters import Counter, parse_counter
from lake.times import Instant, Precision, localize
from scrapers.access.calls import Problem, Trouble
from scrapers.errors import ParsingFailedError
from scrapers.parsers.json_record import JsonRecord

ZONE = timezone(timedelta(hours=8))  # China's, which knows no summer time
CUMULATE, ARTICLES = "getusercumulate", "getarticletotaldetail"
# What is told of days, and of how many of them at once.
LONGEST = {
    CUMULATE: 7,
    "getusersummary": 7,
    "getbizsummary": 30,
    "getarticleread": 1,
    "getarticleshare": 1,
    ARTICLES: 1,
}
USERS_SINCE, ARTICLES_SINCE = date(2014, 12, 1), date(2025, 11, 1)  # nothing true is told before
EVERYBODY = "全部"  # the part of the readers that is all of them
TOTALS = (
    *("read_user", "share_user", "zaikan_user", "like_user", "comment_count"),
    *("collection_user", "praise_money", "read_subscribe_user"),
)
KINDS = {
    **dict.fromkeys((40001, 40014, 42001), Trouble.EXPIRED),  # the token
    **dict.fromkeys((40013, 40125), Trouble.EXPIRED),  # the account's id or secret
    **dict.fromkeys((-1, 50001), Trouble.TRANSIENT),
    45009: Trouble.SPENT,
    45011: Trouble.LIMITED,
}
EXPIRED = "42001"
OF_THE_TOKEN = frozenset({"40001", "40014", EXPIRED})


@dataclass
class DayTold:
    """What the calls told of one day, until all of them have answered."""

    fans: int | None = None
    counters: list[Counter] = field(default_factory=list)
    raw: dict[str, list[Any]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


def read_error(data: Any) -> Problem | None:
    """Return what an answer complains of, by its number; None when it does not."""
    number = data.get("errcode") if isinstance(data, dict) else None
    if isinstance(number, bool) or not isinstance(number, int) or number == 0:
        return None
    said = str(data.get("errmsg") or "without a word")
    return Problem(KINDS.get(number, Trouble.REFUSED), str(number), said)


def first_day(name: str) -> date:
    """Return the first day of which something true is told."""
    return USERS_SINCE if name.startswith("getuser") else ARTICLES_SINCE


def spans(days: Sequence[date], longest: int) -> Iterator[Sequence[date]]:
    """Cut consecutive days into parts of at most so many."""
    for start in range(0, len(days), longest):
        yield days[start : start + longest]


def read_day(name: str, row: JsonRecord, told: DayTold) -> None:
    """Add what a row of an answer tells of its day; nothing of it when a part is odd."""
    counters = list(_READERS[name](row))
    told.counters += counters
    if name == CUMULATE:
        told.fans = counters[0]["lo"]
    told.raw.setdefault(name, []).append(row.raw)
    told.unread |= row.unread


def day_of(row: JsonRecord, name: str = "ref_date") -> Instant:
    """Return a day's beginning in China; there must be one."""
    printed = row.id(name)
    try:
        day = date.fromisoformat(printed)
    except ValueError:
        raise ParsingFailedError(
            "wrong_kind", f"{name}: expected a date like 2026-10-08, found {printed!r:.60}"
        ) from None
    return Instant(localize(datetime.combine(day, time()), ZONE), Precision.DAY, printed)


def article_counters(article: JsonRecord) -> tuple[tuple[Counter, ...], frozenset[str]]:
    """Return what an article came to, and the keys of it that nobody knows.

    The row of each day holds all that happened up to it, so the last one is taken.
    """
    rows = [JsonRecord(row) for row in article.objects("detail_list")]
    if not rows:
        return (), frozenset()
    last = max(rows, key=lambda row: day_of(row, "stat_date").at)
    counters = tuple(_totals(last))
    return counters, frozenset(f"detail_list.{key}" for key in last.unread)


def _summary(row: JsonRecord) -> Iterator[Counter]:
    """New and leaving followers by where they came from: `new_user.30` used a QR code."""
    source = row.id("user_source")
    for name in ("new_user", "cancel_user"):
        yield parse_counter(f"{name}.{source}", row.take(name))


def _cumulate(row: JsonRecord) -> Iterator[Counter]:
    row.take("user_source")  # always 0: all of them
    yield parse_counter("cumulate_user", row.take("cumulate_user"))


def _business(row: JsonRecord) -> Iterator[Counter]:
    yield from _totals(row, "detail.", "account.")


def _of_article(name: str) -> Callable[[JsonRecord], Iterator[Counter]]:
    def read(row: JsonRecord) -> Iterator[Counter]:
        row.take("detail.read_user_source")  # of the day, and kept as evidence
        value = row.take(f"detail.{name}")
        yield parse_counter(f"article.{name}.{row.id('msgid')}", value)

    return read


def _totals(row: JsonRecord, within: str = "", prefix: str = "") -> Iterator[Counter]:
    """Yield the counters that are told, and readers by where they came from: `read_user.朋友圈`."""
    for name in TOTALS:
        value = row.take(f"{within}{name}")
        if value is not None:
            yield parse_counter(f"{prefix}{name}", value)
    for entry in map(JsonRecord, row.objects(f"{within}read_user_source")):
        source = entry.id("scene_desc")
        if source != EVERYBODY:
            yield parse_counter(f"{prefix}read_user.{source}", entry.take("user_count"))


_READERS: dict[str, Callable[[JsonRecord], Iterator[Counter]]] = {
    CUMULATE: _cumulate,
    "getusersummary": _summary,
    "getbizsummary": _business,
    "getarticleread": _of_article("read_user"),
    "getarticleshare": _of_article("share_user"),
}
