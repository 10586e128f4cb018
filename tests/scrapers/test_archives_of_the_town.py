"""The town's blog by its archives and its sitemap: the same posts as by its whole feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy import Request

from demo.days import seconds_of
from demo.server import Sites
from demo.sites import Ask
from lake import StopReason, Window
from scrapers.access.channel import ChannelSpider
from scrapers.source import Limits
from scrapers.spiders.feed import GenericFeedSpider
from scrapers.spiders.sitemap import SitemapSpider
from tests.scrapers.stage import Page, Played, make_channel, make_job, play_with
from tests.scrapers.townhall import SERVER, told_town

TOWN = told_town()
NOW = TOWN.closes_at.astimezone(UTC)
START = NOW - timedelta(days=40)


@pytest.fixture(scope="module")
def sites() -> Sites:
    return Sites(TOWN, seconds_of(NOW))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


def crawl(
    sites: Sites, folder: Path, spider: type[ChannelSpider], path: str, **channel: Any
) -> Played:
    opened = make_channel(f"http://{SERVER}{path}", **{"start": START, "end": NOW, **channel})
    limits = Limits(max_pages=500, max_seconds=60, max_bytes=10**8)
    job = make_job(folder, opened, source=spider.name, now=NOW, limits=limits)

    def answer(request: Request) -> Page:
        parts = urlsplit(request.url)
        found = sites.answer(Ask(parts.path, parts.query, headers={"host": SERVER}))
        return Page(found.body, status=found.status, headers=found.headers)

    return play_with(spider(job), answer)


def standing() -> list[Any]:
    at = seconds_of(NOW)
    return [p for p in TOWN.posts if p.place.id == "blog" and p.exists_at(at)]


def said(played: Played) -> set[tuple[str | None, str | None, datetime | None]]:
    return {(post.title_text, post.body_text, post.published_at) for post in played.posts()}


@pytest.mark.parametrize("path", ["/archive/feed/", "/archive/monthly.xml"])
def test_an_archive_lands_what_the_whole_feed_lands(path: str, sites: Sites, folder: Path) -> None:
    whole = crawl(sites, folder, GenericFeedSpider, "/blog/feed/")
    played = crawl(sites, folder, GenericFeedSpider, path)
    assert len(standing()) > 8
    assert {p.post_id for p in played.posts()} == {p.post_id for p in whole.posts()}
    assert said(played) == said(whole)
    assert len(played.urls) >= 2
    assert played.end.stop_reason is StopReason.EXHAUSTED
    assert played.end.covered == Window(START, NOW)


def test_only_as_many_pages_are_asked_for_as_close_the_hole(sites: Sites, folder: Path) -> None:
    posts = standing()
    at = datetime.fromtimestamp(posts[-6].at, UTC) + timedelta(seconds=1)
    played = crawl(
        sites, folder, GenericFeedSpider, "/archive/feed/", covered_until=at, open_since=at
    )
    assert [urlsplit(url).query for url in played.urls] == ["", "paged=2"]
    assert played.end.stop_reason is StopReason.REACHED_WATERMARK
    assert played.end.covered is not None
    assert played.end.covered.start <= at


def test_the_sitemap_lands_every_article(sites: Sites, folder: Path) -> None:
    whole = crawl(sites, folder, GenericFeedSpider, "/blog/feed/")
    played = crawl(sites, folder, SitemapSpider, "/archive/wp-sitemap.xml")
    assert said(played) == said(whole)
    assert {post.author for post in played.posts()} == {post.author for post in whole.posts()}
    assert played.end.covered == Window(START, NOW)
    assert played.end.detail is None


def test_the_sitemap_is_read_on_from_where_it_was(sites: Sites, folder: Path) -> None:
    since = datetime.fromtimestamp(standing()[-3].at, UTC)
    played = crawl(sites, folder, SitemapSpider, "/archive/wp-sitemap.xml", start=since)
    assert 3 <= len(played.posts()) < len(standing())
    assert played.end.covered == Window(since, NOW)
