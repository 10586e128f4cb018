"""What a forum can do to us, from seeds: why the crawl stopped and what it claims must be true."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.days import DAY
from demo.discuz import NO_FORUM, NO_THREAD, message_page
from demo.faults import Answer
from lake import Lake, StopReason
from scrapers.records import Refused
from scrapers.source import Limits
from tests.scrapers.forum_town import (
    OPENED,
    ForumOnStage,
    crawl,
    draw_posts,
    expected,
    instant,
    landed,
    living,
    open_forum,
)
from tests.scrapers.stage import Played

NOW = OPENED + 15 * DAY
LOGIN = "抱歉，您需要先登录才能继续本操作"
PERMISSION = "抱歉，本帖要求阅读权限高于 10 才能浏览"
FLOOD = "抱歉，您的请求过于频繁，请稍后再试"
CLOSED = "站点暂时关闭，请稍后访问"
CHALLENGE = Answer(403, b"<title>Just a moment...</title>", {"cf-mitigated": "challenge"})
PUZZLE = b"<html><body><script>var s='?_dsign=1a2b';location=s</script></body></html>"
Spoiling = Callable[[str, Answer], Answer | None]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)


def on(pattern: str, spoil: Callable[[Answer], Answer], *, skip: int = 0, times: int = 9999) -> Any:
    """Spoil so many answers to addresses that fit, after so many that go by unharmed."""

    def make() -> Spoiling:
        count = [0]

        def strike(url: str, answer: Answer) -> Answer | None:
            if not re.search(pattern, url):
                return None
            count[0] += 1
            return spoil(answer) if skip < count[0] <= skip + times else None

        return strike

    return make


def body(change: Callable[[bytes], bytes]) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, body=change(answer.body), items=())


def instead(said: str) -> Callable[[Answer], Answer]:
    """Let the site say something instead of its page, with status 200."""
    (forum,) = open_forum([]).forums.values()
    page = message_page(forum, said, NOW).encode("gbk")
    return lambda answer: Answer(200, page, answer.headers)


def status(number: int, **headers: str) -> Callable[[Answer], Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Answer(number, b"busy", named)


def charset(mark: bytes, header: str) -> Callable[[Answer], Answer]:
    """Declare other characters than those that are written."""
    return lambda answer: replace(
        answer,
        body=answer.body.replace(b"charset=gbk", mark),
        headers={"Content-Type": f"text/html{header}"},
    )


def shuffled(page: bytes) -> bytes:
    """Put the last row of a list first."""
    head, *rows = page.split(b'<tbody id="normalthread_')
    return b'<tbody id="normalthread_'.join([head, *rows[1:-1], rows[0], rows[-1]])


LIST, PAGE_2, THREAD = "forumdisplay", r"forumdisplay.*page=2$", "viewthread"
BLANK = body(lambda _: b"<html><head></head><body></body></html>")
HALF = body(lambda page: page[: len(page) // 2])
WHOLE, NOTHING, PART = "whole", "nothing", "part"
SCENARIOS = {
    "challenge at once": (on(LIST, lambda _: CHALLENGE), "blocked", NOTHING),
    "challenge on page 2": (on(PAGE_2, lambda _: CHALLENGE), "blocked", PART),
    "challenge in the middle": (on(THREAD, lambda _: CHALLENGE, skip=6), "blocked", PART),
    "cookie puzzle": (on(LIST, body(lambda _: PUZZLE)), "blocked", NOTHING),
    "cookie puzzle in the middle": (on(THREAD, body(lambda _: PUZZLE), skip=9), "blocked", PART),
    "405 of a firewall": (on(THREAD, status(405), skip=4), "blocked", PART),
    "521 of a firewall": (on(LIST, status(521)), "blocked", NOTHING),
    "blank list": (on(LIST, BLANK), "blank_page", NOTHING),
    "blank page 2": (on(PAGE_2, BLANK), "blank_page", PART),
    "one blank thread": (on(THREAD, BLANK, skip=3, times=1), "exhausted", WHOLE),
    "blank threads": (on(THREAD, BLANK, skip=5), "error", PART),
    "UTF-8 in the header": (on("", charset(b"charset=gbk", "; charset=utf-8")), "exhausted", WHOLE),
    "UTF-8 everywhere": (on("", charset(b"charset=utf-8", "; charset=utf-8")), "exhausted", WHOLE),
    "Big5 in the header": (on("", charset(b"charset=gbk", "; charset=big5")), "exhausted", WHOLE),
    "nothing declared": (on("", charset(b"x=y", "")), "exhausted", WHOLE),
    "gb2312 declared": (on("", charset(b"charset=gb2312", "")), "exhausted", WHOLE),
    "a torn character": (
        on("", body(lambda p: p.replace(b"<title>", b"<title>\xb2"))),
        "exhausted",
        WHOLE,
    ),
    "NUL bytes": (on("", body(lambda p: p.replace(b"<td", b"\x00<td"))), "exhausted", WHOLE),
    "half a list": (on(LIST, HALF), "error", NOTHING),
    "half of page 2": (on(PAGE_2, HALF), "error", PART),
    "half a thread": (on(THREAD, HALF, skip=2, times=1), "exhausted", WHOLE),
    "429 once": (on(THREAD, status(429, Retry_After="1"), skip=2, times=1), "exhausted", WHOLE),
    "429 on and on": (on(THREAD, status(429), skip=8), "blocked", PART),
    "429 for hours": (on(THREAD, status(429, Retry_After="9999"), skip=8), "blocked", PART),
    "503 twice": (on(PAGE_2, status(503), times=2), "exhausted", WHOLE),
    "503 on and on": (on(LIST, status(503)), "blocked", NOTHING),
    "500 in the middle": (on(THREAD, status(500), skip=8), "blocked", PART),
    "404 for a list": (on(LIST, lambda _: Answer(404, b"no")), "error", NOTHING),
    "login for the forum": (on(LIST, instead(LOGIN)), "blocked", NOTHING),
    "login for one thread": (on(THREAD, instead(LOGIN), skip=4, times=1), "exhausted", WHOLE),
    "login for every thread": (on(THREAD, instead(LOGIN), skip=7), "blocked", PART),
    "permission for some": (on(THREAD, instead(PERMISSION), skip=7, times=5), "exhausted", WHOLE),
    "no such forum": (on(LIST, instead(NO_FORUM)), "error", NOTHING),
    "closed": (on(LIST, instead(CLOSED)), "blocked", NOTHING),
    "closed in the middle": (on(THREAD, instead(CLOSED), skip=7), "blocked", PART),
    "a message nobody knows": (on(LIST, instead("今天放假")), "blocked", NOTHING),
    "an unknown message for one": (
        on(THREAD, instead("今天放假"), skip=7, times=1),
        "exhausted",
        WHOLE,
    ),
    "flood once": (on(LIST, instead(FLOOD), times=1), "exhausted", WHOLE),
    "flood in the middle": (on(THREAD, instead(FLOOD), skip=7, times=2), "exhausted", WHOLE),
    "flood on and on": (on(THREAD, instead(FLOOD), skip=7), "blocked", PART),
    "shuffled rows": (on(LIST, body(shuffled)), "error", NOTHING),
    "shuffled on page 2": (on(PAGE_2, body(shuffled)), "error", NOTHING),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_ledger_says_what_the_server_knows(tmp_path: Path, name: str) -> None:
    make, reason, covers = SCENARIOS[name]
    site = open_forum(draw_posts(len(name), threads=30))
    stage = ForumOnStage(site, NOW, spoil=make())
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    assert_true(tmp_path, stage, played)
    assert played.end.stop_reason == reason, played.end.detail
    covered = played.end.covered
    kinds = {None: NOTHING, instant(OPENED): WHOLE}
    assert kinds.get(covered and covered.start, PART) == covers


def assert_true(folder: Path, stage: ForumOnStage, played: Played) -> None:
    """Hold what is claimed against what the server served and what there was to serve."""
    (row,) = Lake.open(folder / "lake").read("crawls").to_pylist()
    assert row["stop_reason"] == played.end.stop_reason
    assert row["stop_reason"] != StopReason.ERROR or row["stop_detail"]
    there = expected(stage.site, NOW)
    found = living(folder)
    refused = {item.record_id for item in played.items if isinstance(item, Refused)}
    locked = {i for i, post in landed(folder).items() if post["is_truncated"]}
    assert {k: v for k, v in found.items() if k not in locked}.items() <= there.items()
    assert not [i for i, post in landed(folder).items() if post["is_deleted"]]
    (forum,) = stage.site.forums.values()
    for post in forum.posts:
        thread = f"t{post.root.post_id}"
        is_claimed = played.end.covered is not None and (
            played.end.covered.start <= instant(post.at) < played.end.covered.end
        )
        if is_claimed and post.exists_at(NOW) and thread not in refused | locked:
            assert forum.id_of(post) in found


def test_pages_that_repeat_end_the_walk(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(5, threads=60)), NOW)
    first = stage.ask("http://127.0.0.1/discuz/forum.php?mod=forumdisplay&fid=36&page=1")
    stage.spoil = on(LIST, lambda _: first)()
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    assert played.end.stop_reason is StopReason.BLANK_PAGE
    assert_true(tmp_path, stage, played)


def test_a_thread_that_shows_its_first_page_for_the_last_is_refused(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(6, threads=20)), NOW)

    def first_page(url: str, _: Answer) -> Answer | None:
        number = re.search(r"viewthread.*page=([2-9]|1\d)$", url)
        return stage.site_answer(url.replace(f"page={number[1]}", "page=1")) if number else None

    stage.spoil = first_page
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    refused = [item for item in played.items if isinstance(item, Refused)]
    assert {item.rule for item in refused} == {"wrong_page"}
    assert_true(tmp_path, stage, played)


def test_the_page_of_another_thread_lands_nothing(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(7, threads=20)), NOW)
    other: list[Answer] = []

    def strike(url: str, answer: Answer) -> Answer | None:
        if THREAD not in url:
            return None
        other.append(answer)
        return other[0] if len(other) == 3 else None

    stage.spoil = strike
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    assert [item.rule for item in played.items if isinstance(item, Refused)] == ["wrong_thread"]
    assert_true(tmp_path, stage, played)


def test_half_a_page_makes_no_tombstone_of_what_it_does_not_show(tmp_path: Path) -> None:
    site = open_forum(draw_posts(8, threads=20))
    crawl(tmp_path, ForumOnStage(site, NOW), NOW, start=OPENED)
    before = living(tmp_path)
    stage = ForumOnStage(site, NOW, spoil=on(THREAD, HALF, skip=1, times=1)())
    crawl(tmp_path, stage, NOW, start=OPENED, crawl_id="again", options={"reread_days": 60})
    assert living(tmp_path) == before


def test_the_page_limit_covers_what_was_read(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(9)), NOW)
    limits = Limits(max_pages=25, max_seconds=60, max_bytes=10**9)
    played = crawl(tmp_path, stage, NOW, start=OPENED, limits=limits)
    assert played.end.stop_reason is StopReason.CAP
    assert_true(tmp_path, stage, played)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"error":"mobile_is_closed"}', "blocked"),
        (b"<html><body>forum</body></html>", "error"),
        (b"", "blank_page"),
        (b'{"Version":"4","Variables":{}}', "error"),
        (b'{"Variables":{},"Message":{"messageval":"viewperm_none_nopermission"}}', "blocked"),
        (b"[" * 100_000, "error"),
    ],
)
def test_a_plugin_that_is_switched_off_says_so(tmp_path: Path, answer: bytes, reason: str) -> None:
    stage = ForumOnStage(open_forum(draw_posts(1)), NOW, spoil=lambda *_: Answer(200, answer))
    played = crawl(tmp_path, stage, NOW, start=OPENED, options={"route": "mobile"})
    assert played.end.stop_reason == reason
    assert played.end.covered is None


def test_a_member_only_thread_lands_as_its_row_and_is_told_in_the_ledger(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(2)), NOW)
    stage.spoil = on("viewthread.*page=1$", instead(PERMISSION), skip=2, times=1)()
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    (post,) = [p for p in landed(tmp_path).values() if "locked" in (p["tags"] or ())]
    assert (post["body_text"], post["is_truncated"]) == (None, True)
    assert post["title_text"]
    assert "1 threads are for members only" in (played.end.detail or "")


def test_a_thread_nobody_knew_that_is_gone_is_nothing(tmp_path: Path) -> None:
    stage = ForumOnStage(open_forum(draw_posts(2)), NOW)
    stage.spoil = on(THREAD, instead(NO_THREAD), skip=2, times=1)()
    played = crawl(tmp_path, stage, NOW, start=OPENED)
    assert played.end.stop_reason is StopReason.EXHAUSTED
    assert not [item for item in played.items if isinstance(item, Refused)]
