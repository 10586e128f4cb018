"""Waiting: before a request that must be late, and after an answer that asks for patience.

429, 503 and other 5xx, and failures of the network, are tried again a few times. Retry-After is
honoured in both its forms; a site that asks for more than our cap is left alone at once. Without it
the wait doubles, with jitter from a seeded generator, so a run can be repeated.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest, UnsupportedURLSchemeError
from scrapy.http import Response

from scrapers.access.channel import is_answer, shown
from scrapers.errors import AddressRefusedError, NotFetchedError, SiteRefusedError
from scrapers.middlewares.guard import explain_lookup
from scrapers.middlewares.refusal import is_challenge

TRIES = "tries"
WAIT = "wait_seconds"
PATIENCE_STATUSES = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
HOPELESS = (NotFetchedError, IgnoreRequest, DownloadCancelledError, UnsupportedURLSchemeError)


class Patience:
    """Waits, tries again a bounded number of times, then says that the site refuses."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        settings = crawler.settings
        self.retries = settings.getint("TINGCHAO_RETRIES", 3)
        self.first = settings.getfloat("TINGCHAO_BACKOFF", 5.0)
        self.cap = settings.getfloat("TINGCHAO_BACKOFF_CAP", 120.0)
        self.jitter = settings.getfloat("TINGCHAO_JITTER", 0.3)
        self.random = random.Random(settings.get("TINGCHAO_SEED", "tingchao"))  # noqa: S311

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait when the spider asked for a late request, once."""
        wait = request.meta.get(WAIT)
        if wait:
            request.meta[WAIT] = 0
            await self.sleep(wait)

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        if response.status not in PATIENCE_STATUSES or is_challenge(response):
            return response
        if is_answer(request, response):
            return response
        asked = retry_after(response, self.now())
        if asked is not None and asked > self.cap:
            raise SiteRefusedError(
                f"{shown(request.url)}: HTTP {response.status}, asks to come back in {asked:,.0f} "
                f"s; more than {self.cap:,.0f} s is left to the next crawl"
            )
        again = await self._again(request, asked)
        if again is None:
            raise SiteRefusedError(
                f"{shown(request.url)}: HTTP {response.status} on {self.retries + 1} tries; the "
                "site is busy or wants less of us: run again later, or raise download_delay"
            )
        return again

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Try again after a failure of the network; None lets the failure stand."""
        refused = explain_lookup(exception)
        if refused is not None:
            raise AddressRefusedError(f"{shown(request.url)}: {refused}")
        if isinstance(exception, HOPELESS):
            return None
        return await self._again(request, None)

    async def _again(self, request: Request, asked: float | None) -> Request | None:
        tries = request.meta.get(TRIES, 0) + 1
        if tries > self.retries:
            return None
        self.crawler.stats.inc_value("patience/retries")
        await self.sleep(self._wait(tries) if asked is None else asked)
        return request.replace(dont_filter=True, meta={**request.meta, TRIES: tries})

    def _wait(self, tries: int) -> float:
        doubled = self.first * 2.0 ** (tries - 1)
        return min(self.cap, doubled * (1 + self.random.uniform(-self.jitter, self.jitter)))


def retry_after(response: Response, now: datetime) -> float | None:
    """Return the seconds that a server asks for, as a number or a date; None when it does not."""
    header = response.headers.get("Retry-After")
    text = header.decode("latin-1").strip() if header else ""
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - now).total_seconds())
