"""robots.txt: asked once a host and crawl, the same answer for everybody who waits, kept as
evidence.

Scrapy's own middleware lets the third waiter through and takes a server's failure for a yes. Here a
failure is a no (RFC 9309, 2.3.1.4) until the next crawl, a 4xx is a yes, and Crawl-delay counts.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from scrapers.access.channel import NO_ROBOTS, ChannelSpider
from scrapers.errors import NotFetchedError, SiteRefusedError

IS_ROBOTS = "is_robots"
MAX_BYTES = 512 * 1024
MAX_CRAWL_DELAY = 120.0


class Robots:
    """Holds every request until its host's rules are known."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.user_agent = crawler.settings["USER_AGENT"]
        self.rules: dict[str, asyncio.Future[Protego | str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get(IS_ROBOTS) or request.meta.get(NO_ROBOTS):
            return
        parts = urlsplit(request.url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self.rules:
            self.rules[host] = asyncio.ensure_future(self._load(host))
        rules = await asyncio.shield(self.rules[host])
        if isinstance(rules, str):
            raise SiteRefusedError(rules)
        if not rules.can_fetch(request.url, self.user_agent):
            self.crawler.stats.inc_value("robots/forbidden")
            raise SiteRefusedError(
                f"{host}/robots.txt forbids {parts.path}; a copy lies with the log. "
                "Ask the site's owner, or take the channel out"
            )
        self._slow_down(request, rules)

    async def _load(self, host: str) -> Protego | str:
        """Fetch the rules; a text instead of rules says why nothing may be fetched."""
        url = f"{host}/robots.txt"
        request = Request(url, callback=NO_CALLBACK, meta={IS_ROBOTS: True})
        try:
            response = await self.crawler.engine.download_async(request)
        except NotFetchedError as error:
            return f"{url} could not be had, which forbids everything: {error}"
        except Exception as error:
            return f"{url} could not be had, which forbids everything: {type(error).__name__}"
        self._keep(response)
        if response.status >= 500 or response.status == 429:
            return f"{url} answered HTTP {response.status}, which forbids everything; try later"
        if response.status >= 300:
            return Protego.parse("")
        return Protego.parse(response.body[:MAX_BYTES].decode("utf-8-sig", "ignore"))

    def _slow_down(self, request: Request, rules: Protego) -> None:
        delay = rules.crawl_delay(self.user_agent)
        if not delay:
            return
        downloader = self.crawler.engine.downloader
        _, slot = downloader._get_slot(request)
        slot.delay = max(slot.delay, min(float(delay), MAX_CRAWL_DELAY))

    def _keep(self, response: Response) -> None:
        spider = self.crawler.spider
        if not isinstance(spider, ChannelSpider):
            return
        folder = Path(spider.job.log_folder) / "robots"
        folder.mkdir(parents=True, exist_ok=True)
        parts = urlsplit(response.url)
        name = parts.netloc.replace(":", "_")
        at = spider.job.clock()().isoformat()
        head = f"# {response.url} HTTP {response.status} at {at}\n".encode()
        (folder / f"{name}.txt").write_bytes(head + response.body[:MAX_BYTES])
