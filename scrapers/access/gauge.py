"""Accounts of which nothing but numbers of days is told: how many follow, what they did.

A day's numbers hold at its end, in the platform's own zone, and are told some hours later. What is
covered: every day's end of the window that was told. A day that is not told yet is a hole, which
the next crawl closes; it never counts as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, ClassVar

from lake import StopReason, Window
from lake.times import localize
from scrapers.access.cursor import CursorSpider, CursorVisit

A_DAY = timedelta(days=1)
JUST_AFTER = timedelta(seconds=1)
SHOWN = 3  # days that a message names


class GaugeSpider(CursorSpider):
    """Asks for the days of a window; `opening` says how, `tell` and `leave` what became of each."""

    zone: ClassVar[tzinfo]

    def end_of(self, day: date) -> datetime:
        """Return the instant at which a day of the platform is over."""
        return localize(datetime.combine(day + A_DAY, time()), self.zone)

    def days(self, visit: CursorVisit) -> list[date]:
        """Return the days that end within the window, both its ends included, and are over."""
        end = min(visit.channel.end, self.job.clock()())
        day = visit.channel.start.astimezone(self.zone).date() - A_DAY
        days = []
        while (at := self.end_of(day)) <= end:
            if at >= visit.channel.start:
                days.append(day)
            day += A_DAY
        return days

    def tell(self, visit: CursorVisit, day: date) -> None:
        """Note that a day was told."""
        visit.facts.setdefault("told", set()).add(day)

    def leave(self, visit: CursorVisit, day: date, why: str) -> None:
        """Note that the platform does not tell a day, or not yet."""
        visit.facts.setdefault("left", {})[day] = why

    def sure_part(self, visit: CursorVisit) -> Window | None:
        """Return the longest interval of the window of which every day's end was told."""
        start, end = visit.channel.start, min(visit.channel.end, self.job.clock()())
        told = visit.facts.get("told", set())
        parts = []
        for missing in (self.end_of(day) for day in self.days(visit) if day not in told):
            parts.append((start, min(missing, end)))
            start = missing + JUST_AFTER
        parts.append((start, end))
        windows = [Window(since, until) for since, until in parts if since < until]
        return max(windows, key=lambda part: part.end - part.start, default=None)

    def finish(
        self, visit: Any, reason: StopReason, covered: Window | None = None, **more: Any
    ) -> Iterator[Any]:
        """End a channel, and name the days that were not told."""
        left: dict[date, str] = visit.facts.pop("left", {})
        if left:
            days = [f"{day} ({left[day]})" for day in sorted(left)]
            shown = ", ".join(days[-SHOWN:])
            visit.notes.append(f"{len(days):,} days not told, the last: {shown}")
        yield from super().finish(visit, reason, covered, **more)
