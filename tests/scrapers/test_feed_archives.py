"""Older pages of feeds: how they are found, when they are asked for, and what is covered then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lake import StopReason
from scrapers.errors import SiteRefusedError
from scrapers.known import KnownPost
from scrapers.source import Limits
from scrapers.spiders.feed import GenericFeedSpider
from tests.scrapers.stage import Page, Played, make_channel, make_job, play, window
from tests.scrapers.test_feeds import END, START, URL, hours, item, known_at, rss

ATOM_LINK = "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='{}' href='{}'/>"
WORDPRESS = "<generator>https://wordpress.org/?v=6.8</generator>"


def page_of(*ages: float, rel: str = "", href: str = "", generator: str = "") -> Page:
    """A page whose entries are so many hours old."""
    link = ATOM_LINK.format(rel, href) if rel else ""
    return rss(link, generator, *(item(hours(age), f"g{age}") for age in ages), ETag='"1"')


def walk(
    folder: Path,
    pages: dict[str, Page],
    known: dict[str, KnownPost] | None = None,
    *,
    url: str = URL,
    max_pages: int = 50,
    **channel: Any,
) -> Played:
    opened = make_channel(url, **{"start": START, "end": END, **channel})
    limits = Limits(max_pages=max_pages, max_seconds=60, max_bytes=10**8)
    spider = GenericFeedSpider(make_job(folder, opened, source="feed", now=END, limits=limits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scrapers.access.channel.read_known", lambda *_: {"demo": known or {}})
        return play(spider, pages)


ARCHIVED = {
    URL: page_of(1, 5, rel="prev-archive", href="/feed/2026-09"),
    "https://blog.example.tw/feed/2026-09": page_of(9, 20, rel="prev-archive", href="2026-08"),
    "https://blog.example.tw/feed/2026-08": page_of(40, 60),
}
PAGED = {
    URL: page_of(1, 5, generator=WORDPRESS),
    f"{URL}?paged=2": page_of(9, 20, generator=WORDPRESS),
    f"{URL}?paged=3": page_of(40, 60, generator=WORDPRESS),
}


@pytest.mark.parametrize("pages", [ARCHIVED, PAGED], ids=["rfc5005", "wordpress"])
def test_the_first_time_the_whole_archive_is_read_and_all_is_covered(
    pages: dict[str, Page], tmp_path: Path
) -> None:
    played = walk(tmp_path, pages)
    assert [p.post_id for p in played.posts()] == [f"g{age}" for age in (1, 5, 9, 20, 40, 60)]
    assert (played.end.stop_reason, played.end.covered) == (
        StopReason.EXHAUSTED,
        window(START, END),
    )
    assert played.end.etag == '"1"'


@pytest.mark.parametrize("pages", [ARCHIVED, PAGED], ids=["rfc5005", "wordpress"])
def test_a_page_that_reaches_what_was_covered_is_the_last(
    pages: dict[str, Page], tmp_path: Path
) -> None:
    played = walk(tmp_path, pages, covered_until=hours(15), open_since=hours(15))
    assert len(played.urls) == 2
    assert played.end.stop_reason is StopReason.REACHED_WATERMARK
    assert played.end.covered == window(hours(20), END)


def test_overlap_without_a_hole_asks_for_no_page(tmp_path: Path) -> None:
    known = {"g5": known_at(hours(5))}
    played = walk(tmp_path, PAGED, known, covered_until=hours(6), open_since=hours(6))
    assert played.urls == [URL]
    assert played.end.covered == window(hours(6), END)


def test_a_hole_behind_the_overlap_is_closed(tmp_path: Path) -> None:
    known = {"g5": known_at(hours(5))}
    played = walk(tmp_path, PAGED, known, covered_until=hours(4), open_since=hours(30))
    assert len(played.urls) == 3
    assert played.end.covered is not None
    assert played.end.covered.start <= hours(30)


def test_a_limit_covers_what_was_read_and_keeps_no_validator(tmp_path: Path) -> None:
    end = walk(tmp_path, PAGED, max_pages=2).end
    assert (end.stop_reason, end.covered) == (StopReason.CAP, window(hours(20), END))
    assert "stopped at 2 pages (limits.max_pages)" in (end.detail or "")
    assert end.etag is None


def test_an_older_page_that_is_missing_leaves_a_hole(tmp_path: Path) -> None:
    pages = {URL: ARCHIVED[URL]}
    end = walk(tmp_path, pages, covered_until=hours(90), open_since=hours(90)).end
    assert (end.stop_reason, end.covered) == (StopReason.CAP, window(hours(5), END))
    assert "https://blog.example.tw/feed/2026-09, answered HTTP 404" in (end.detail or "")
    assert "85.0 hours before it are lost" in (end.detail or "")


def test_a_site_that_gives_the_same_page_again_is_left(tmp_path: Path) -> None:
    page = page_of(1, 5, generator=WORDPRESS)
    played = walk(tmp_path, {URL: page, f"{URL}?paged=2": page})
    assert len(played.urls) == 2
    assert played.end.covered == window(hours(5), END)


def test_archives_in_a_circle_end(tmp_path: Path) -> None:
    other = "https://blog.example.tw/feed/b"
    pages = {
        URL: page_of(1, rel="next", href=other),
        other: page_of(9, rel="next", href=URL),
    }
    played = walk(tmp_path, pages)
    assert played.urls == [URL, other]
    assert played.end.covered == window(hours(9), END)


def test_an_archive_is_read_in_whatever_order_it_has(tmp_path: Path) -> None:
    pages = {**ARCHIVED, "https://blog.example.tw/feed/2026-09": page_of(20, 12, 9)}
    assert walk(tmp_path, pages, start=hours(18)).end.covered == window(hours(18), END)


def test_a_complete_feed_says_so(tmp_path: Path) -> None:
    complete = "<fh:complete xmlns:fh='http://purl.org/syndication/history/1.0'/>"
    end = walk(tmp_path, {URL: page_of(1, 5, generator=complete)}).end
    assert end.covered == window(START, END)


def test_a_json_feed_names_its_next_page(tmp_path: Path) -> None:
    def feed(age: float, more: str = "") -> Page:
        at = hours(age).isoformat()
        listed = f'[{{"id": {age}, "content_text": "茶", "date_published": "{at}"}}]'
        return Page(f'{{"version": "https://jsonfeed.org/version/1.1", "items": {listed}{more}}}')

    pages = {URL: feed(1, ', "next_url": "https://blog.example.tw/2"')}
    pages["https://blog.example.tw/2"] = feed(9)
    played = walk(tmp_path, pages)
    assert [post.post_id for post in played.posts()] == ["1", "9"]
    assert played.end.covered == window(START, END)


@pytest.mark.parametrize(
    ("url", "options", "asked"),
    [
        (f"{URL}?x=1", {}, f"{URL}?x=1&paged=2"),
        (URL, {"archive": False}, None),
        ("https://blog.example.tw/comments/feed/", {}, None),
    ],
)
def test_which_page_of_wordpress_is_older(
    url: str, options: dict[str, Any], asked: str | None, tmp_path: Path
) -> None:
    played = walk(tmp_path, {url: PAGED[URL]}, url=url, options=options)
    assert played.urls == [url, *([asked] if asked else [])]


def test_a_refusal_on_the_way_keeps_what_was_read(tmp_path: Path) -> None:
    pages = {**PAGED, f"{URL}?paged=3": Page(error=ConnectionError("reset"))}
    end = walk(tmp_path, pages).end
    assert (end.stop_reason, end.covered) == (StopReason.ERROR, window(hours(20), END))


@pytest.mark.parametrize(
    ("older", "said"),
    [
        (
            Page(error=SiteRefusedError("robots.txt forbids it")),
            "no older page: robots.txt forbids",
        ),
        (Page("<html><title>首頁</title></html>"), "expected RSS, Atom or JSON Feed, found"),
    ],
    ids=["robots", "html"],
)
def test_a_feed_whose_older_pages_are_closed_is_read_as_far_as_it_goes(
    older: Page, said: str, tmp_path: Path
) -> None:
    pages = {URL: PAGED[URL], f"{URL}?paged=2": older}
    end = walk(tmp_path, pages).end
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, window(hours(5), END))
    assert said in (end.detail or "")
    again = walk(tmp_path, pages, covered_until=hours(30), open_since=hours(30)).end
    assert again.stop_reason is StopReason.CAP


def test_an_empty_page_behind_the_last_is_the_beginning(tmp_path: Path) -> None:
    pages = {URL: PAGED[URL], f"{URL}?paged=2": rss()}
    assert walk(tmp_path, pages).end.covered == window(START, END)


def test_a_feed_that_breaks_off_covers_nothing_and_keeps_no_validator(tmp_path: Path) -> None:
    page = page_of(1, 5)
    page.body = str(page.body).removesuffix("</channel></rss>")
    end = walk(tmp_path, {URL: page}).end
    assert (end.etag, end.covered) == (None, None)
