"""What is collected under one name: a logical run, its window, its segments' ids."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lake.errors import InvalidRunError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, order=True)
class Window:
    """A half-open interval of time, start ≤ t < end; kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            at = getattr(self, name)
            if at.utcoffset() is None:
                raise InvalidRunError(f"window {name}: expected a time with its zone, found {at}")
            object.__setattr__(self, name, at.astimezone(UTC))
        if self.end <= self.start:
            raise InvalidRunError(f"window: expected start < end, found {self.start} … {self.end}")


@dataclass(frozen=True)
class LogicalRun:
    """One piece of work that keeps its name through every retry.

    A crawl asks for a window of time, an import for a file (`file_digest`). A window may be seen
    once per run, so an identity lands once; a file is read line by line, so every version of a
    thing that it holds lands, in its order.
    """

    source: str
    channel_id: str
    crawl_id: str
    route: Literal["crawl", "import", "gate", "erasure"] = "crawl"
    window: Window | None = None
    file_digest: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.source):
            raise InvalidRunError(
                f"source {self.source!r}: expected a-z, 0-9, _ and -, at most 64; it names a folder"
            )
        for name in ("channel_id", "crawl_id"):
            if not getattr(self, name):
                raise InvalidRunError(f"logical run of {self.source}: {name} is empty")

    def segment_id(self, ordinal: int) -> str:
        """Return the 32 hex digits that name the run's n-th segment on every attempt."""
        asked = [self.source, self.channel_id, self.crawl_id, *self._asked_for(), ordinal]
        return hashlib.sha256(json.dumps(asked, ensure_ascii=True).encode()).hexdigest()[:32]

    def _asked_for(self) -> list[str | None]:
        if self.window is None:  # one file may be read in several ways, by several column maps
            return [None, None, self.file_digest, *filter(None, [self.query])]
        return [self.window.start.isoformat(), self.window.end.isoformat(), self.file_digest]


def merge(windows: list[Window]) -> list[Window]:
    """Return the union as disjoint windows in order; those that touch become one."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def place_of(source: str, segment_id: str, at: datetime) -> str:
    """Return where the segment's file lies below every table's folder."""
    return f"source={source}/collected_date={at.astimezone(UTC):%Y-%m-%d}/{segment_id}.parquet"
