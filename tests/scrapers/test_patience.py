"""Waiting, giving up, and taking a no for a no."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import CannotResolveHostError, DownloadCancelledError, DownloadTimeoutError
from scrapy.http import HtmlResponse
from scrapy.settings import Settings
from scrapy.spiders import Spider
from scrapy.utils.test import get_crawler

from scrapers.errors import AddressRefusedError, SiteRefusedError
from scrapers.middlewares.patience import Patience, retry_after
from scrapers.middlewares.refusal import Refusals, is_challenge
from scrapers.settings import __name__ as settings_module

NOW = datetime(2026, 10, 9, 12, tzinfo=UTC)
URL = "https://example.org/feed?token=canary"


def answer(status: int, body: str = "", url: str = URL, **headers: str) -> HtmlResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HtmlResponse(url, status=status, body=body.encode(), headers=named, encoding="utf-8")


@pytest.fixture
def patience() -> Any:
    crawler = get_crawler(Spider, {"TINGCHAO_RETRIES": 2, "TINGCHAO_BACKOFF": 5.0})
    middleware = Patience.from_crawler(crawler)
    middleware.waits = []

    async def sleep(seconds: float) -> None:
        middleware.waits.append(seconds)

    middleware.sleep = sleep
    middleware.now = lambda: NOW
    return middleware


def respond(patience: Any, request: Request, response: HtmlResponse) -> Any:
    return asyncio.run(patience.process_response(request, response))


@pytest.mark.parametrize("header", ["7", format_datetime(NOW + timedelta(seconds=7), usegmt=True)])
def test_row_08_retry_after_is_waited_for_in_both_forms(patience: Any, header: str) -> None:
    again = respond(patience, Request(URL), answer(429, Retry_After=header))
    assert isinstance(again, Request)
    assert patience.waits == [7.0]


def test_row_08_tries_are_bounded_and_then_the_site_refuses(patience: Any) -> None:
    request = Request(URL)
    for _ in range(2):
        request = respond(patience, request, answer(503))
    with pytest.raises(SiteRefusedError, match="HTTP 503 on 3 tries") as refused:
        respond(patience, request, answer(503))
    assert "canary" not in str(refused.value)
    first, second = patience.waits
    assert 3.5 <= first <= 6.5
    assert 7 <= second <= 13


def test_row_08_more_patience_than_we_have_is_a_refusal_at_once(patience: Any) -> None:
    with pytest.raises(SiteRefusedError, match="come back in 3,600 s"):
        respond(patience, Request(URL), answer(503, Retry_After="3600"))
    assert patience.waits == []


def test_jitter_is_seeded() -> None:
    def first_wait(seed: str) -> float:
        return Patience(get_crawler(Spider, {"TINGCHAO_SEED": seed}))._wait(1)

    assert first_wait("run-1") == first_wait("run-1") != first_wait("run-2")


def test_row_10_a_failure_of_the_network_is_tried_again(patience: Any) -> None:
    again = asyncio.run(patience.process_exception(Request(URL), DownloadTimeoutError()))
    assert isinstance(again, Request)


def test_row_12_a_body_that_is_too_large_is_not_tried_again(patience: Any) -> None:
    error = DownloadCancelledError("too large")
    assert asyncio.run(patience.process_exception(Request(URL), error)) is None


def test_row_15_a_refused_name_is_no_failure_of_the_network(patience: Any) -> None:
    error = CannotResolveHostError("evil.org resolves to an address that is not public")
    with pytest.raises(AddressRefusedError, match="not public"):
        asyncio.run(patience.process_exception(Request(URL), error))


def test_a_late_request_waits_once(patience: Any) -> None:
    request = Request(URL, meta={"wait_seconds": 10.0})
    asyncio.run(patience.process_request(request))
    asyncio.run(patience.process_request(request))
    assert patience.waits == [10.0]


@pytest.mark.parametrize("header", ["", "soon", "-1"])
def test_a_retry_after_that_says_nothing_is_none(header: str) -> None:
    assert retry_after(answer(429, Retry_After=header), NOW) is None


@pytest.mark.parametrize(
    ("response", "is_one"),
    [
        (answer(403, "<html><title>Just a moment...</title>"), True),
        (answer(200, "<html><title>\nJust a moment</title>"), True),
        (answer(403, "x", cf_mitigated="challenge"), True),
        (answer(200, "<html><title>Just a momentum</title><p>Just a moment"), False),
        (answer(200, "<html><title>文章</title>Just a moment..."), False),
        (answer(404, "<html><title>Just a moment...</title>"), False),
    ],
    ids=["403", "200", "header", "prefix", "body-only", "404"],
)
def test_challenges_are_recognised(response: HtmlResponse, is_one: bool) -> None:
    assert is_challenge(response) is is_one


def test_a_challenge_is_never_tried_again(patience: Any) -> None:
    challenge = answer(503, "<html><title>Just a moment...</title>")
    assert respond(patience, Request(URL), challenge) is challenge


def test_a_challenge_stops_its_host_at_once() -> None:
    refusals = Refusals.from_crawler(get_crawler(Spider))
    with pytest.raises(SiteRefusedError, match="may not crawl the site"):
        refusals.process_response(Request(URL), answer(403, cf_mitigated="challenge"))
    with pytest.raises(SiteRefusedError, match="was stopped earlier"):
        refusals.process_request(Request("https://example.org/another"))
    refusals.process_request(Request("https://example.com/another"))


def test_the_breaker_opens_after_so_many_refusals_in_a_row() -> None:
    refusals = Refusals.from_crawler(get_crawler(Spider, {"TINGCHAO_BREAKER": 2}))

    def refuse() -> None:
        with pytest.raises(SiteRefusedError):
            refusals.process_response(Request(URL), answer(403))

    refuse()
    refusals.process_response(Request(URL), answer(200))
    refuse()
    refusals.process_request(Request(URL))
    refuse()
    with pytest.raises(SiteRefusedError, match="2 refusals in a row"):
        refusals.process_request(Request(URL))


def test_settings_are_those_that_a_hostile_server_asks_for() -> None:
    settings = Settings()
    settings.setmodule(settings_module)
    assert settings.getint("DOWNLOAD_MAXSIZE") == 8 * 1024 * 1024
    assert settings.getint("DOWNLOAD_TIMEOUT") == 20
    assert settings.getint("REDIRECT_MAX_TIMES") == 5
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES")
    for name in ("METAREFRESH_ENABLED", "COOKIES_ENABLED", "TELNETCONSOLE_ENABLED"):
        assert not settings.getbool(name)
    handlers = settings.getdict("DOWNLOAD_HANDLERS")
    assert {s for s, handler in handlers.items() if handler is None} == {
        "file",
        "ftp",
        "s3",
        "data",
    }
