"""A real crawl of the town without a network: planner, middlewares, spider, pipelines and lake.

Requests go through the middlewares of `scrapers.settings` to `TownServer.reply`, which lets faults
strike and writes down what it served. Nobody waits: whoever sleeps only says for how long. A crawl
may be killed after so many answers.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from http.cookies import SimpleCookie
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError, ResponseDataLossError
from scrapy.http import Response
from scrapy.http.headers import Headers
from scrapy.responsetypes import responsetypes
from scrapy.utils.test import get_crawler
from twisted.python.failure import Failure

from demo.cast import PLACES, Place, Shape
from demo.faults import Answer, Break
from demo.life import Post
from demo.server import HOST, TownServer
from demo.sites import Ask, site_names
from demo.town import Town
from lake import Lake
from scrapers import settings
from scrapers.access.channel import ChannelSpider
from scrapers.bundles import Bundle
from scrapers.job import CrawlJob
from scrapers.middlewares.patience import Patience
from scrapers.pipelines import Land, Pseudonymise, ReportUnknownKeys
from scrapers.plan import Request as Asked
from scrapers.plan import plan_crawl
from scrapers.source import Source, load_source
from tests.scrapers.townhall import make_posts
from tingchao.config import Channel, Config, SourceOverride

SERVER = f"{HOST}:8917"
DRIP = 64 / 0.2  # bytes that a slow answer brings in a second
PIPELINES = (ReportUnknownKeys, Pseudonymise, Land)
MOST_REQUESTS = 2000


class Hamlet(Town):
    """A small town whose young places are livelier than they would be by themselves."""

    @cached_property
    def posts(self) -> list[Post]:
        lively = [place for place in crawled_places() if place.shape in (Shape.WALL, Shape.TALK)]
        names = {place.id for place in lively}
        posts = [post for day in self.told for post in day.posts if post.place.id not in names]
        for place in lively:
            opens_at = datetime.fromtimestamp(self.opens_at, UTC)
            posts += make_posts(place, opens_at, self.days, threads=2)
        return sorted(posts, key=lambda post: (post.at, post.post_id))


@cache
def hamlet() -> Hamlet:
    return Hamlet(seed=11, people=300, days=7)


def crawled_places() -> list[Place]:
    """Return every place of the town that a spider visits, of whichever source."""
    sources = {"ptt", "feed", *site_names()}
    return [place for place in PLACES if place.source in sources]


@cache
def read_source(name: str) -> Source:
    """Read a source's description once: its YAML takes longer than many a crawl here."""
    return load_source(name)


def spider_of(source: str) -> type[ChannelSpider]:
    module = import_module(f"scrapers.spiders.{source}")
    kinds = (kind for kind in vars(module).values() if inspect.isclass(kind))
    return next(k for k in kinds if issubclass(k, ChannelSpider) and vars(k).get("name") == source)


@dataclass
class Crossing:
    """One crawl process as the engine would run it, up to the answer after which it is killed."""

    job: CrawlJob
    spider: ChannelSpider
    server: TownServer
    kill_after: int | None = None
    received: list[Response] = field(default_factory=list)  # what spiders were given to read
    waited: list[float] = field(default_factory=list)
    is_killed: bool = False

    async def run(self) -> None:
        self._crawler = self._make_crawler()
        self._chain = DownloaderMiddlewareManager.from_crawler(self._crawler)
        for middleware in self._chain.middlewares:
            if isinstance(middleware, Patience):
                middleware.sleep = self._sleep
                middleware.now = self._clock
        self._pipelines = [kind.from_crawler(self._crawler) for kind in PIPELINES]
        waiting: deque[Request] = deque()
        steps = [step async for step in self.spider.start()]
        for _ in range(MOST_REQUESTS):
            self.is_killed = self.kill_after is not None and len(self.server.log) >= self.kill_after
            if self.is_killed:  # what it was answered last is not landed any more
                return
            await self._take(steps, waiting)
            if not waiting:
                return
            steps = await self._visit(waiting.popleft())
        raise AssertionError("the spider does not stop")

    def _make_crawler(self) -> Crawler:
        ours = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
        crawler = get_crawler(
            type(self.spider), {**ours, **settings.job_settings(self.job), "EXTENSIONS_BASE": {}}
        )
        crawler.spider = self.spider
        crawler.engine = SimpleNamespace(download_async=self.download)
        return crawler

    async def _take(self, steps: Sequence[Any], waiting: deque[Request]) -> None:
        """Land what was brought; what was asked for comes next."""
        waiting.extendleft(reversed([step for step in steps if isinstance(step, Request)]))
        for bundle in steps:
            if isinstance(bundle, Bundle):
                for pipeline in self._pipelines:
                    result = pipeline.process_item(bundle)
                    bundle = await result if inspect.isawaitable(result) else result

    async def _visit(self, request: Request) -> list[Any]:
        try:
            response = await self.download(request)
        except Exception as error:
            failure = Failure(error)
            failure.request = request
            return list(request.errback(failure))
        self.received.append(response)
        response.request = response.request or request
        return list(request.callback(response, **request.cb_kwargs))

    async def download(self, request: Request) -> Response:
        """Fetch as the engine does: a middleware's new request is fetched in the first's place."""
        while True:
            result = await self._chain.download_async(self._fetch, request)
            if isinstance(result, Response):
                result.request = request
                return result
            request = result

    async def _fetch(self, request: Request) -> Response:
        answer = self.server.reply(ask_of(request))
        is_slow = len(answer.body) / DRIP > self.job.politeness.timeout
        if answer.breaks is Break.SILENT or (answer.breaks is Break.SLOW and is_slow):
            raise DownloadTimeoutError(f"Getting {request.url} took longer than the timeout")
        if answer.breaks is Break.RESET:
            raise DownloadFailedError("Connection to the other side was lost")
        if answer.breaks is Break.SHORT:
            raise ResponseDataLossError(f"{request.url}: fewer bytes than were announced")
        return response_of(request, answer)

    async def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self.server.sites.now, UTC)


def ask_of(request: Request) -> Ask:
    """Say what the server hears of a request."""
    parts = urlsplit(request.url)
    headers = {k.decode().lower(): b", ".join(v).decode() for k, v in request.headers.items()}
    cookies = SimpleCookie(headers.get("cookie", ""))
    return Ask(
        path=parts.path,
        query=parts.query,
        method=request.method,
        headers={"host": parts.netloc, **headers},
        cookies={name: morsel.value for name, morsel in cookies.items()},
        body=request.body,
    )


def response_of(request: Request, answer: Answer) -> Response:
    """Make of an answer what the downloader makes of it."""
    headers = Headers(answer.headers)
    kind = responsetypes.from_args(headers=headers, url=request.url, body=answer.body)
    return kind(request.url, status=answer.status, headers=headers, body=answer.body)


@dataclass
class Visitor:
    """A place of the town, a lake, and a spider that visits the one for the other."""

    folder: Path
    place: Place
    override: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server = TownServer(hamlet(), hamlet().closes_at)
        self.server.server_close()
        self.server.wall_clock = lambda: self.server.sites.now
        self.lake = Lake.open(self.folder / "lake")

    @property
    def source(self) -> str:
        return self.place.source

    def visit(
        self,
        now: datetime,
        since: datetime,
        *,
        until: datetime | None = None,
        kill_after: int | None = None,
        max_rows: int | None = None,
    ) -> Crossing:
        """Crawl a window, up to `now` if not said otherwise; nothing, when that run is done.

        A killed crawl leaves the segments that it had filled with `max_rows` rows each.
        """
        self.server.set_now(now)
        self.server.log.clear()
        job = self._plan(now, since, until or now)
        spider = spider_of(self.source)(job)
        if max_rows is not None:
            spider.lake.write = partial(spider.lake.write, max_rows=max_rows)  # type: ignore[method-assign]
        crossing = Crossing(job, spider, self.server, kill_after)
        if job.channels:
            asyncio.run(crossing.run())
        return crossing

    def _plan(self, now: datetime, since: datetime, until: datetime) -> CrawlJob:
        asked = Asked(f"run-{since:%m%dT%H%M}-{until:%m%dT%H%M}", since, until)
        config = self._config()
        with patch("scrapers.plan.load_source", read_source):
            job = plan_crawl(
                config, self.lake, self.source, asked, now=now, log_folder=self.folder
            ).job.model_copy(update={"lake_uri": str(self.folder / "lake")})
        left = [
            c for c in job.channels if not self.lake.write(job.logical_run(c), job.clock()).is_done
        ]
        return job.model_copy(update={"channels": tuple(left)})

    def _config(self) -> Config:
        path = f"/{self.source}" if self.source in site_names() else ""
        settings = SourceOverride(
            base_url=f"http://{SERVER}{path}",
            allow_hosts=(SERVER,),
            download_delay=0,
            **self.override,
        )
        channel = Channel(
            id=self.place.id,
            source=self.source,
            address=self.place.address,
            options=self.place.options,
        )
        return Config(
            version=1,
            clock="logical",
            channels=(channel,),
            sources={self.source: settings},
            path=self.folder / "config.yml",
        )

    def ledger(self) -> list[dict[str, Any]]:
        return self.lake.read("crawls").to_pylist()
