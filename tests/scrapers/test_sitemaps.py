"""Sitemaps: which pages are visited, what of them becomes a post, and what is covered."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake import StopReason, Window
from lake.redact import redact
from scrapers.errors import SiteRefusedError
from scrapers.known import KnownPost
from scrapers.parsers.article_page import interactions, read_article_page
from scrapers.records import Refused
from scrapers.source import Limits, load_source
from scrapers.spiders.sitemap import SitemapSpider
from tests.scrapers.golden import FIXTURES, compare, plain_posts
from tests.scrapers.stage import Page, Played, make_channel, make_job, play

FOLDER = FIXTURES / "sitemap"
SITE = "https://mag.example.tw"
MAP = f"{SITE}/sitemap.xml"
END = datetime(2026, 10, 10, tzinfo=UTC)
START = END - timedelta(days=3)
ARTICLE = (FOLDER / "article.html").read_text(encoding="utf-8")


def a_map(*pages: tuple[str, str | None], kind: str = "url", root: str = "urlset") -> Page:
    listed = "".join(
        f"<{kind}><loc>{url}</loc>{f'<lastmod>{at}</lastmod>' if at else ''}</{kind}>"
        for url, at in pages
    )
    return Page(f"<{root} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{listed}</{root}>")


def an_article(headline: str = "新品", **more: str) -> Page:
    extra = "".join(f', "{name}": {value}' for name, value in more.items())
    data = f'{{"@type": "Article", "headline": "{headline}", "articleBody": "好喝"{extra}}}'
    return Page(f'<html><script type="application/ld+json">{data}</script></html>')


def walk(
    folder: Path,
    pages: dict[str, Page],
    known: dict[str, KnownPost] | None = None,
    *,
    max_pages: int = 50,
    **channel: Any,
) -> Played:
    opened = make_channel(MAP, **{"start": START, "end": END, **channel})
    limits = Limits(max_pages=max_pages, max_seconds=60, max_bytes=10**8)
    spider = SitemapSpider(make_job(folder, opened, source="sitemap", now=END, limits=limits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scrapers.access.channel.read_known", lambda *_: {"demo": known or {}})
        return play(spider, pages)


def known_post() -> KnownPost:
    return KnownPost("article", START, None, False, ())


def test_an_article_reads_as_golden(tmp_path: Path) -> None:
    pages = {MAP: a_map((f"{SITE}/tea-42/", "2026-10-09")), f"{SITE}/tea-42/": Page(ARTICLE)}
    played = walk(tmp_path, pages)
    shown = plain_posts(played.posts(), load_source("sitemap").ignored_keys)
    assert all("canary" not in redact(row["raw"]) for row in shown)
    compare(FOLDER / "article.golden.json", shown)
    assert (played.end.stop_reason, played.end.covered, played.end.detail) == (
        StopReason.EXHAUSTED,
        Window(START, END),
        None,
    )


def test_an_index_leads_to_the_maps_that_changed(tmp_path: Path) -> None:
    inner = f"{SITE}/wp-sitemap-posts-post-1.xml"
    pages = {
        MAP: Page((FOLDER / "index.xml").read_bytes(), headers={"ETag": '"i"'}),
        inner: Page(gzip.compress(str(a_map((f"{SITE}/a", None)).body).encode())),
        f"{SITE}/a": an_article(),
    }
    played = walk(tmp_path, pages)
    assert played.urls == [MAP, inner, f"{SITE}/a"]
    assert len(played.posts()) == 1
    assert played.end.detail == "left out: 1 maps of other sites"
    assert played.end.etag is None  # the index stays the same while its maps change


def test_a_news_map_covers_from_its_oldest_page(tmp_path: Path) -> None:
    pages = {
        MAP: Page((FOLDER / "news.xml").read_bytes(), headers={"ETag": '"n"'}),
        f"{SITE}/tea-42/": Page(ARTICLE),
        f"{SITE}/tea-41/": Page('<html><script type="application/ld+json">{"@type":"NewsArticle"}'),
    }
    played = walk(tmp_path, pages)
    posts = played.posts()
    assert [post.title_text for post in posts] == ["霧嶼茶研 & 新品上市", "半日紅排隊記"]
    assert [post.is_excerpt for post in posts] == [False, True]
    assert played.end.covered == Window(datetime(2026, 10, 8, tzinfo=UTC), END)
    assert played.end.etag == '"n"'


def test_the_newest_are_visited_first_and_a_limit_covers_them(tmp_path: Path) -> None:
    listed = [(f"{SITE}/{day}", f"2026-10-0{day}T12:00:00Z") for day in (7, 9, 8, 1)]
    pages = {MAP: a_map(*listed), **{url: an_article() for url, _ in listed}}
    played = walk(tmp_path, pages, max_pages=3)
    assert played.urls[1:] == [f"{SITE}/9", f"{SITE}/8"]
    assert played.end.stop_reason is StopReason.CAP
    assert played.end.covered == Window(datetime(2026, 10, 8, 12, tzinfo=UTC), END)


def test_undated_pages_are_visited_until_they_are_known(tmp_path: Path) -> None:
    pages = {MAP: a_map((f"{SITE}/a", None), (f"{SITE}/b", "no day")), f"{SITE}/b": an_article()}
    played = walk(tmp_path, pages, {f"{SITE}/a": known_post()})
    assert played.urls == [MAP, f"{SITE}/b"]


def test_what_may_not_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    hidden = str(an_article().body).replace(
        "<script", "<meta name=robots content='noindex'><script"
    )
    refused = Page(error=SiteRefusedError("robots.txt forbids it"))
    pages = {
        f"{SITE}/open": an_article("開放"),
        f"{SITE}/hidden": Page(hidden),
        f"{SITE}/header": Page(an_article().body, headers={"X-Robots-Tag": "noarchive, NOINDEX"}),
        f"{SITE}/forbidden": refused,
        f"{SITE}/shop": Page("<html>買茶</html>"),
        f"{SITE}/paid": an_article("付費", isAccessibleForFree="false", description='"大意"'),
        "https://other.example/x": an_article(),
        f"{SITE}/teapot": Page(status=418),
    }
    listed = a_map(*((url, "2026-10-09") for url in pages))
    played = walk(tmp_path, {MAP: listed, **pages})
    told = {post.title_text: (post.body_text, post.is_excerpt) for post in played.posts()}
    assert told == {"開放": ("好喝", False), "付費": ("大意", True)}
    detail = played.end.detail or ""
    for said in (
        "2 pages that ask robots to stay away",
        "1 pages that the site does not let us read",
        "1 pages that describe no article",
        "1 pages of other sites",
        "1 pages that answered HTTP 418",
    ):
        assert said in detail
    assert "https://other.example/x" not in played.urls


def test_refusals_in_a_row_end_the_channel(tmp_path: Path) -> None:
    urls = [f"{SITE}/{number}" for number in range(9)]
    pages = {url: Page(error=SiteRefusedError("HTTP 403")) for url in urls}
    played = walk(tmp_path, {MAP: a_map(*((url, "2026-10-09") for url in urls)), **pages})
    assert (played.end.stop_reason, len(played.urls)) == (StopReason.BLOCKED, 4)


def test_a_page_that_is_gone_leaves_a_tombstone(tmp_path: Path) -> None:
    url = f"{SITE}/gone"
    pages = {MAP: a_map((url, "2026-10-09")), url: Page(status=410)}
    (post,) = walk(tmp_path, pages, {url: known_post()}).posts()
    assert (post.post_id, post.is_deleted, post.published_at) == (url, True, START)
    assert walk(tmp_path, pages).posts() == []


@pytest.mark.parametrize(
    ("page", "reason", "said"),
    [
        (Page("<html>no map</html>"), StopReason.ERROR, "expected a sitemap, found"),
        (Page(status=404), StopReason.ERROR, "found HTTP 404"),
        (a_map(), StopReason.BLANK_PAGE, "the map lists no page"),
        (Page(status=304), StopReason.REACHED_WATERMARK, "304"),
        (a_map((MAP, None), kind="sitemap", root="sitemapindex"), StopReason.BLANK_PAGE, "no page"),
    ],
    ids=["html", "404", "empty", "304", "circle"],
)
def test_what_is_no_map_says_so(page: Page, reason: StopReason, said: str, tmp_path: Path) -> None:
    end = walk(tmp_path, {MAP: page}).end
    assert end.stop_reason is reason
    assert said in (end.detail or "")


def test_an_odd_article_goes_to_quarantine(tmp_path: Path) -> None:
    odd = an_article(commentCount='"many"')
    pages = {MAP: a_map((f"{SITE}/a", "2026-10-09")), f"{SITE}/a": odd}
    played = walk(tmp_path, pages)
    (refused,) = [one for one in played.items if isinstance(one, Refused)]
    assert (refused.rule, refused.record_id) == ("counter_format", f"{SITE}/a")
    assert played.posts() == []


@pytest.mark.parametrize(
    "block",
    ["{", "[" * 10_000, '"x"', "null", '{"@graph": 7}', '{"@type": {"a": 1}}', "[[[[{}]]]]"],
)
def test_a_block_that_is_no_article_is_none(block: str) -> None:
    page = f'<html><script type="application/ld+json">{block}</script></html>'
    assert read_article_page(page).article is None


def test_interactions_of_any_shape() -> None:
    assert interactions({"interactionStatistic": "x"}) == {}
    assert interactions({"interactionStatistic": {"interactionType": 7}}) == {}
