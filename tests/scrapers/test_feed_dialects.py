"""What platforms' feeds really look like, habit by habit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lake import StopReason
from scrapers.parsers.feed_document import parse_feed
from scrapers.spiders.feed import _time, without_footer
from tests.scrapers.stage import Page
from tests.scrapers.test_feeds import hours, item, rss, visit

ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0'>"
)
AT = datetime(2026, 10, 8, 5, 5, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "printed",
    [
        "Thu, 08 Oct 2026 13:05:11 +0800",
        "Thu, 8 Oct 26 13:05:11 +0800",
        "Thu, 08 Oct 2026 05:05:11 GMT",
        "Thu, 08 Oct 2026 13:05:11 GMT+8",
        "週四, 08 Oct 2026 13:05:11 +0800",
        "星期四, 08 十月 2026 13:05:11 +0800",
        "周四, 08 10月 2026 13:05:11 +0800",
        "2026-10-08T13:05:11+08:00",
        "2026-10-08 13:05:11",
        "Thu, 08 Oct 2026 13:05:11",
    ],
)
def test_dates_of_any_make(printed: str) -> None:
    found = _time(printed, ZoneInfo("Asia/Taipei"))
    assert found is not None
    assert found.at == AT
    assert (found.precision == "inferred") is ("+" not in printed and "GMT" not in printed)


@pytest.mark.parametrize("printed", ["", "昨天", "0000-00-00T00:00:00Z", "Thu, 32 Oct 2026 1:00"])
def test_a_date_that_is_none_is_unknown(printed: str) -> None:
    assert _time(printed, ZoneInfo("Asia/Taipei")) is None


def test_bases_nest(tmp_path: Path) -> None:
    feed = (
        f"{ATOM[:-1]} xml:base='/blog/'><entry xml:base='2026/'><id>a</id>"
        "<link href='10/tea.html'/><title>茶</title></entry></feed>"
    )
    (post,) = visit(tmp_path, Page(feed)).posts()
    assert post.url == "https://blog.example.tw/blog/2026/10/tea.html"


def test_the_feeds_author_is_everybodys_who_is_not_named() -> None:
    feed = (
        f"{ATOM}<author><name>小編</name></author><entry><id>a</id></entry>"
        "<entry><id>b</id><author><name>讀者</name></author></entry></feed>"
    )
    assert [entry.author for entry in parse_feed(feed.encode()).entries] == ["小編", "讀者"]


@pytest.mark.parametrize(
    "people", ['"author": {"name": "小編"}', '"authors": [{"name": ""}, {"name": "小編"}]']
)
def test_json_feeds_of_both_versions_name_people(people: str) -> None:
    head = '"version": "https://jsonfeed.org/version/1.1"'
    of_feed = parse_feed(f'{{{head}, {people}, "items": [{{"id": 7}}]}}'.encode())
    of_item = parse_feed(f'{{{head}, "items": [{{"id": 7, {people}}}]}}'.encode())
    assert of_feed.entries[0].author == of_item.entries[0].author == "小編"
    assert of_feed.entries[0].guid == "7"


@pytest.mark.parametrize(
    "odd",
    [
        '"items": {"id": 1}',
        '"items": [7, null]',
        '"items": [{"id": {}, "tags": "x", "authors": "y", "title": 7, "content_html": []}]',
        '"title": [], "next_url": {}',
    ],
)
def test_a_json_feed_of_wrong_kinds_is_read_as_far_as_it_goes(odd: str) -> None:
    parse_feed(f'{{"version": "https://jsonfeed.org/version/1", {odd}}}'.encode())


def test_threads_of_atom() -> None:
    feed = (
        f"{ATOM}<entry><id>a</id><link rel='replies' href='/a/feed' thr:count='12'/></entry>"
        "<entry><id>b</id><thr:total>3</thr:total><thr:in-reply-to ref='a'/></entry></feed>"
    )
    first, second = parse_feed(feed.encode()).entries
    assert (first.comment_count, second.comment_count) == ("12", "3")
    assert second.in_reply_to == "a"


def test_comments_are_counted_and_their_feed_is_no_text(tmp_path: Path) -> None:
    more = (
        "<slash:comments xmlns:slash='http://purl.org/rss/1.0/modules/slash/'>4</slash:comments>"
        "<wfw:commentRss xmlns:wfw='http://wellformedweb.org/CommentAPI/'>/a/feed/</wfw:commentRss>"
    )
    page = rss(item(hours(1), "a").replace("</item>", f"{more}</item>"))
    (post,) = visit(tmp_path, page).posts()
    assert post.counters is not None
    assert [(c["name"], c["lo"]) for c in post.counters] == [("comments", 4)]
    assert post.unread == {"wfw:commentRss"}


@pytest.mark.parametrize(
    "footer",
    [
        "The post 茶 appeared first on 霧嶼誌.",
        "The post 茶 first appeared on 霧嶼誌.",
        "〈茶〉這篇文章最早發佈於《霧嶼誌》。",
    ],
)
def test_what_a_plugin_writes_is_not_the_authors(footer: str) -> None:
    assert without_footer(f"好喝\n\n{footer}\n") == "好喝"


def test_a_weak_validator_goes_back_as_it_came(tmp_path: Path) -> None:
    weak = 'W/"abc-gzip"'
    played = visit(tmp_path, rss(item(hours(1), "a"), ETag=weak))
    assert played.end.etag == weak
    again = visit(tmp_path, Page(status=304), etag=weak, covered_until=hours(2))
    assert again.requests[0].headers["If-None-Match"] == weak.encode()
    assert again.end.stop_reason is StopReason.REACHED_WATERMARK


@pytest.mark.parametrize(
    ("ttl", "said"), [("30", False), ("60", False), ("1440", True), ("9" * 30, False), ("x", False)]
)
def test_a_feed_that_wants_rest_is_told_of(ttl: str, said: bool, tmp_path: Path) -> None:
    end = visit(tmp_path, rss(f"<ttl>{ttl}</ttl>", item(hours(1), "a"))).end
    assert ("every 1,440 minutes" in (end.detail or "")) is said
