"""Feeds: every dialect, names that hold, and how far back a feed reaches."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import StopReason
from scrapers.access.feed import reaches_back
from scrapers.access.feed_identity import Bearer, canonical, identify
from scrapers.known import KnownPost
from scrapers.parsers.feed_document import NotAFeedError, parse_feed
from scrapers.parsers.markup import read_html
from scrapers.source import Politeness
from scrapers.spiders.feed import GenericFeedSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import Page, Played, make_channel, make_job, play, window

FEEDS = sorted(p for p in (FIXTURES / "feed").iterdir() if not p.name.endswith(".golden.json"))
URL = "https://blog.example.tw/feed/"
END = datetime(2026, 10, 10, tzinfo=UTC)
START = END - timedelta(days=30)
FAST = Politeness(download_delay=0)


def item(at: datetime | None, guid: str, text: str = "內文") -> str:
    date = f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate>" if at else ""
    return (
        f"<item><title>t</title><guid isPermaLink='false'>{guid}</guid>{date}"
        f"<description>{text}</description></item>"
    )


def rss(*items: str, **headers: str) -> Page:
    body = f"<rss version='2.0'><channel><title>x</title>{''.join(items)}</channel></rss>"
    return Page(body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def visit(
    folder: Path,
    page: Page | list[Page],
    known: dict[str, KnownPost] | None = None,
    *,
    url: str = URL,
    politeness: Politeness = FAST,
    **channel: Any,
) -> Played:
    opened = make_channel(url, **{"start": START, "end": END, **channel})
    job = make_job(folder, opened, source="feed", now=END, politeness=politeness)
    spider = GenericFeedSpider(job)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scrapers.access.channel.read_known", lambda *_: {"demo": known or {}})
        return play(spider, {url: page})


def known_at(at: datetime | None, text_hash: str | None = None) -> KnownPost:
    return KnownPost("article", at, text_hash, False, ())


def hours(count: float) -> datetime:
    return END - timedelta(hours=count)


@pytest.mark.parametrize("path", FEEDS, ids=lambda p: p.name)
def test_feed_reads_as_golden(path: Path, tmp_path: Path) -> None:
    url = f"https://blog.example.tw/{path.name}"
    played = visit(
        tmp_path, Page(path.read_bytes()), url=url, start=datetime(2020, 1, 1, tzinfo=UTC)
    )
    rows = [
        post.row() | {"author": post.author, "raw": dict(post.raw), "unread": post.unread}
        for post in played.posts()
    ]
    compare(path.with_name(f"{path.stem}.golden.json"), rows)


def test_there_are_feeds_to_read() -> None:
    assert len(FEEDS) == 7


def test_the_whole_feed_covers_from_its_oldest_entry(tmp_path: Path) -> None:
    played = visit(tmp_path, rss(item(hours(1), "b"), item(hours(5), "a"), ETag='"1"'))
    end = played.end
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, window(hours(5), END))
    assert end.etag == '"1"'


def test_a_feed_that_reaches_behind_the_start_covers_all(tmp_path: Path) -> None:
    played = visit(tmp_path, rss(item(hours(1), "b"), item(hours(9999), "a")))
    assert played.end.covered == window(START, END)


@pytest.mark.parametrize("named", ["iso-8859-1", "utf-8", "gbk", "nonsense"])
def test_row_22_a_charset_that_explains_any_byte_is_believed_last(
    named: str, tmp_path: Path
) -> None:
    body = f"<?xml version='1.0' encoding='gbk'?>{rss(item(hours(1), 'b', '雾屿奶茶')).body}"
    headers = {"Content-Type": f"application/xml; charset={named}"}
    (post,) = visit(tmp_path, Page(body.encode("gbk"), headers=headers)).posts()
    assert post.body_text == "雾屿奶茶"


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_row_10_half_a_feed_covers_nothing(cut: float, tmp_path: Path) -> None:
    page = rss(item(hours(1), "b"), item(hours(5), "a"), ETag='"1"')
    body = str(page.body)
    played = visit(tmp_path, Page(body[: int(len(body) * cut)], headers=page.headers))
    assert "a" not in [post.post_id for post in played.posts()]
    assert played.end.covered is None
    assert played.end.stop_reason is StopReason.ERROR
    assert played.end.etag is None
    assert "breaks off" in str(played.end.detail)


def test_overlap_with_what_was_landed_leaves_no_hole(tmp_path: Path) -> None:
    page = rss(item(hours(1), "b"), item(hours(5), "a"))
    played = visit(tmp_path, page, {"a": known_at(hours(5))}, covered_until=hours(6))
    assert played.end.stop_reason is StopReason.REACHED_WATERMARK
    assert played.end.covered == window(hours(6), END)


def test_no_overlap_is_a_hole(tmp_path: Path) -> None:
    page = rss(item(hours(1), "b"), item(hours(5), "a"))
    played = visit(tmp_path, page, {"z": known_at(hours(40))}, covered_until=hours(36))
    assert played.end.stop_reason is StopReason.CAP
    assert played.end.covered == window(hours(5), END)
    assert "31.0 hours before it are lost" in (played.end.detail or "")


def test_a_pinned_old_entry_does_not_stretch_the_cover(tmp_path: Path) -> None:
    page = rss(item(hours(9999), "pinned"), item(hours(1), "b"), item(hours(5), "a"))
    assert visit(tmp_path, page).end.covered == window(hours(5), END)


def test_304_covers_since_the_last_time(tmp_path: Path) -> None:
    played = visit(
        tmp_path, Page(status=304), covered_until=hours(6), etag='"1"', last_modified="Thu"
    )
    headers = played.requests[0].headers
    assert (headers[b"If-None-Match"], headers[b"If-Modified-Since"]) == (b'"1"', b"Thu")
    assert played.end.stop_reason is StopReason.REACHED_WATERMARK
    assert played.end.covered == window(hours(6), END)


def test_entries_of_the_windows_end_wait_and_keep_no_validator(tmp_path: Path) -> None:
    played = visit(tmp_path, rss(item(END, "late"), item(hours(1), "a"), ETag='"2"'))
    assert [post.post_id for post in played.posts()] == ["a"]
    assert played.end.etag is None


def test_without_any_date_only_overlap_is_cover(tmp_path: Path) -> None:
    page = rss(item(None, "b"), item(None, "a"))
    first = visit(tmp_path, page)
    assert (first.end.covered, len(first.posts())) == (None, 2)
    again = visit(tmp_path, page, {"a": known_at(None)}, covered_until=hours(6))
    assert again.end.covered == window(hours(6), END)


def test_gone_for_good(tmp_path: Path) -> None:
    end = visit(tmp_path, Page(status=410)).end
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, None)
    assert (end.detail or "").startswith("gone (410)")


def test_a_stale_cache_is_asked_once_more(tmp_path: Path) -> None:
    polite = Politeness(download_delay=1)
    played = visit(tmp_path, [rss(), rss(item(hours(1), "a"))], politeness=polite)
    assert [r.meta["wait_seconds"] for r in played.requests] == [0, 10]
    assert len(played.posts()) == 1


def test_a_feed_that_was_emptied_covers_nothing(tmp_path: Path) -> None:
    end = visit(tmp_path, rss(), {"a": known_at(hours(40))}).end
    assert (end.stop_reason, end.covered) == (StopReason.BLANK_PAGE, None)


def test_a_feed_that_never_held_an_entry_is_silent(tmp_path: Path) -> None:
    end = visit(tmp_path, rss()).end
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, window(START, END))


@pytest.mark.parametrize(
    ("page", "reason", "said"),
    [
        (Page("RSS Disabled"), StopReason.BLOCKED, "switched its feeds off"),
        (Page("Specified forum not found"), StopReason.BLOCKED, "no such forum"),
        (Page("<html><title>登入</title></html>"), StopReason.ERROR, "an HTML page, titled '登入'"),
        (Page("  "), StopReason.ERROR, "an empty answer"),
        (Page(status=404), StopReason.ERROR, "HTTP 404"),
    ],
    ids=["disabled", "no-forum", "html", "empty", "404"],
)
def test_what_is_no_feed_says_what_it_is(
    page: Page, reason: StopReason, said: str, tmp_path: Path
) -> None:
    end = visit(tmp_path, page).end
    assert end.stop_reason is reason
    assert said in (end.detail or "")


def test_a_permanent_move_is_reported(tmp_path: Path) -> None:
    page = rss(item(hours(1), "a"))
    page.meta = {"redirect_reasons": [301]}
    assert f"write `address: {URL}`" in (visit(tmp_path, page).end.detail or "")


def test_a_gbk_page_under_a_utf8_header_is_read(tmp_path: Path) -> None:
    page = Page((FIXTURES / "feed" / "discuz.xml").read_bytes())
    page.headers["Content-Type"] = "application/xml; charset=utf-8"
    assert visit(tmp_path, page).posts()[1].title_text == "第二帖"


def test_entities_are_never_expanded() -> None:
    lines = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 30))
    doctype = f'<!DOCTYPE r [<!ENTITY e0 "x">{lines}]>'
    bomb = f"{doctype}<rss><channel><item><title>&e29;</title></item></channel></rss>"
    (entry,) = parse_feed(bomb.encode()).entries
    assert len(entry.title or "") < 50


@given(st.binary(max_size=300))
def test_row_22_any_bytes_are_a_feed_or_are_refused(body: bytes) -> None:
    try:
        parse_feed(body)
    except NotAFeedError as error:
        assert str(error)


@given(st.text(max_size=300))
def test_row_22_any_text_can_stand_in_an_entry(text: str) -> None:
    read_html(text)
    page = (
        f"<rss><channel><item><description><![CDATA[{text}]]></description></item></channel></rss>"
    )
    with suppress(NotAFeedError):
        parse_feed(page.encode("utf-8", "replace"))


def test_row_21_deep_nesting_is_read_in_bounds() -> None:
    assert read_html("<div>" * 200_000 + "文").text in {"文", ""}


class TestIdentity:
    def bearers(self, *texts: str, guid: str = "g") -> list[Bearer]:
        return [Bearer(guid, "https://x.tw/1", None, hours(i), t) for i, t in enumerate(texts)]

    def test_a_guid_of_its_own_is_the_name(self) -> None:
        assert identify(self.bearers("a"), {}) == ["g"]

    def test_one_entry_shown_twice_is_one(self) -> None:
        twice = [Bearer("g", None, "x", hours(1), "a")] * 2
        assert identify(twice, {}) == ["g", "g"]

    def test_a_shared_guid_names_by_content_in_any_order(self) -> None:
        bearers = self.bearers("a", "b", "c")
        ids = identify(bearers, {})
        assert len(set(ids)) == 3
        assert identify(bearers[::-1], {}) == ids[::-1]

    def test_once_shared_always_by_content(self) -> None:
        ids = identify(self.bearers("a", "b"), {})
        known = {post_id: known_at(None) for post_id in ids}
        assert identify(self.bearers("a", "b")[:1], known) == ids[:1]

    def test_the_first_bearer_keeps_the_bare_name(self) -> None:
        bearers = self.bearers("new", "old")
        ids = identify(bearers, {"g": known_at(hours(1), "old")})
        assert ids[1] == "g"
        assert ids[0].startswith("g#~")

    def test_two_people_saying_the_same_are_two(self) -> None:
        said = [Bearer("g", None, who, hours(1), "a") for who in ("x", "y")]
        assert len(set(identify(said, {}))) == 2

    def test_without_a_guid_the_link_is_the_name(self) -> None:
        link = "HTTPS://Blog.example.TW/a?utm_source=rss&id=7&utm_medium=x#comment-991"
        assert canonical(link) == "https://blog.example.tw/a?id=7#comment-991"
        assert identify([Bearer(None, link, None, None, "a")], {}) == [canonical(link)]

    def test_without_any_name_the_content_is_it(self) -> None:
        (post_id,) = identify([Bearer(None, None, None, None, "a")], {})
        assert post_id.startswith("#~")


def test_reach_follows_the_running_order() -> None:
    assert reaches_back([]) is None
    assert reaches_back([None, None]) is None
    assert reaches_back([hours(1), None, hours(3)]) == hours(3)
    assert reaches_back([hours(3), hours(2), hours(1)]) == hours(3)


def test_channels_may_name_their_kind(tmp_path: Path) -> None:
    played = visit(tmp_path, rss(item(hours(1), "a")), options={"kind": "post"})
    assert played.posts()[0].kind == "post"


def test_nothing_before_the_channels_own_start_lands(tmp_path: Path) -> None:
    played = visit(tmp_path, rss(item(hours(1), "b"), item(hours(9), "a")), floor=hours(5))
    assert [post.post_id for post in played.posts()] == ["b"]
