"""What one crawl process is told: plain data that goes through a file, secrets never among it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from lake import LogicalRun, Window
from scrapers.source import Auth, Limits, Politeness, Quota


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Model):
    """A window as JSON: start ≤ t < end."""

    start: datetime
    end: datetime

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)


class JobChannel(_Model):
    """One channel to crawl.

    `asked` names the logical run. `start` may lie before it, to close a hole; nothing published
    before `floor`, the channel's own `since`, is wanted at all. `covered_until` is the end of what
    was covered last, `open_since` the earliest instant from `start` on that was never covered,
    `missed_end` the end of the first crawl whose hole is closed.
    """

    id: str
    url: str
    address: str
    brand: str | None = None
    time_zone: str
    asked: Span
    start: datetime
    floor: datetime
    covered_until: datetime | None = None
    open_since: datetime | None = None
    missed_end: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @property
    def end(self) -> datetime:
        return self.asked.end

    def before(self, days: float) -> datetime:
        """Return the instant so many days before this crawl's end, or a missed one's."""
        return min(self.end, self.missed_end or self.end) - timedelta(days=days)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.lower()


class CrawlJob(_Model):
    """One source, its channels, and the limits of the process that crawls them.

    `now` freezes the clock. `is_replay`: the server shows a present that may lie far behind the
    windows' ends.
    """

    source: str
    crawl_id: str
    lake_uri: str
    log_folder: Path
    channels: tuple[JobChannel, ...]
    politeness: Politeness
    limits: Limits
    permalink_base: str | None = None
    base_url: str | None = None
    revisit_days: int = 0
    refresh_days: int | None = None
    auth: Auth | None = None
    quota: Quota | None = None
    quota_folder: Path | None = None
    obeys_robots: bool = True
    ignored_keys: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    user_agent: str
    now: datetime | None = None
    is_replay: bool = False

    def clock(self) -> Callable[[], datetime]:
        frozen = self.now
        return (lambda: datetime.now(UTC)) if frozen is None else (lambda: frozen)

    def logical_run(self, channel: JobChannel) -> LogicalRun:
        return LogicalRun(
            source=self.source,
            channel_id=channel.id,
            crawl_id=self.crawl_id,
            route="crawl",
            window=channel.asked.window,
            query=channel.address,
        )
