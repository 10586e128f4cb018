"""What every spider shares: channels of one host one after another, limits, and an end for each.

A channel always ends in a `ChannelDone`, whatever happens to it; the next one of its host starts
then. Callbacks are generators of requests and records: `fetch` asks for a page, `finish` ends the
channel, and an exception ends it with its message. Records leave the spider in bundles.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from twisted.python.failure import Failure

from lake import Lake, StopReason, Window
from scrapers.bundles import bundled
from scrapers.errors import NotFetchedError, SourceError
from scrapers.job import CrawlJob, JobChannel
from scrapers.known import KnownPost, read_known, read_refused
from scrapers.records import ChannelDone, PageFetched

Step = Callable[[Response, Any], Iterator[Any]]
TOO_LARGE = (
    "the answer grew beyond the size that a page may have (DOWNLOAD_MAXSIZE) and was cut off; is "
    "the address a page's and not a file's?"
)
IS_ANSWER = "is_answer"  # of a request: whether its spider reads a refusal or failure by itself
NO_ROBOTS = "no_robots"  # of a request: no crawl, but an interface used with a key


@dataclass
class Visit:
    """One channel while it is crawled."""

    channel: JobChannel
    known: dict[str, KnownPost] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  # by the crawls before: read once more
    pages: int = 0
    received: int = 0
    is_over: bool = False

    def is_wanted(self, at: datetime | None) -> bool:
        """Whether something published then belongs here; what has no date always does."""
        return at is None or self.channel.floor <= at < self.channel.end

    def channel_window(self) -> Window:
        """Return the whole of what was to be covered."""
        return Window(self.channel.start, self.channel.end)


class ChannelSpider(Spider):
    """Crawls the channels of a job, each host's strictly in turn."""

    job: CrawlJob
    visit_class: type[Visit] = Visit
    headers: dict[str, str] = {}  # noqa: RUF012  Scrapy's convention: class attributes configure

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **arguments: Any) -> Self:
        if "config" in arguments:
            arguments["job"] = _job_from(crawler, cls.name, arguments)
        if "job" not in arguments:
            raise SourceError(
                f"spider {cls.name!r} needs a job; run `tingchao crawl {cls.name}`, or natively "
                f"`scrapy crawl {cls.name} -a config=config/example.yml`"
            )
        return super().from_crawler(crawler, *args, **arguments)

    def __init__(self, job: CrawlJob, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.job = job
        self.lake = Lake.open(job.lake_uri)
        self.monotonic = time.monotonic
        self.homes = frozenset(own_host(urlsplit(c.url).hostname or "") for c in job.channels)
        self.lanes: dict[str, deque[JobChannel]] = {}
        for channel in job.channels:
            self.lanes.setdefault(channel.host, deque()).append(channel)

    async def start(self) -> AsyncIterator[Any]:
        """Open the first channel of every host."""
        self.started = self.monotonic()
        ids = [channel.id for channel in self.job.channels]
        self.known = read_known(self.lake, self.job.source, ids)
        self.refused = read_refused(self.lake, self.job.source, ids)
        for lane in self.lanes.values():
            for step in bundled(self._open_next(lane)):
                yield step

    def begin(self, visit: Any) -> Iterator[Any]:
        """Yield the first request of a channel."""
        raise NotImplementedError

    def sure_part(self, visit: Any) -> Window | None:  # noqa: ARG002
        """Return what is covered for sure when a channel ends before its time."""
        return None

    def fetch(
        self,
        visit: Visit,
        url: str,
        step: Step,
        *,
        headers: dict[str, str] | None = None,
        after: float = 0,
    ) -> Request:
        """Ask for a page, `after` so many seconds; `step` reads whatever status it comes with."""
        return Request(
            url,
            callback=self._received,
            errback=self._failed,
            headers={**self.headers, **(headers or {})},
            cb_kwargs={"visit": visit, "step": step},
            meta={"channel_id": visit.channel.id, "wait_seconds": after},
        )

    def finish(
        self, visit: Visit, reason: StopReason, covered: Window | None = None, **more: Any
    ) -> Iterator[Any]:
        """End a channel and open the next one of its host; a second end says nothing.

        The next one is asked for first, so that its page comes while this one is landed.
        """
        if visit.is_over:
            return
        visit.is_over = True
        yield from self._open_next(self.lanes[visit.channel.host])
        yield ChannelDone(channel_id=visit.channel.id, stop_reason=reason, covered=covered, **more)

    def limit_reached(self, visit: Visit) -> tuple[StopReason, str] | None:
        """Say which limit forbids another page of this channel, if one does."""
        limits = self.job.limits
        if visit.pages >= limits.max_pages:
            return StopReason.CAP, f"stopped at {visit.pages:,} pages (limits.max_pages)"
        if visit.received >= limits.max_bytes:
            return StopReason.BUDGET, f"stopped at {visit.received:,} bytes (limits.max_bytes)"
        if self.monotonic() - self.started >= limits.max_seconds:
            return StopReason.BUDGET, f"stopped after {limits.max_seconds:,} s (limits.max_seconds)"
        return None

    def _open_next(self, lane: deque[JobChannel]) -> Iterator[Any]:
        while lane:
            channel = lane.popleft()
            visit = self.visit_class(
                channel, self.known.get(channel.id, {}), self.refused.get(channel.id, set())
            )
            limit = self.limit_reached(visit)
            if limit is None:
                yield from self._run(visit, self.begin(visit))
                return
            yield ChannelDone(channel_id=channel.id, stop_reason=limit[0], detail=limit[1])

    def _received(self, response: Response, visit: Visit, step: Step) -> Iterator[Any]:
        visit.pages += 1
        visit.received += len(response.body)
        fetched = PageFetched(channel_id=visit.channel.id, byte_count=len(response.body))
        yield from bundled(chain([fetched], self._run(visit, step(response, visit))))

    def _failed(self, failure: Failure) -> Iterator[Any]:
        visit: Visit = failure.request.cb_kwargs["visit"]
        yield from bundled(self._end_with(visit, failure.value))

    def _run(self, visit: Visit, steps: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from steps
        except NotFetchedError as error:
            yield from self._end_with(visit, error)
        except Exception as error:
            self.logger.exception("channel %s", visit.channel.id)
            yield from self._end_with(visit, error)

    def _end_with(self, visit: Visit, error: BaseException | None) -> Iterator[Any]:
        reason = error.stop_reason if isinstance(error, NotFetchedError) else StopReason.ERROR
        said = str(error) or repr(error)
        if isinstance(error, DownloadCancelledError) and not str(error):
            said = TOO_LARGE
        detail = said if isinstance(error, NotFetchedError) else f"{type(error).__name__}: {said}"
        yield from self.finish(visit, reason, self.sure_part(visit), detail=detail)


def _job_from(crawler: Crawler, source: str, arguments: dict[str, Any]) -> CrawlJob:
    """Plan from the arguments of `scrapy crawl`, and let the job's settings hold."""
    from scrapers.plan import plan_natively
    from scrapers.settings import job_settings

    names = [name for name in ("config", "channel", "run", "since", "until") if name in arguments]
    job = plan_natively(source, {name: arguments.pop(name) for name in names})
    settings = job_settings(job)
    settings.pop("LOG_FILE")  # a person looks on
    crawler.settings.setdict(settings, priority="spider")
    return job


def is_answer(request: Request, response: Response) -> bool:
    """Whether the spider that asked reads what came, whatever its status."""
    reads: Callable[[Response], bool] | None = request.meta.get(IS_ANSWER)
    return reads is not None and reads(response)


def own_host(host: str) -> str:
    """Return the name by which a site goes: with `www.` and without are one."""
    return host.lower().removeprefix("www.")


def shown(url: str) -> str:
    """Write a URL for a log or a message: without its query, where tokens tend to stand."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{netloc}{parts.path}{'?…' if parts.query else ''}"
