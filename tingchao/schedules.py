"""When a cron expression is due next; the scheduler itself is Airflow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo

LONGEST = 366 * 8 + 1  # days until any day of the calendar comes again, 29 February too
PART = re.compile(r"(?:\*|(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?)(?:/(?P<step>[1-9]\d?))?")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


PRESETS = frozenset(
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]
)
NUMBERS = re.compile(r"[0-9*/,-]+")


class _Cron(NamedTuple):
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_any_day: bool  # only one of the two kinds of days is said, or none

    def is_day(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_date and by_weekday) if self.is_any_day else (by_date or by_weekday)


def next_due(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first instant after another at which a schedule of a zone is due, in UTC.

    None where the expression is of a kind that is not read here (`@daily`, names): unknown.
    """
    cron = _read(expression)
    if cron is None:
        return None
    today = datetime.combine(after.astimezone(zone).date(), time())
    for number in range(LONGEST):
        day = today + timedelta(days=number)
        if not cron.is_day(day):
            continue
        for hour, minute in product(sorted(cron.hours), sorted(cron.minutes)):
            at = day.replace(hour=hour, minute=minute, tzinfo=zone).astimezone(UTC)
            if at > after:
                return at
    return None


def is_cron(expression: str) -> bool:
    """Whether it can be a schedule: a preset, or five fields whose numbers are in range.

    Names and other ways of writing (`MON`, `5L`) are the scheduler's to judge.
    """
    fields = expression.split()
    if len(fields) != len(RANGES):
        return expression in PRESETS
    plain = [(f, limits) for f, limits in zip(fields, RANGES, strict=True) if NUMBERS.fullmatch(f)]
    return all(_numbers(text, *limits) for text, limits in plain)


def _read(expression: str) -> _Cron | None:
    fields = expression.split()
    if len(fields) != len(RANGES):
        return None
    read = [_numbers(text, *limits) for text, limits in zip(fields, RANGES, strict=True)]
    if not all(read):
        return None
    minutes, hours, days, months, weekdays = read
    is_any_day = fields[2].startswith("*") or fields[4].startswith("*")
    sundays = frozenset(day % 7 for day in weekdays)
    return _Cron(minutes, hours, days, months, sundays, is_any_day)


def _numbers(text: str, lowest: int, highest: int) -> frozenset[int]:
    """Return what a field stands for; nothing when it cannot be read."""
    found: set[int] = set()
    for part in text.split(","):
        match = PART.fullmatch(part)
        if match is None:
            return frozenset()
        step = int(match["step"] or 1)
        low = int(match["low"]) if match["low"] else lowest
        is_open = match["low"] is None or (match["step"] and match["high"] is None)
        high = highest if is_open else int(match["high"] or match["low"])
        if not lowest <= low <= high <= highest:
            return frozenset()
        found.update(range(low, high + 1, step))
    return frozenset(found)
