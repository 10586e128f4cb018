"""What every export of Weibo shares: ids, permalinks, counters with their ceiling, and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from lake import Precision
from lake.times import (
    Instant,
    TimeFormatError,
    parse_ctime,
    parse_local,
    parse_relative,
    parse_rfc3339,
)
from scrapers.importers.fields import Fields
from scrapers.parsers.weibo import SHANGHAI, short_id

CAP = 1_000_000  # the web shows 100万+ from here on, and crawlers write the number
# Upper bits of a 16-digit id count seconds from here on; held against 21,200 printed days.
ID_EPOCH = 515_483_463
ID_SHIFT = 22


def permalink(mid: str | None, user: str | None = None, bid: str | None = None) -> str | None:
    """Return where a post can be read."""
    if mid is None or not mid.isdigit():
        return None
    return (
        f"https://weibo.com/{user}/{bid or short_id(mid)}"
        if user
        else f"https://m.weibo.cn/detail/{mid}"
    )


def counters(fields: Fields, cap: int | None, **keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return likes, comments, reposts; at the ceiling they mean at least so many."""
    there = {name: k for name, k in keys.items() if any(key in fields.raw for key in k)}
    return [dict(fields.counter(name, *k, cap=cap or CAP)) for name, k in there.items()]


def read_printed(text: str, saved_at: datetime, mid: str | None = None) -> Instant:
    """Read a time as Weibo prints it; one without a year, or relative, is told from the id.

    A post's id says when it was given, to the hour or so. Without one, `saved_at` is the present.
    """
    for read in (parse_ctime, parse_rfc3339, parse_local):
        try:
            return read(text, SHANGHAI)
        except TimeFormatError:
            continue
    born = _time_of_id(mid)
    if born is None:
        return parse_relative(text, saved_at, SHANGHAI)
    if not re.search(r"\d{1,2}-\d{1,2}", text):  # some time ago, and nobody says from when on
        return Instant(born, Precision.INFERRED, text)
    return parse_relative(text, born + timedelta(hours=12), SHANGHAI)


def _time_of_id(mid: str | None) -> datetime | None:
    if mid is None or not re.fullmatch(r"\d{16}", mid):
        return None
    return datetime.fromtimestamp((int(mid) >> ID_SHIFT) + ID_EPOCH, UTC)
