"""A stage for spiders without a network: pages by URL, and a loop that stands in for the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scrapy import Request
from scrapy.http import HtmlResponse, Response, TextResponse
from twisted.python.failure import Failure

from lake import Window
from scrapers.access.channel import ChannelSpider
from scrapers.bundles import Bundle
from scrapers.job import CrawlJob, JobChannel, Span
from scrapers.records import ChannelDone, PostRecord
from scrapers.source import Limits, Politeness

END = datetime(2025, 10, 11, 16, tzinfo=UTC)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Page:
    """What a URL answers; an exception stands for a failure of the network."""

    body: str | bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass
class Played:
    """What a spider yielded and asked for."""

    items: list[Any]
    requests: list[Request]

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.requests]

    def posts(self) -> list[PostRecord]:
        return [item for item in self.items if isinstance(item, PostRecord)]

    def ends(self) -> list[ChannelDone]:
        return [item for item in self.items if isinstance(item, ChannelDone)]

    @property
    def end(self) -> ChannelDone:
        (end,) = self.ends()
        return end


def make_channel(url: str, *, channel_id: str = "demo", **changes: Any) -> JobChannel:
    start = changes.pop("start", END - timedelta(days=1))
    end = changes.pop("end", END)
    asked = Span(start=min(start, end - timedelta(seconds=1)), end=end)
    values = {"time_zone": "Asia/Taipei", "floor": EVER, "address": url, **changes}
    return JobChannel(id=channel_id, url=url, asked=asked, start=start, **values)


def make_job(folder: Path, *channels: JobChannel, **changes: Any) -> CrawlJob:
    values: dict[str, Any] = {
        "source": "ptt",
        "crawl_id": "run-1",
        "lake_uri": str(folder / "lake"),
        "log_folder": folder,
        "politeness": Politeness(download_delay=0),
        "limits": Limits(max_pages=100, max_seconds=60, max_bytes=10**8),
        "user_agent": "Tingchao/test (+https://example.org)",
        "permalink_base": "https://www.ptt.cc",
        "revisit_days": 7,
        "now": END,
    }
    return CrawlJob(channels=channels, **{**values, **changes})


def play(
    spider: ChannelSpider, site: Mapping[str, Page | list[Page]], *, most: int = 500
) -> Played:
    """Answer every request of a spider from `site`; a list answers one after another."""
    turns: dict[str, int] = {}
    return play_with(spider, lambda request: _turn(site, request.url, turns), most=most)


def play_with(
    spider: ChannelSpider, answer: Callable[[Request], Page], *, most: int = 500
) -> Played:
    """Answer every request of a spider with what a function makes of it."""
    played = Played([], [])
    waiting = _asked(played, asyncio.run(_collect(spider)))
    while waiting:
        step = waiting.pop(0)
        played.requests.append(step)
        assert len(played.requests) <= most, "the spider does not stop"
        waiting = [*_asked(played, _answer(step, answer(step))), *waiting]
    return played


def _asked(played: Played, steps: list[Request | Bundle]) -> list[Request]:
    """Keep what was brought; return what was asked for."""
    for step in steps:
        if isinstance(step, Bundle):
            played.items.extend(step.items)
    return [step for step in steps if isinstance(step, Request)]


async def _collect(spider: ChannelSpider) -> list[Request | Bundle]:
    return [step async for step in spider.start()]


def _turn(site: Mapping[str, Page | list[Page]], url: str, turns: dict[str, int]) -> Page:
    page = site.get(url, Page(status=404))
    if isinstance(page, Page):
        return page
    turn = turns.get(url, 0)
    turns[url] = turn + 1
    return page[min(turn, len(page) - 1)]


def _answer(request: Request, page: Page) -> list[Request | Bundle]:
    if page.error is not None:
        failure = Failure(page.error)
        failure.request = request
        return list(request.errback(failure))
    request.meta.update(page.meta)
    response = _response(request, page)
    return list(request.callback(response, **request.cb_kwargs))


def _response(request: Request, page: Page) -> Response:
    body = page.body.encode() if isinstance(page.body, str) else page.body
    kind = HtmlResponse if b"<html" in body[:200].lower() else TextResponse
    told = {} if "charset=" in page.headers.get("Content-Type", "") else {"encoding": "utf-8"}
    return kind(
        request.url, status=page.status, body=body, headers=page.headers, request=request, **told
    )


def window(start: datetime, end: datetime = END) -> Window:
    return Window(start, end)
