"""The town's calendar: whole days in Taipei, counted from 1970-01-01, and instants in Unix seconds.

Taipei has kept UTC+8 all year round since 1980, so no zone data of the host is asked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

TAIPEI = timezone(timedelta(hours=8))
DAY = 86_400
_AHEAD = 8 * 3600
_EPOCH = date(1970, 1, 1).toordinal()


def number_of(day: date) -> int:
    return day.toordinal() - _EPOCH


def date_of(number: int) -> date:
    return date.fromordinal(number + _EPOCH)


def day_at(at: int) -> int:
    """Number of the Taipei day in which a Unix second falls."""
    return (at + _AHEAD) // DAY


def midnight(number: int) -> int:
    """Unix second at which that Taipei day begins."""
    return number * DAY - _AHEAD


def taipei(at: int) -> datetime:
    return datetime.fromtimestamp(at, TAIPEI)


def utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def seconds_of(now: datetime) -> int:
    """Unix second of an aware instant; a naive one is refused, for nobody knows its zone."""
    if now.tzinfo is None:
        raise ValueError(f"expected an instant with an offset, found {now.isoformat()}")
    return int(now.timestamp())


def months_between(first: int, last: int) -> list[tuple[int, int]]:
    """(year, month) of every month that the days first … last touch."""
    start, end = date_of(first), date_of(last)
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    return [divmod(start.year * 12 + start.month - 1 + k, 12) for k in range(count)]


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def week_start(day: date) -> date:
    """Monday of the ISO week."""
    return day - timedelta(days=day.weekday())
