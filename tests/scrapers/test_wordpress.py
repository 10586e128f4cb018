"""WordPress: golden answers, and the town's blog visited day by day, by REST and without it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request

from demo.cast import OFFICIAL
from demo.life import Post
from demo.sites import wordpress as site
from lake import StopReason
from lake.redact import redact
from scrapers.access.calls import Answer, Call, Listed
from scrapers.access.calls import Page as ListPage
from scrapers.access.cursor import CursorVisit
from scrapers.parsers import wordpress as parse
from scrapers.parsers.feed_document import parse_feed
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.wordpress import WordpressSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import Page, Played, make_channel, make_job, play_with
from tests.scrapers.townhall import ENVIRONMENT, Townhall, make_posts, place_of, told_town

FOLDER = FIXTURES / "wordpress"
NO_ROUTE = '{"code": "rest_no_route", "message": "No route was found", "data": {"status": 404}}'
HOME_PAGE = "<!DOCTYPE html><html><head><title>茶園筆記</title></head></html>"
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
READERS = {"posts": "read_posts", "comments": "read_comments", "site": "read_site"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def make_hall(folder: Path, *, days: int = 6, **more: Any) -> Townhall:
    place = place_of("wordpress")
    posts = make_posts(place, FIRST, days)
    return Townhall(folder, place, posts, site.open_site, WordpressSpider, site.native_id, **more)


@pytest.fixture
def hall(tmp_path: Path) -> Townhall:
    return make_hall(tmp_path)


@pytest.mark.parametrize("size", [100, 4])
def test_the_town_is_landed_exactly_as_it_stands_every_day(size: int, tmp_path: Path) -> None:
    hall = make_hall(tmp_path, options={"per_page": size})
    for day in range(1, 9):
        now = FIRST + DAY * day
        end = hall.visit(now).end
        hall.assert_agrees(now)
        assert end.covered is not None
        assert end.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)
        assert set(hall.landed()) <= hall.served
    rows = hall.lake.read("posts").to_pylist()
    assert sum(row["is_deleted"] for row in rows) >= 5
    assert len(rows) > len({row["post_id"] for row in rows})


def test_the_posts_that_the_town_tells_are_landed(tmp_path: Path) -> None:
    town, place = told_town(), place_of("wordpress")
    posts = [post for post in town.posts if post.place is place]
    hall = Townhall(tmp_path, place, posts, site.open_site, WordpressSpider, site.native_id)
    now = town.closes_at.astimezone(UTC)
    for back in (10, 0):
        hall.visit(now - back * DAY, since=now - 40 * DAY)
        hall.assert_agrees(now - back * DAY)
    assert hall.landed()


def test_hosts_that_count_no_pages_are_read_to_the_last_one(tmp_path: Path) -> None:
    hall = make_hall(tmp_path, days=3, options={"per_page": 2})
    hall.site.counts_pages = False  # type: ignore[attr-defined]
    hall.visit(FIRST + 3 * DAY)
    hall.assert_agrees(FIRST + 3 * DAY)


def test_a_blog_without_permalinks_is_asked_by_parameter(hall: Townhall) -> None:
    hall.site.rest = "plain"  # type: ignore[attr-defined]
    end = hall.visit(FIRST + 3 * DAY).end
    hall.assert_agrees(FIRST + 3 * DAY)
    assert end.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)
    assert sum("wp-json" in request.url for request in hall.requests) == 1


def test_comments_of_another_post_bury_none_of_this_one(
    hall: Townhall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.visit(FIRST + 3 * DAY)
    before, reply = hall.landed(), Townhall.reply
    cached: list[Page] = []

    def confused(hall: Townhall, request: Request, now: datetime) -> Page:
        page = reply(hall, request, now)
        if "wp/v2/comments?post=" not in request.url or page.body == b"[]":
            return page
        cached.append(page)
        return cached[0]

    monkeypatch.setattr(Townhall, "reply", confused)
    end = hall.visit(FIRST + 3 * DAY + timedelta(hours=1)).end
    assert end.stop_reason is StopReason.ERROR
    assert "expected comments under post-" in str(end.detail)
    assert hall.landed().keys() == before.keys()


def test_old_posts_that_were_edited_or_answered_late_are_heard_of(hall: Townhall) -> None:
    hall.visit(FIRST + 7 * DAY, since=FIRST)
    old = next(p for p in hall.posts if p.parent is None and p.gone_at is None)
    at = int((FIRST + 20 * DAY).timestamp()) + 60
    edit(old, at)
    late = Post(hall.place, "77", hall.posts[-1].kind, 50, at, hall.posts[-1].saying, old)
    hall.room.posts[hall.place.id].append(late)  # type: ignore[attr-defined]
    hall.visit(FIRST + 21 * DAY, since=FIRST + 20 * DAY)
    landed = hall.landed()
    assert landed[site.native_id(old)]["body_text"].endswith("（晚）")
    assert landed["comment-77"]["root_id"] == site.native_id(old)


def edit(post: Post, at: int) -> None:
    post.edited_at = at
    post.later_saying = type(post.saying)(f"{post.saying.body}（晚）")


def assert_agrees_by_feed(hall: Townhall, now: datetime) -> None:
    """Hold what was landed from feeds against what exists; they name people, not numbers."""
    landed, exists, at = hall.landed(), hall.exists(now), int(now.timestamp())
    assert set(landed) == set(exists)
    for post_id, post in exists.items():
        row, owner = landed[post_id], hall.place.title
        author = owner if post.author == OFFICIAL else hall.room.name_of(post)
        assert row["body_text"] == post.saying_at(at).body
        assert row["published_at"] == datetime.fromtimestamp(post.at, UTC)
        assert row["author_key"] == hall.key("wordpress", author)
        assert row["parent_id"] == (site.native_id(post.parent) if post.parent else None)
        assert row["root_id"] == (site.native_id(post.root) if post.parent else None)
    assert not hall.unknown


@pytest.mark.parametrize("rest", ["disabled", "forbidden", "no_route"])
def test_where_rest_is_closed_the_feeds_land_what_exists(rest: str, tmp_path: Path) -> None:
    hall = make_hall(tmp_path, days=4)
    hall.site.rest = rest  # type: ignore[attr-defined]
    for day in (2, 4, 6):
        now = FIRST + DAY * day
        end = hall.visit(now, since=now - 2 * DAY).end
        assert_agrees_by_feed(hall, now)
        assert end.covered is not None
        assert (end.covered.start, end.covered.end) == (now - 2 * DAY, now)
        assert "REST is closed (wordpress /wordpress/teanotes/wp-json/" in str(end.detail)
        assert not any("rest_route" in request.url for request in hall.requests)
    assert any(row["is_deleted"] for row in hall.lake.read("posts").to_pylist())


def test_a_page_in_the_place_of_rest_is_a_fault_and_the_next_crawl_makes_up_for_it(
    hall: Townhall,
) -> None:
    hall.site.rest = "html"  # type: ignore[attr-defined]
    now = FIRST + 2 * DAY
    end = hall.visit(now, since=FIRST).end
    assert (end.stop_reason, end.covered, hall.landed()) == (StopReason.ERROR, None, {})
    assert "HTTP 200: expected data, found" in str(end.detail)
    assert "on 4 tries; run again later" in str(end.detail)
    assert not any("feed" in request.url for request in hall.requests)
    hall.site.rest = "open"  # type: ignore[attr-defined]
    hall.visit(now, since=FIRST)
    assert set(hall.landed()) == set(hall.exists(now))


def test_a_site_that_shows_its_front_page_for_rest_has_none(tmp_path: Path) -> None:
    end = ask(tmp_path, lambda r: Page(HOME_PAGE, 200 if "rest_route" in r.url else 404)).end
    assert "REST is closed (wordpress /: HTTP 200" in str(end.detail)


def test_whoever_wants_no_rest_reads_the_feeds(tmp_path: Path) -> None:
    hall = make_hall(tmp_path, days=4, options={"rest": False})
    hall.site.rest = "html"  # type: ignore[attr-defined]
    now = FIRST + 2 * DAY
    end = hall.visit(now, since=FIRST).end
    assert_agrees_by_feed(hall, now)
    assert (end.covered.start, end.covered.end) == (FIRST, now)  # type: ignore[union-attr]
    assert not any("wp-json" in request.url for request in hall.requests)


def test_a_thread_that_hides_its_older_comments_is_a_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "FEED_PAGE", 6)
    hall = make_hall(tmp_path)
    hall.site.rest = "disabled"  # type: ignore[attr-defined]
    now = FIRST + 6 * DAY
    end = hall.visit(now, since=FIRST).end
    assert end.stop_reason is StopReason.CAP
    assert "shows 6 of " in str(end.detail)
    hidden = set(hall.exists(now)) - set(hall.landed())
    assert hidden
    assert end.covered is not None
    at = [hall.exists(now)[i].at for i in hidden]
    assert end.covered.start.timestamp() > max(at)


def test_what_rest_landed_is_no_hole_when_rest_is_closed_later(tmp_path: Path) -> None:
    hall = make_hall(tmp_path)
    now = FIRST + 6 * DAY
    hall.visit(now, since=FIRST)
    hall.site.rest = "disabled"  # type: ignore[attr-defined]
    end = hall.visit(now + timedelta(hours=1), since=FIRST).end
    assert end.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)
    assert set(hall.landed()) == set(hall.exists(now))


def test_threads_that_the_feeds_do_not_show_are_said_to_be_lost(tmp_path: Path) -> None:
    hall = make_hall(tmp_path)
    hall.site.rest, hall.site.has_thread_feeds = "disabled", False  # type: ignore[attr-defined]
    end = hall.visit(FIRST + 4 * DAY, since=FIRST).end
    assert (end.stop_reason, end.covered) == (StopReason.CAP, None)


def test_without_feeds_the_sitemap_counts_and_nothing_is_covered(tmp_path: Path) -> None:
    hall = make_hall(tmp_path)
    hall.site.rest, hall.site.has_feeds = "forbidden", False  # type: ignore[attr-defined]
    now = FIRST + 4 * DAY
    end = hall.visit(now, since=FIRST).end
    assert (end.stop_reason, end.covered) == (StopReason.BLOCKED, None)
    posts = sum(post.parent is None for post in hall.exists(now).values())
    assert f"the sitemap names {posts} pages changed since" in str(end.detail)
    assert hall.landed() == {}


def test_a_site_that_shows_nothing_at_all_says_what_to_do(tmp_path: Path) -> None:
    played = ask(tmp_path, lambda _: Page("<html><title>維護中</title></html>", 404))
    assert played.end.stop_reason is StopReason.BLOCKED
    assert "no sitemap either; ask the site's owner" in str(played.end.detail)


def ask(folder: Path, answer: Any) -> Played:
    channel = make_channel("https://blog.example.tw", end=FIRST + 90 * DAY)
    return play_with(WordpressSpider(make_job(folder, channel, source="wordpress")), answer)


@pytest.mark.parametrize(
    ("page", "reason", "said"),
    [
        (
            Page("", 301, {"Location": "https://www.blog.example.tw/wp-json/"}),
            StopReason.ERROR,
            "the blog moved to https://www.blog.example.tw/wp-json/",
        ),
        (Page("busy", 503), StopReason.ERROR, "HTTP 503"),
        (Page('{"code": "x", "message": "y"}', 429), StopReason.BUDGET, "rate-limited"),
        (Page("[[[[", 200), StopReason.ERROR, "expected JSON"),
        (Page("[" * 100_000, 200), StopReason.ERROR, "expected JSON"),
        (Page(HOME_PAGE, 403), StopReason.BLOCKED, "HTTP 403: expected data, found"),
        (Page('{"error": "forbidden"}', 403), StopReason.BLOCKED, "docs/runbook.md#blocked"),
        (Page("", 302, {"Location": "/soon/"}), StopReason.BLOCKED, "HTTP 302: leads to"),
        (Page('{"code": "x", "message": "y"}', 200), StopReason.ERROR, "on 4 tries"),
    ],
    ids=[
        *("moved", "busy", "limited", "broken", "deep"),
        *("page", "not of REST", "elsewhere", "odd"),
    ],
)
def test_answers_that_end_the_crawl(
    page: Page, reason: StopReason, said: str, tmp_path: Path
) -> None:
    end = ask(tmp_path, lambda _: page).end
    assert end.stop_reason is reason
    assert said in str(end.detail)


@pytest.mark.parametrize("name", READERS)
def test_an_answer_reads_as_golden(name: str, tmp_path: Path) -> None:
    channel = make_channel("https://blog.example.tw", end=datetime(2026, 10, 20, tzinfo=UTC))
    spider = WordpressSpider(make_job(tmp_path, channel, source="wordpress"))
    visit = CursorVisit(channel, {})
    list(spider.opening(visit))
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    call = Call("x", lambda *_: iter(()), {"per_page": 100})
    headers = {"x-wp-total": "12", "x-wp-totalpages": "2"}
    steps = list(getattr(spider, READERS[name])(Answer(data, call, headers), visit))
    ignored = set(load_source("wordpress").ignored_keys)
    shown = [plain for step in steps for plain in _plain(step, ignored)]
    assert all("canary" not in redact(row.get("raw") or {}) for row in shown)
    compare(FOLDER / f"{name}.golden.json", shown)


def _plain(step: Any, ignored: set[str]) -> list[Any]:
    if isinstance(step, ListPage):
        after = dict(step.next.query) if step.next else None
        rows = [row for listed in step.listed for row in _plain(listed, ignored)]
        return [*rows, {"next": after, "declared_total": step.declared_total}]
    if isinstance(step, Listed):
        (row,) = _plain(step.record, ignored)
        return [row | {"under": [dict(call.query) for call in step.under]}]
    if isinstance(step, Record):
        person = {"author": getattr(step, "author", None)}
        return [step.row() | person | {"raw": dict(step.raw), "unread": step.unread - ignored}]
    return [{"path": step.path, "query": dict(step.query)}]


def test_feeds_read_as_golden(tmp_path: Path) -> None:
    channel = make_channel("https://blog.example.tw", end=datetime(2026, 10, 20, tzinfo=UTC))
    spider = WordpressSpider(make_job(tmp_path, channel, source="wordpress"))
    visit = CursorVisit(channel, {})
    list(spider.opening(visit))
    visit.facts["route"] = "feed"
    shown: list[Any] = []
    for name, read in (("feed.xml", spider.read_feed), ("comments.xml", spider.read_late_feed)):
        feed = parse_feed((FOLDER / name).read_bytes())
        steps = list(read(Answer(feed, Call("feed/", read)), visit))
        shown += [
            plain
            for step in steps
            for plain in _plain(step, set(load_source("wordpress").ignored_keys))
        ]
    assert all("canary" not in redact(row.get("raw") or {}) for row in shown)
    compare(FOLDER / "feeds.golden.json", shown)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"author": 3, "author_name": "小編"}, "3"),
        ({"author": 0, "author_name": "路人甲"}, "路人甲"),
        ({"author": 0, "author_name": "3"}, "guest 3"),
        ({"author": 0, "author_name": ""}, None),
        ({}, None),
    ],
)
def test_who_wrote_it(record: dict[str, Any], expected: str | None) -> None:
    assert parse.author(JsonRecord(record)) == expected


@pytest.mark.parametrize(
    ("record", "at", "precision"),
    [
        ({"date_gmt": "2026-10-08T13:05:11"}, "2026-10-08T13:05:11+00:00", "second"),
        (
            {"date_gmt": "0000-00-00T00:00:00", "date": "2026-10-08T21:05:11"},
            "2026-10-08T13:05:11+00:00",
            "inferred",
        ),
        (
            {"date_gmt": "-0001-11-30T00:00:00", "date": "2026-10-08T21:05:11"},
            "2026-10-08T13:05:11+00:00",
            "inferred",
        ),
        ({"date_gmt": "0000-00-00T00:00:00", "date": "0000-00-00T00:00:00"}, None, None),
        ({"date": None}, None, None),
    ],
)
def test_times_and_their_fallbacks(
    record: dict[str, Any], at: str | None, precision: str | None
) -> None:
    zone = parse.site_zone(JsonRecord({"gmt_offset": 8, "timezone_string": ""}), "UTC")
    found = parse.read_time(JsonRecord(record), "date", zone)
    assert (found and found.at.isoformat(), found and found.precision) == (at, precision)


@pytest.mark.parametrize("offset", ["Mars/Base", "9e99", {}, [], 10**30])
def test_a_zone_that_is_none_is_the_channels(offset: Any) -> None:
    for name in ("timezone_string", "gmt_offset"):
        zone = parse.site_zone(JsonRecord({name: offset}), "Asia/Taipei")
        assert str(zone) == "Asia/Taipei"


def test_a_feed_that_breaks_off_lands_no_half_entry(tmp_path: Path) -> None:
    body = (FOLDER / "feed.xml").read_text(encoding="utf-8")
    cut = body[: body.rindex("</item>") - 40]
    channel = make_channel("https://blog.example.tw/", start=FIRST, end=FIRST + 60 * DAY)
    spider = WordpressSpider(make_job(tmp_path, channel, source="wordpress", now=FIRST + 60 * DAY))

    def answer(request: Any) -> Page:
        return Page(cut) if "/feed/" in request.url else Page(NO_ROUTE, status=404)

    played = play_with(spider, answer)
    assert played.posts() == []
    assert played.end.covered is None
    assert "breaks off" in (played.end.detail or "")
