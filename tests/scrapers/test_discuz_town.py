"""The Discuz spider in the town's forum: what it lands is what can be read there, day after day."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from demo.cast import PLACE
from demo.days import DAY
from demo.faults import Answer
from demo.life import Kind, Post
from demo.phrases import Saying
from lake import StopReason
from scrapers.records import ChannelRecord
from tests.scrapers.forum_town import (
    OPENED,
    ForumOnStage,
    crawl,
    days_of,
    draw_posts,
    expected,
    instant,
    landed,
    living,
    open_forum,
)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)


@pytest.mark.parametrize(("seed", "route"), [(1, "html"), (2, "mobile")])
def test_every_day_the_lake_holds_what_the_forum_shows(
    tmp_path: Path, seed: int, route: str
) -> None:
    site = open_forum(draw_posts(seed, threads=30))
    options = {"revisit_days": 60, "reread_days": 60, "route": route}
    for now in days_of(9, 13):
        played = crawl(tmp_path, ForumOnStage(site, now), now, options=options, start=OPENED)
        assert played.end.stop_reason is StopReason.EXHAUSTED
        assert living(tmp_path) == expected(site, now)


def test_the_daily_run_reads_what_changed_and_little_else(tmp_path: Path) -> None:
    posts = draw_posts(3, threads=60)
    site = open_forum(posts)
    first, second = days_of(14, 15)
    crawl(tmp_path, ForumOnStage(site, first), first, start=OPENED)
    assert living(tmp_path) == expected(site, first)
    stage = ForumOnStage(site, second)
    played = crawl(tmp_path, stage, second)
    assert played.end.covered is not None
    assert played.end.covered.start == instant(first)
    (forum,) = site.forums.values()
    changed = {
        t.tid
        for t in [forum.thread(p.post_id, second) for p in posts if p.opens_thread]
        if t is not None and t.last.at >= second - 3 * DAY
    }
    read = {url.split("tid=")[1].split("&")[0] for url in played.urls if "viewthread" in url}
    assert changed <= read
    removed = {p.root.post_id for p in posts if p.gone_at and first < p.gone_at <= second}
    assert read <= changed | removed
    fresh = {k: v for k, v in expected(site, second).items() if k not in expected(site, first)}
    assert fresh
    assert fresh.items() <= living(tmp_path).items()


def test_a_quiet_thread_is_not_read_and_of_a_long_one_only_the_end(tmp_path: Path) -> None:
    site = open_forum(long_thread(30))
    now = OPENED + 5 * DAY
    options = {"reread_days": 0.5}
    crawl(tmp_path, ForumOnStage(site, now), now, start=OPENED, options=options)
    assert living(tmp_path) == expected(site, now)
    quiet = crawl(tmp_path, ForumOnStage(site, now + 600), now + 600, options=options, start=now)
    assert [url for url in quiet.urls if "viewthread" in url] == []
    later = now + DAY
    played = crawl(tmp_path, ForumOnStage(site, later), later, options=options, start=now + 600)
    pages = [url.rpartition("page=")[2] for url in played.urls if "viewthread" in url]
    assert pages == ["1", "7"]
    assert living(tmp_path) == expected(site, later)


def test_a_reply_that_was_removed_is_found_by_the_count(tmp_path: Path) -> None:
    posts = long_thread(30)
    posts[4].gone_at = OPENED + 5 * DAY + 60
    site, now = open_forum(posts), OPENED + 5 * DAY
    options = {"reread_days": 0.5}
    crawl(tmp_path, ForumOnStage(site, now), now, start=OPENED, options=options)
    crawl(tmp_path, ForumOnStage(site, now + 600), now + 600, options=options, start=now)
    assert living(tmp_path) == expected(site, now + 600)


def test_a_thread_that_was_removed_leaves_a_tombstone_for_every_post(tmp_path: Path) -> None:
    posts = long_thread(8)
    posts[0].gone_at = OPENED + 5 * DAY + 60
    site, now = open_forum(posts), OPENED + 5 * DAY
    crawl(tmp_path, ForumOnStage(site, now), now, start=OPENED)
    before = len(living(tmp_path))
    crawl(tmp_path, ForumOnStage(site, now + 600), now + 600, start=now)
    assert before == 11
    assert living(tmp_path) == expected(site, now + 600)


def test_an_answer_lifts_a_thread_over_the_walk_and_it_is_not_missed(tmp_path: Path) -> None:
    """While the second page is asked for, a thread of the third one comes up to the first."""
    now = OPENED + 2 * DAY
    posts = [say(f"7{n:08}", OPENED + DAY + n * 900) for n in range(35)]
    posts.append(say("1", now + 30, posts[5]))
    site = open_forum(posts)
    stage = ForumOnStage(site, now, tick=10)
    played = crawl(tmp_path, stage, now, start=OPENED)
    assert played.end.stop_reason is StopReason.EXHAUSTED
    assert set(living(tmp_path)) == set(expected(site, now))
    assert sum("forumdisplay" in url for url in played.urls) == 5  # four pages, and the top again


def test_a_program_that_says_it_is_a_bot_counts_the_floors_itself(tmp_path: Path) -> None:
    site, now = open_forum(long_thread(12)), OPENED + 5 * DAY
    played = crawl(tmp_path, ForumOnStage(site, now, agent="Tingchao (+x/bot)"), now, start=OPENED)
    floors = {p.post_id: p.raw["floor"] for p in played.posts() if p.root_id == "t700000000"}
    assert sorted(floors.values()) == list(range(2, 14))


def test_the_audience_is_told_and_quotes_name_what_is_answered(tmp_path: Path) -> None:
    site, now = open_forum(draw_posts(1)), OPENED + 20 * DAY
    played = crawl(tmp_path, ForumOnStage(site, now), now, start=OPENED)
    (audience,) = [item for item in played.items if isinstance(item, ChannelRecord)]
    assert (audience.fan_count, audience.fan_count_how) == (321, "exact")
    parents = {post.parent_id for post in played.posts() if post.kind == "comment"}
    assert {parent[0] for parent in parents if parent} == {"t", "p"}
    assert parents <= set(landed(tmp_path))
    assert all(row["author_key"] for row in landed(tmp_path).values())


def test_a_time_that_is_printed_more_roughly_every_day_stays_as_it_was_first(
    tmp_path: Path,
) -> None:
    """Some skins print `3 分钟前` and leave the exact time out."""

    def rough(_: str, answer: Answer) -> Answer:
        return replace(answer, body=re.sub(rb'<span title="[^"]*">', b"<span>", answer.body))

    site = open_forum(draw_posts(4))
    first, second = days_of(10, 11)
    crawl(tmp_path, ForumOnStage(site, first, spoil=rough), first, start=OPENED)
    exact = {
        post_id: post["published_at"]
        for post_id, post in landed(tmp_path).items()
        if post["published_precision"] in {"second", "minute"}
    }
    precisions = {post["published_precision"] for post in landed(tmp_path).values()}
    options = {"reread_days": 60, "revisit_days": 60}
    crawl(tmp_path, ForumOnStage(site, second, spoil=rough), second, options=options)
    assert precisions == {"second", "minute", "day", "inferred"}
    assert living(tmp_path) == expected(site, second)
    assert exact
    now_landed = landed(tmp_path)
    assert {post_id: now_landed[post_id]["published_at"] for post_id in exact} == exact


def test_a_forum_of_more_pages_than_its_site_shows_is_covered_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrapers.spiders.discuz.MOST_LIST_PAGES", 2)
    site, now = open_forum(draw_posts(5, threads=50)), OPENED + 15 * DAY
    played = crawl(tmp_path, ForumOnStage(site, now), now, start=OPENED - DAY)
    assert played.end.stop_reason is StopReason.CAP
    assert played.end.covered is not None
    assert played.end.covered.start > instant(OPENED - DAY)


def test_a_route_that_does_not_exist_is_told(tmp_path: Path) -> None:
    now = OPENED + DAY
    stage = ForumOnStage(open_forum([]), now)
    played = crawl(tmp_path, stage, now, options={"route": "archiver"})
    assert "expected html or mobile, found 'archiver'" in (played.end.detail or "")


def say(name: str, at: int, parent: Post | None = None) -> Post:
    kind = Kind.THREAD if parent is None else Kind.COMMENT
    title = f"标题 {name}" if parent is None else None
    return Post(PLACE["teatalk"], name, kind, 7, at, Saying(f"内文 {name}", title), parent)


def long_thread(count: int) -> list[Post]:
    """A thread that is answered every day or so, its last answer a day after the others.

    Two silent threads stand beside it: one is pinned, one keeps the list from being empty.
    """
    pinned, silent = say("690000000", OPENED), say("690000001", OPENED + 60)
    opening = say("700000000", OPENED + 3600)
    replies = [say(f"{n}", OPENED + 2 * DAY + n * 60, opening) for n in range(count)]
    late = say("999", OPENED + 5 * DAY + 7200, opening)
    return [pinned, silent, opening, *replies, late]
