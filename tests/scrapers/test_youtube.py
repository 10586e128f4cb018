"""YouTube: golden answers, and the town's channel visited day by day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.sites import youtube as site
from lake import StopReason
from scrapers.access.calls import Answer, Call, Listed, Page, Trouble
from scrapers.access.cursor import CursorVisit
from scrapers.parsers.youtube import read_error
from scrapers.records import Record, Refused
from scrapers.source import load_source
from scrapers.spiders.youtube import YoutubeSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import make_channel, make_job
from tests.scrapers.townhall import ENVIRONMENT, Townhall, make_posts, place_of

FOLDER = FIXTURES / "youtube"
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
READERS = {
    "channels": "read_channel",
    "comment_threads": "read_threads",
    "comments": "read_comments",
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def spider(tmp_path: Path) -> YoutubeSpider:
    source = load_source("youtube")
    channel = make_channel(f"{source.base_url}/x", address="UCdemoBrand00000000001Aa")
    job = make_job(
        tmp_path,
        channel,
        source="youtube",
        base_url=source.base_url,
        permalink_base=source.permalink_base,
        auth=source.auth,
    )
    return YoutubeSpider(job)


@pytest.fixture
def hall(tmp_path: Path) -> Townhall:
    place = place_of("youtube")
    posts = make_posts(place, FIRST, 6)
    return Townhall(tmp_path, place, posts, site.open_site, YoutubeSpider, site.native_id)


@pytest.mark.parametrize("name", ["channels", "videos", "comment_threads", "comments"])
def test_an_answer_reads_as_golden(name: str, spider: YoutubeSpider) -> None:
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    visit = CursorVisit(spider.job.channels[0], {})
    answer = Answer(data, Call(name, lambda *_: iter(())))
    if name == "videos":
        steps = list(spider.each(visit, data["items"], spider.video(visit)))
    else:
        steps = list(getattr(spider, READERS[name])(answer, visit))
    compare(FOLDER / f"{name}.golden.json", [_plain(step) for step in steps])


def test_an_answer_to_another_question_lands_nothing(spider: YoutubeSpider) -> None:
    threads = json.loads((FOLDER / "comment_threads.json").read_text(encoding="utf-8"))
    visit = CursorVisit(spider.job.channels[0], {})
    call = Call("comments", lambda *_: iter(()), root="v1")
    steps = list(spider.read_comments(Answer({"items": threads["items"][:1]}, call), visit))
    assert [type(step) for step in steps] == [Refused]
    assert steps[0].rule == "missing_key"


def _plain(step: Any) -> Any:
    if isinstance(step, Call):
        return {"path": step.path, "query": dict(step.query), "root": step.root}
    assert isinstance(step, Record), step
    author = {"author": getattr(step, "author", None)}
    ignored = load_source("youtube").ignored_keys
    return step.row() | author | {"raw": dict(step.raw), "unread": step.unread - set(ignored)}


def test_names_of_people_are_in_no_raw_record(spider: YoutubeSpider) -> None:
    for golden in FOLDER.glob("*.golden.json"):
        for row in json.loads(golden.read_text(encoding="utf-8")):
            assert "canary" not in json.dumps(row.get("raw", {}))


@pytest.mark.parametrize("name", ["comments_disabled", "quota_exceeded", "key_invalid", "gone"])
def test_errors_say_what_follows(name: str) -> None:
    kinds = {
        "comments_disabled": (Trouble.CLOSED, "commentsDisabled"),
        "quota_exceeded": (Trouble.SPENT, "quotaExceeded"),
        "key_invalid": (Trouble.EXPIRED, "API_KEY_INVALID"),
        "gone": (Trouble.GONE, "videoNotFound"),
    }
    problem = read_error(json.loads((FOLDER / f"error_{name}.json").read_text(encoding="utf-8")))
    assert problem is not None
    assert (problem.kind, problem.code) == kinds[name]
    assert "<" not in problem.message


def test_uploads_keep_their_order_and_leave_out_what_is_gone(spider: YoutubeSpider) -> None:
    visit = CursorVisit(spider.job.channels[0], {})
    uploads = json.loads((FOLDER / "playlist_items.json").read_text(encoding="utf-8"))
    videos = json.loads((FOLDER / "videos.json").read_text(encoding="utf-8"))
    (call,) = spider.read_uploads(Answer(uploads, Call("x", lambda *_: iter(()))), visit)
    assert call.query["id"] == "demoVideo02,demoVideo01,goneVideo00"
    (page,) = call.read(Answer(videos, call), visit)
    assert isinstance(page, Page)
    assert [x.record.post_id for x in page.listed] == ["demoVideo02", "demoVideo01"]
    assert page.next is not None
    assert page.next.query["pageToken"] == "EAAaBlBUOkNBVQ"
    closed = {x.record.post_id: bool(x.under) for x in page.listed if isinstance(x, Listed)}
    assert closed == {"demoVideo02": False, "demoVideo01": True}


def test_the_town_is_landed_exactly_as_it_stands_every_day(hall: Townhall) -> None:
    for day in range(1, 9):
        now = FIRST + DAY * day
        played = hall.visit(now)
        hall.assert_agrees(now)
        assert played.end.covered is not None
        assert played.end.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)
    assert len({row["post_id"] for row in hall.lake.read("posts").to_pylist()}) > 60


def test_the_audience_is_told_every_day(hall: Townhall) -> None:
    hall.visit(FIRST + DAY)
    hall.visit(FIRST + 2 * DAY)
    rows = hall.audience()
    assert [row["observed_at"] for row in rows] == [FIRST + DAY, FIRST + 2 * DAY]
    assert rows[0]["title"] == hall.place.title
    names = [counter["name"] for counter in rows[0]["counters"]]
    assert names == ["subscriberCount", "viewCount", "videoCount"]
    assert rows[0]["fan_count"] == hall.room.fans_at(hall.place, int((FIRST + DAY).timestamp()))


def test_every_counter_that_is_landed_has_a_meaning(hall: Townhall) -> None:
    hall.visit(FIRST + DAY)
    rows = [*hall.lake.read("posts").to_pylist(), *hall.audience()]
    named = {counter["name"] for row in rows for counter in row["counters"] or ()}
    assert named == set(load_source("youtube").counters)


def test_counters_are_seen_as_they_grow(hall: Townhall) -> None:
    hall.visit(FIRST + DAY)
    hall.visit(FIRST + 2 * DAY)
    views: dict[str, list[int]] = {}
    for row in hall.lake.read("posts").to_pylist():
        for counter in row["counters"] or ():
            if counter["name"] == "viewCount":
                views.setdefault(row["post_id"], []).append(counter["lo"])
    assert any(len(seen) == 2 and seen[1] > seen[0] for seen in views.values())


def test_comments_that_are_switched_off_hide_nothing_else(hall: Townhall) -> None:
    now = FIRST + 3 * DAY
    hall.visit(now)
    before = set(hall.landed())
    videos = [post for post in hall.posts if post.parent is None]
    hall.site.closed.update(video.post_id for video in videos)
    played = hall.visit(now, run="b")
    assert played.end.stop_reason is StopReason.EXHAUSTED
    assert set(hall.landed()) == before


def test_a_backfill_goes_on_the_next_day_when_the_units_are_spent(tmp_path: Path) -> None:
    place = place_of("youtube")
    posts = make_posts(place, FIRST, 6, threads=2)
    override = {"units_per_day": 16}
    hall = Townhall(
        tmp_path, place, posts, site.open_site, YoutubeSpider, site.native_id, override=override
    )
    start, now = FIRST, FIRST + 12 * DAY
    reasons = []
    for _ in range(12):
        played = hall.visit(now, since=start)
        reasons.append(played.end.stop_reason)
        assert len(hall.requests) <= 16
        if played.end.stop_reason is not StopReason.BUDGET:
            break
        assert "units of the day are spent" in str(played.end.detail)
        assert hall.visit(now, since=start, run="b").end.stop_reason is StopReason.BUDGET
        assert not hall.requests
        now += DAY
    assert reasons[0] is StopReason.BUDGET
    assert reasons[-1] is StopReason.EXHAUSTED
    hall.assert_agrees(now)


def test_a_wrong_key_is_told_and_never_written(
    hall: Townhall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINGCHAO_YOUTUBE_KEY", "a-wrong-secret-key")
    end = hall.visit(FIRST + DAY).end
    assert end.stop_reason is StopReason.BLOCKED
    assert "API_KEY_INVALID" in str(end.detail)
    assert "TINGCHAO_YOUTUBE_KEY" in str(end.detail)
    assert "a-wrong-secret-key" not in str(hall.lake.ledger().to_pylist())
    assert all("key=" not in request.url for request in hall.requests)


def test_old_videos_and_comments_are_refreshed_within_thirty_days(hall: Townhall) -> None:
    hall.visit(FIRST + 8 * DAY, since=FIRST)
    known = set(hall.landed())
    victim = next(p for p in hall.posts if site.native_id(p) in known and p.parent is not None)
    victim.gone_at = int((FIRST + 26 * DAY).timestamp())
    for day in range(23, 57, 3):
        hall.visit(FIRST + day * DAY, since=FIRST + (day - 3) * DAY)
    assert site.native_id(victim) not in hall.landed()


def test_golden_pages_show_ids_that_the_site_shows(hall: Townhall) -> None:
    hall.visit(FIRST + 3 * DAY)
    assert set(hall.landed()) <= hall.served
