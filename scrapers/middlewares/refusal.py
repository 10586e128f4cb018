"""Refusals are answers: a challenge or a 403 is not argued with.

A challenge page stops its host at once. Other refusals are counted, and so many in a row open the
breaker: whatever waits for that host ends as blocked without another request.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from scrapers.access.channel import is_answer, shown
from scrapers.errors import SiteRefusedError
from scrapers.middlewares.robots import IS_ROBOTS

CHALLENGE_TITLE = re.compile(rb"<title>\s*(?:Just a moment|Attention Required)(?!\w)", re.I)
CHALLENGE_STATUSES = frozenset({200, 403, 429, 503})
REFUSING = frozenset({401, 403, 405, 407, 418, 451})
WHAT_TO_DO = (
    "this host's address may not crawl the site: crawl from elsewhere, ask the owner, or use files"
)


class Refusals:
    """Recognises refusals and stops hosts that keep refusing."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.limit = crawler.settings.getint("TINGCHAO_BREAKER", 5)
        self.in_a_row: Counter[str] = Counter()
        self.stopped: dict[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        reason = self.stopped.get(_host(request))
        if reason:
            raise SiteRefusedError(f"{_host(request)} was stopped earlier in this crawl: {reason}")

    def process_response(self, request: Request, response: Response) -> Response:
        host = _host(request)
        if is_challenge(response):
            self.stopped[host] = f"{shown(response.url)} answered with a challenge; {WHAT_TO_DO}"
            raise SiteRefusedError(self.stopped[host])
        if request.meta.get(IS_ROBOTS):
            return response
        if response.status not in REFUSING or is_answer(request, response):
            self.in_a_row[host] = 0
            return response
        self.in_a_row[host] += 1
        detail = f"{shown(response.url)} answered HTTP {response.status}; {WHAT_TO_DO}"
        if self.in_a_row[host] >= self.limit:
            self.stopped[host] = f"{self.in_a_row[host]} refusals in a row; the last: {detail}"
        raise SiteRefusedError(detail)


def is_challenge(response: Response) -> bool:
    """Whether an answer asks to prove that one is no program."""
    if (response.headers.get("cf-mitigated") or b"").lower() == b"challenge":
        return True
    has_title = CHALLENGE_TITLE.search(response.body[:4096]) is not None
    return has_title and response.status in CHALLENGE_STATUSES


def _host(request: Request) -> str:
    return urlsplit(request.url).netloc.lower()
