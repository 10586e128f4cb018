"""Units that an API grants a day, and what is left of them.

A file a day, a byte a unit: it is as long as what was spent. It grows before a request leaves, so a
crawl that is killed, run again or run beside another one never spends twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lake.times import localize
from scrapers.source import Quota


class Allowance:
    """The daily units of one key; a day ends at midnight of the platform's own zone."""

    def __init__(
        self, quota: Quota, folder: Path, name: str, clock: Callable[[], datetime]
    ) -> None:
        self.quota, self.folder, self.name, self.clock = quota, folder, name, clock
        self.zone = ZoneInfo(quota.resets)

    def left(self) -> int:
        """Return the units left today."""
        path = self._path()
        spent = path.stat().st_size if path.exists() else 0
        return max(0, self.quota.units_per_day - spent)

    def spend(self, units: int) -> bool:
        """Write down so many units as spent; False, and nothing, when they are not left."""
        with self._today() as (file, spent):
            if spent + units > self.quota.units_per_day:
                return False
            os.write(file, b"." * units)
            return True

    def exhaust(self) -> None:
        """Write down the whole day as spent: the platform says so."""
        with self._today() as (file, spent):
            os.write(file, b"!" * max(0, self.quota.units_per_day - spent))

    def resets_at(self) -> datetime:
        """Return when the next day of the platform begins."""
        tomorrow = self.clock().astimezone(self.zone).date() + timedelta(days=1)
        return localize(datetime.combine(tomorrow, time()), self.zone)

    def _path(self) -> Path:
        day = self.clock().astimezone(self.zone).date()
        return self.folder / f"{self.name}.{day:%Y-%m-%d}"

    @contextmanager
    def _today(self) -> Iterator[tuple[int, int]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file, os.fstat(file).st_size
        finally:
            os.close(file)
