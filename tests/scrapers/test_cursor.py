"""APIs: what is walked, what is covered, what is spent, and that no secret is ever written down."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scrapy import Request
from scrapy.http import TextResponse

from lake import StopReason, Window
from lake.times import parse_rfc3339
from scrapers.access.allowance import Allowance
from scrapers.access.calls import (
    Answer,
    Call,
    Listed,
    Page,
    Problem,
    Trouble,
    pause_until_reset,
)
from scrapers.access.cursor import CursorSpider, CursorVisit, is_turn
from scrapers.access.secrets import Secrets, explain_missing, hide
from scrapers.errors import ParsingFailedError
from scrapers.known import KnownPost
from scrapers.middlewares.patience import Patience
from scrapers.middlewares.refusal import Refusals
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import PostRecord, Refused
from scrapers.source import Auth, Limits, Politeness, Quota
from tests.scrapers import stage
from tests.scrapers.stage import Played, make_channel, make_job, play_with

END = datetime(2026, 10, 10, tzinfo=UTC)
START = END - timedelta(days=2)
HOUR = timedelta(hours=1)
URL = "https://api.example.tw/v1"
TOKEN = "s3cret/token+of=ours"
VARIABLE = "TINGCHAO_DEMO_TOKEN"
BY_QUERY = Auth(kind="query", name="token", variable=VARIABLE, obtain="Ask the demo for a token.")
BY_HEADER = Auth(kind="bearer", variable=VARIABLE, obtain="Ask the demo for a token.")


class DemoSpider(CursorSpider):
    """Posts with comments; a list by cursor and, when it can, by time."""

    name = "demo"
    people = frozenset({"who"})

    def timeline(self, visit: CursorVisit, part: Window) -> Call:
        query = {"since": part.start.isoformat(), "until": part.end.isoformat()}
        return Call("posts", self.read_posts, query if self.can_split else {})

    def look_up(self, visit: CursorVisit, posts: Any) -> Iterator[Call]:
        yield Call("lookup", self.read_found, {"ids": ",".join(posts)}, asked=tuple(posts))

    def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        data = answer.data
        listed = [*self.each(visit, data["items"], lambda item: self.listed(visit, item))]
        yield from (x for x in listed if isinstance(x, Refused))
        after = data.get("after")
        yield Page(
            [x for x in listed if isinstance(x, Listed)],
            answer.call.turned(after=after) if after else None,
            is_capped=data.get("capped", False),
        )

    def listed(self, visit: CursorVisit, item: JsonRecord) -> Listed:
        record = self.record(visit, item)
        comments = Call(f"comments/{record.post_id}", self.read_found, root=record.post_id)
        return Listed(record, (comments,), counter="comments")

    def read_found(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        return self.each(visit, answer.data["items"], lambda item: self.record(visit, item))

    def record(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        at = item.text("at")
        count = item.take("comments")
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            kind="comment" if item.take("root") else "article",
            root_id=item.find_id("root"),
            author=item.text("who.id"),
            body_text=item.text("text"),
            published_at=parse_rfc3339(at).at if at else None,
            counters=None if count is None else (exact("comments", count),),
            raw=item.raw,
            unread=item.unread,
        )

    def find_error(self, data: Any, response: Any) -> Problem | None:
        error = data.get("error") if isinstance(data, dict) else None
        if error is None:
            return super().find_error(data, response)
        return Problem(Trouble(error["kind"]), "E1", error["says"], error.get("wait"))


class SplittingSpider(DemoSpider):
    can_split = True


def exact(name: str, count: int) -> dict[str, Any]:
    return {"name": name, "lo": count, "hi": count, "how": "exact"}


class Api:
    """A small API over posts and comments; every request is on record."""

    def __init__(self, posts: dict[str, datetime], *, page: int = 2, cap: int = 10**9) -> None:
        self.posts, self.page, self.cap = posts, page, cap
        self.comments: dict[str, list[str]] = {}
        self.says: dict[str, Any] = {}
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> stage.Page:
        self.asked.append(request)
        parts = urlsplit(request.url)
        path, query = parts.path.removeprefix("/v1/"), parse_qs(parts.query)
        said = self.says.get(path)
        if isinstance(said, list):
            said = said.pop(0) if said else None
        if isinstance(said, stage.Page):
            return said
        body = said or self.answer(path, {name: values[0] for name, values in query.items()})
        return stage.Page(json.dumps(body))

    @property
    def paths(self) -> list[str]:
        return [urlsplit(request.url).path.removeprefix("/v1/") for request in self.asked]

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if path == "posts":
            return self.list_posts(query)
        if path == "lookup":
            wanted = query["ids"].split(",")
            known = [*self.posts, *(c for under in self.comments.values() for c in under)]
            return {"items": [self.item(i) for i in wanted if i in known]}
        root = path.removeprefix("comments/")
        return {"items": [self.item(c, root) for c in self.comments.get(root, [])]}

    def list_posts(self, query: dict[str, str]) -> Any:
        since = parse_rfc3339(query.get("since", "1970-01-01T00:00:00Z")).at
        until = parse_rfc3339(query.get("until", "2100-01-01T00:00:00Z")).at
        ids = sorted(self.posts, key=lambda i: self.posts[i], reverse=True)
        ids = [i for i in ids if since <= self.posts[i] < until]
        start = int(query.get("after", 0))
        shown, rest = (
            ids[: self.cap][start : start + self.page],
            ids[: self.cap][start + self.page :],
        )
        return {
            "items": [self.item(i) for i in shown],
            "after": str(start + self.page) if rest else None,
            "capped": not rest and len(ids) > self.cap,
        }

    def item(self, post_id: str, root: str | None = None) -> dict[str, Any]:
        at = self.posts.get(post_id, END - HOUR)
        item = {"id": post_id, "at": at.isoformat(), "text": "字", "who": {"id": "canary-handle"}}
        if root:
            return {**item, "root": root}
        return {**item, "comments": len(self.comments.get(post_id, []))}


def hourly(count: int, prefix: str = "p") -> dict[str, datetime]:
    return {f"{prefix}{i}": END - HOUR * (i + 1) for i in range(count)}


def crawl(
    folder: Path,
    api: Any,
    known: dict[str, KnownPost] | None = None,
    spider: type[DemoSpider] = DemoSpider,
    *,
    job: dict[str, Any] | None = None,
    **channel: Any,
) -> Played:
    opened = make_channel(URL, **{"start": START, "end": END, **channel})
    values = {
        "source": "demo",
        "now": END,
        "base_url": URL,
        "revisit_days": 0,
        "politeness": Politeness(download_delay=0, backoff=2, backoff_cap=60, retries=2),
        **(job or {}),
    }
    made = spider(make_job(folder, opened, **values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scrapers.access.channel.read_known", lambda *_: {"demo": known or {}})
        return play_with(made, api)


def knows(at: datetime, root: str | None = None, comments: int | None = None) -> KnownPost:
    counters = () if comments is None else (exact("comments", comments),)
    return KnownPost("comment" if root else "article", at, None, False, counters, root)


def ids(played: Played) -> list[str]:
    return [post.post_id for post in played.posts()]


class TestCover:
    def test_a_list_that_ends_by_itself_is_exhausted(self, tmp_path: Path) -> None:
        played = crawl(tmp_path, Api(hourly(5)))
        assert ids(played) == ["p0", "p1", "p2", "p3", "p4"]
        assert played.end.stop_reason is StopReason.EXHAUSTED
        assert played.end.covered == Window(START, END)

    def test_what_is_older_than_the_window_is_left(self, tmp_path: Path) -> None:
        api = Api(
            {**hourly(3), "old": START - HOUR, "older": START - 2 * HOUR, "x": START - 9 * HOUR}
        )
        played = crawl(tmp_path, api)
        assert ids(played) == ["p0", "p1", "p2"]
        assert played.end.stop_reason is StopReason.REACHED_WATERMARK
        assert played.end.covered == Window(START, END)
        assert api.paths.count("posts") == 2

    def test_what_the_windows_end_cuts_off_waits(self, tmp_path: Path) -> None:
        played = crawl(tmp_path, Api({**hourly(1), "new": END}))
        assert ids(played) == ["p0"]

    def test_comments_land_before_their_post(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.comments["p0"] = ["c0", "c1"]
        assert ids(crawl(tmp_path, api)) == ["c0", "c1", "p0"]

    def test_a_limit_covers_what_was_read_whole(self, tmp_path: Path) -> None:
        limits = Limits(max_pages=4, max_seconds=60, max_bytes=10**8)
        end = crawl(tmp_path, Api(hourly(8)), job={"limits": limits}).end
        assert end.stop_reason is StopReason.BUDGET
        assert end.covered == Window(END - 2 * HOUR, END)
        assert "left for the next crawl: 2026-10-08T00:00Z … 2026-10-09T22:00Z" in (
            end.detail or ""
        )

    def test_a_continued_crawl_reads_nothing_twice(self, tmp_path: Path) -> None:
        api = Api(hourly(4))
        known = {i: knows(at, comments=0) for i, at in list(hourly(4).items())[:2]}
        crawl(tmp_path, api, known)
        assert [p for p in api.paths if p != "posts"] == ["comments/p2", "comments/p3"]

    def test_young_posts_are_visited_again_and_older_ones_when_they_grew(
        self, tmp_path: Path
    ) -> None:
        posts = {"young": END - HOUR, "grown": END - 30 * HOUR, "same": END - 31 * HOUR}
        api = Api(posts, page=9)
        api.comments = {"grown": ["c"], "same": []}
        known = {i: knows(at, comments=0) for i, at in posts.items()}
        played = crawl(tmp_path, api, known, job={"revisit_days": 1})
        assert api.paths == ["posts", "comments/young", "comments/grown"]
        assert ids(played) == ["young", "c", "grown", "same"]

    def test_a_capped_list_is_asked_for_in_halves(self, tmp_path: Path) -> None:
        api = Api(hourly(40), page=5, cap=12)
        played = crawl(tmp_path, api, spider=SplittingSpider)
        assert sorted(set(ids(played))) == sorted(hourly(40))
        assert len(ids(played)) == 40
        assert played.end.stop_reason is StopReason.EXHAUSTED
        assert played.end.covered == Window(START, END)

    def test_what_cannot_be_cut_further_is_declared_lost(self, tmp_path: Path) -> None:
        crowd = {f"x{i}": END - 30 * HOUR - timedelta(seconds=i) for i in range(30)}
        api = Api({**hourly(5), **crowd}, page=5, cap=12)
        end = crawl(tmp_path, api, spider=SplittingSpider).end
        assert end.stop_reason is StopReason.CAP
        assert "lost: 2026-10-08T" in (end.detail or "")
        assert "12 posts and no more" in (end.detail or "")
        assert end.covered is not None
        assert end.covered.end == END
        assert end.covered.start > END - 31 * HOUR

    def test_a_list_that_cannot_be_split_loses_what_it_does_not_show(self, tmp_path: Path) -> None:
        end = crawl(tmp_path, Api(hourly(20), cap=4)).end
        assert end.stop_reason is StopReason.CAP
        assert end.covered == Window(END - 4 * HOUR, END)

    def test_pages_without_posts_end_in_the_end(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.says["posts"] = {"items": [], "after": "7"}
        end = crawl(tmp_path, api).end
        assert (end.stop_reason, end.covered) == (StopReason.BLANK_PAGE, None)
        assert len(api.asked) == DemoSpider.most_blank_pages + 1

    def test_a_list_that_was_emptied_covers_nothing(self, tmp_path: Path) -> None:
        class Mute(DemoSpider):
            def look_up(self, visit: CursorVisit, posts: Any) -> Iterator[Call]:
                yield from ()

        end = crawl(tmp_path, Api({}), {"a": knows(END - HOUR)}, spider=Mute).end
        assert (end.stop_reason, end.covered) == (StopReason.BLANK_PAGE, None)

    def test_a_backfill_behind_younger_posts_is_no_emptied_list(self, tmp_path: Path) -> None:
        young = {"young": END + HOUR}
        known = {"young": knows(END + HOUR), "gone": knows(END - HOUR)}
        job = {"now": END + 9 * HOUR}
        played = crawl(tmp_path, Api(young), known, job=job)
        assert [post.post_id for post in played.posts() if post.is_deleted] == ["gone"]
        assert played.end.stop_reason is StopReason.EXHAUSTED
        assert played.end.covered == Window(START, END)

    def test_a_list_that_is_whole_buries_what_it_leaves_out(self, tmp_path: Path) -> None:
        class Whole(DemoSpider):
            is_whole = True

            def look_up(self, visit: CursorVisit, posts: Any) -> Iterator[Call]:
                yield from ()

        known = {
            "p0": knows(END - HOUR),
            "gone": knows(END - 2 * HOUR),
            "c": knows(END - HOUR, "gone"),
        }
        api = Api(hourly(1))
        played = crawl(tmp_path, api, known, spider=Whole)
        assert [post.post_id for post in played.posts() if post.is_deleted] == ["gone", "c"]
        assert "lookup" not in api.paths
        broken = crawl(tmp_path, Api({}), known, spider=Whole).end
        assert (broken.stop_reason, broken.covered) == (StopReason.BLANK_PAGE, None)

    def test_time_that_has_not_come_is_not_covered(self, tmp_path: Path) -> None:
        end = crawl(tmp_path, Api(hourly(1)), job={"now": END - HOUR}).end
        assert end.covered == Window(START, END - HOUR)

    def test_two_channels_of_one_host_each_have_an_end(self, tmp_path: Path) -> None:
        channels = [
            make_channel(f"{URL}/{i}", channel_id=f"c{i}", start=START, end=END) for i in range(300)
        ]
        job = make_job(tmp_path, *channels, source="demo", now=END, base_url=URL, auth=BY_HEADER)
        played = play_with(DemoSpider(job), Api({}))
        assert [end.stop_reason for end in played.ends()] == [StopReason.ERROR] * 300


class TestGone:
    def test_a_known_post_that_the_list_leaves_out_is_asked_for(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        known = {
            "p0": knows(END - HOUR),
            "gone": knows(END - 2 * HOUR),
            "under": knows(END - HOUR, "gone"),
            "long-ago": knows(START - 9 * HOUR),
        }
        played = crawl(tmp_path, api, known)
        dead = {post.post_id: post for post in played.posts() if post.is_deleted}
        assert set(dead) == {"gone", "under"}
        assert (dead["under"].kind, dead["under"].root_id) == ("comment", "gone")

    def test_a_comment_that_is_not_shown_any_more_is_gone(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.comments["p0"] = ["c1"]
        known = {"c1": knows(END - HOUR, "p0"), "c2": knows(END - HOUR, "p0")}
        played = crawl(tmp_path, api, known, job={"revisit_days": 7})
        assert [post.post_id for post in played.posts() if post.is_deleted] == ["c2"]

    def test_comments_that_are_not_shown_at_all_are_not_taken_for_gone(
        self, tmp_path: Path
    ) -> None:
        api = Api(hourly(1))
        api.says["comments/p0"] = {"error": {"kind": "closed", "says": "switched off"}}
        played = crawl(tmp_path, api, {"c1": knows(END - HOUR, "p0")})
        assert ids(played) == ["p0"]
        assert played.end.stop_reason is StopReason.EXHAUSTED

    def test_a_blank_answer_buries_nobody(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.comments["p0"] = ["c1", "c2"]
        api.says["comments/p0"] = {"items": []}
        known = {"c1": knows(END - HOUR, "p0"), "c2": knows(END - HOUR, "p0")}
        assert ids(crawl(tmp_path, api, known)) == ["p0"]

    def test_old_posts_are_refreshed_in_turn(self, tmp_path: Path) -> None:
        old = {f"old{i}": knows(START - timedelta(days=60)) for i in range(200)}
        refreshed: set[str] = set()
        for day in range(28):
            api = Api({i: START - timedelta(days=60) for i in list(old)[:-1]})
            end = END + timedelta(days=day)
            last = None if day == -1 else end - timedelta(days=1)
            played = crawl(
                tmp_path,
                api,
                old,
                job={"refresh_days": 28, "now": end},
                end=end,
                start=end - timedelta(days=1),
                covered_until=last,
            )
            refreshed.update(ids(played))
            assert len(ids(played)) < 40
        assert refreshed == set(old)

    def test_a_turn_that_was_missed_comes_with_the_next_crawl(self) -> None:
        names = [f"n{i}" for i in range(100)]
        for last in (None, END - timedelta(days=28), END - timedelta(days=90)):
            assert all(is_turn(name, last, END, 28) for name in names)
        assert not any(is_turn(name, END, END, 28) for name in names)
        assert not any(is_turn(name, END + timedelta(days=9), END, 28) for name in names)


class TestTrouble:
    @pytest.mark.parametrize(
        ("kind", "reason", "said"),
        [
            ("expired", StopReason.BLOCKED, f"Put it into {VARIABLE} in .env"),
            ("refused", StopReason.BLOCKED, "E1: no"),
            ("spent", StopReason.BUDGET, "E1: no"),
            ("gone", StopReason.ERROR, "address still right"),
            ("too_much", StopReason.ERROR, "less cannot be asked for"),
        ],
    )
    def test_an_error_ends_the_channel_in_its_own_words(
        self,
        kind: str,
        reason: StopReason,
        said: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv(VARIABLE, TOKEN)
        api = Api({})
        api.says["posts"] = {"error": {"kind": kind, "says": f"no, {TOKEN} is wrong"}}
        end = crawl(tmp_path, api, job={"auth": BY_HEADER}).end
        assert (end.stop_reason, end.covered) == (reason, None)
        assert said in (end.detail or "")
        assert TOKEN not in (end.detail or "")

    def test_what_passes_is_tried_again(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        error = {"error": {"kind": "transient", "says": "later"}}
        api.says["posts"] = [error, error]
        played = crawl(tmp_path, api)
        assert played.end.stop_reason is StopReason.EXHAUSTED
        assert [r.meta["wait_seconds"] for r in api.asked][:3] == [0, 2, 4]
        api.says["posts"] = [error] * 9
        assert crawl(tmp_path, api).end.stop_reason is StopReason.ERROR

    def test_a_rate_limit_is_waited_for_or_left_to_the_next_crawl(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.says["posts"] = [{"error": {"kind": "limited", "says": "slow", "wait": 7}}]
        assert crawl(tmp_path, api).end.stop_reason is StopReason.EXHAUSTED
        assert api.asked[1].meta["wait_seconds"] == 7
        api.says["posts"] = [{"error": {"kind": "limited", "says": "slow", "wait": 700}}]
        end = crawl(tmp_path, api).end
        assert end.stop_reason is StopReason.BUDGET
        assert "rate-limited" in (end.detail or "")

    def test_retry_after_is_obeyed(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        api.says["posts"] = [stage.Page("{}", status=429, headers={"Retry-After": "9"})]
        assert crawl(tmp_path, api).end.stop_reason is StopReason.EXHAUSTED
        assert api.asked[1].meta["wait_seconds"] == 9

    def test_a_used_up_limit_is_left_alone_until_it_resets(self, tmp_path: Path) -> None:
        reset = str(int(END.timestamp()) + 30)
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        api = Api(hourly(1))
        body = json.dumps(api.answer("posts", {}))
        api.says["posts"] = stage.Page(body, headers=headers)
        crawl(tmp_path, api)
        assert api.asked[1].meta["wait_seconds"] == 30

    def test_what_is_no_json_says_so(self, tmp_path: Path) -> None:
        api = Api({})
        for body in ("<html>hi</html>", "[" * 100_000, "1" * 5000, ""):
            api.says["posts"] = stage.Page(body)
            end = crawl(tmp_path, api).end
            assert end.stop_reason is StopReason.ERROR
        assert "expected JSON, found HTTP 200" in (end.detail or "")

    def test_one_odd_record_goes_to_quarantine_without_its_people(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        odd = {"id": [], "who": {"id": "canary-handle"}}
        api.says["posts"] = {"items": [odd, api.item("p0")]}
        played = crawl(tmp_path, api)
        (refused,) = [item for item in played.items if isinstance(item, Refused)]
        assert "expected an id" in refused.reason
        assert "canary" not in str(refused.raw)
        assert ids(played) == ["p0"]

    def test_row_21_a_record_that_nests_too_deep_goes_to_quarantine(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        deep = '{"id":"d","x":' + "[" * 900 + "]" * 900 + "}"
        body = json.dumps({"items": [api.item("p0")]}).replace('[{"id"', f'[{deep},{{"id"')
        api.says["posts"] = stage.Page(body)
        played = crawl(tmp_path, api)
        assert [item.record_id for item in played.items if isinstance(item, Refused)] == ["d"]
        assert ids(played) == ["p0"]

    def test_records_that_all_changed_are_no_records(self, tmp_path: Path) -> None:
        api = Api({})
        api.says["posts"] = {"items": [{"ident": 1}] * 3}
        end = crawl(tmp_path, api).end
        assert end.stop_reason is StopReason.ERROR
        assert "changed-site" in (end.detail or "")


class TestSecrets:
    @pytest.fixture(autouse=True)
    def token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, TOKEN)

    def test_a_header_carries_it_and_nothing_else_does(self, tmp_path: Path) -> None:
        api = Api(hourly(1))
        crawl(tmp_path, api, job={"auth": BY_HEADER})
        assert {r.headers[b"Authorization"] for r in api.asked} == {f"Bearer {TOKEN}".encode()}
        assert all("s3cret" not in r.url for r in api.asked)
        assert all(r.meta["dont_redirect"] for r in api.asked)

    def test_a_parameter_carries_it_where_no_header_does(self, tmp_path: Path) -> None:
        api = Api(hourly(3))
        crawl(tmp_path, api, job={"auth": BY_QUERY})
        for request in api.asked:
            assert parse_qs(urlsplit(request.url).query)["token"] == [TOKEN]

    def test_the_log_never_says_it(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        api = Api(hourly(1))
        crawl(tmp_path, api, job={"auth": BY_QUERY})
        log = logging.getLogger("scrapy.core.engine")
        with caplog.at_level(logging.DEBUG):
            log.debug("Crawled (200) <GET %s>", api.asked[0].url)
            log.info("%d", "ill-formed " + TOKEN)
            try:
                raise ValueError(f"bad url {api.asked[0].url}")
            except ValueError:
                log.exception("failed")
        assert "[secret]" in caplog.text
        for spelling in (TOKEN, "s3cret", TOKEN.replace("/", "%2F")):
            assert spelling not in caplog.text

    def test_an_answer_that_repeats_it_is_washed(self, tmp_path: Path) -> None:
        api = Api({})
        item = {**api.item("p0"), "at": (END - HOUR).isoformat(), "text": f"見 {TOKEN}"}
        api.says["posts"] = [{"items": [item]}]
        played = crawl(tmp_path, api, job={"auth": BY_QUERY})
        (post,) = played.posts()
        assert post.body_text == "見 [secret]"
        assert TOKEN not in str(post.raw)

    def test_the_next_page_that_a_platform_names_is_signed_anew(self, tmp_path: Path) -> None:
        class Following(DemoSpider):
            def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
                next_url = answer.data.get("next")
                yield Page([], answer.call.at(next_url) if next_url else None)

        api = Api({})
        api.says["posts"] = [{"next": f"{URL}/posts?token={TOKEN}&after=2"}, {"x": 1}]
        crawl(tmp_path, api, spider=Following, job={"auth": BY_QUERY})
        assert parse_qs(urlsplit(api.asked[1].url).query) == {"after": ["2"], "token": [TOKEN]}

    def test_it_is_sent_to_no_other_server(self, tmp_path: Path) -> None:
        class Astray(DemoSpider):
            def timeline(self, visit: CursorVisit, part: Window) -> Call:
                return Call("https://evil.example/posts", self.read_posts)

        api = Api({})
        end = crawl(tmp_path, api, spider=Astray, job={"auth": BY_HEADER}).end
        assert "no secret is sent there" in (end.detail or "")
        assert api.asked == []

    def test_a_channel_may_have_its_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TINGCHAO_OTHER", "another-token")
        api = Api(hourly(1))
        options = {"token_variable": "TINGCHAO_OTHER"}
        crawl(tmp_path, api, job={"auth": BY_HEADER}, options=options)
        assert api.asked[0].headers[b"Authorization"] == b"Bearer another-token"

    def test_a_missing_one_says_what_to_type(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(VARIABLE)
        api = Api({})
        end = crawl(tmp_path, api, job={"auth": BY_HEADER}).end
        assert end.stop_reason is StopReason.ERROR
        assert f"echo '{VARIABLE}=…' >> .env" in (end.detail or "")
        assert api.asked == []

    def test_the_pseudonym_key_is_no_token(self) -> None:
        options = {"token_variable": "TINGCHAO_PSEUDONYM_KEY"}
        said = explain_missing(BY_HEADER, "c", options, {"TINGCHAO_PSEUDONYM_KEY": "ab" * 32})
        assert "expected TINGCHAO_" in (said or "")
        with pytest.raises(ValueError, match="no pseudonym key"):
            Auth(kind="bearer", variable="TINGCHAO_PSEUDONYM_KEY", obtain="x" * 30)

    def test_an_optional_one_may_be_missing(self, tmp_path: Path) -> None:
        auth = BY_HEADER.model_copy(update={"is_optional": True})
        channel = make_channel(URL)
        assert Secrets(auth, {}).sign(channel, URL) == (URL, {})
        assert Secrets(auth, {}).explain_missing(channel) is None

    def test_the_call_that_obtains_a_token_carries_none(self, tmp_path: Path) -> None:
        class Obtaining(DemoSpider):
            def opening(self, visit: CursorVisit) -> Iterator[Call]:
                yield Call("token", self.read_token, body={"app": "x"}, is_signed=False)

            def read_token(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
                self.secrets.give(visit.channel, answer.data["token"])
                yield from ()

        api = Api(hourly(1))
        api.says["token"] = {"token": "given-for-an-hour"}
        crawl(tmp_path, api, spider=Obtaining, job={"auth": BY_QUERY})
        first, second = api.asked[:2]
        assert (first.method, first.body, urlsplit(first.url).query) == (
            "POST",
            b'{"app": "x"}',
            "",
        )
        assert parse_qs(urlsplit(second.url).query)["token"] == ["given-for-an-hour"]

    def test_a_token_that_was_obtained_is_hidden_too(self) -> None:
        secrets, channel = Secrets(BY_QUERY), make_channel(URL)
        secrets.give(channel, "obtained-token")
        assert secrets.sign(channel, URL) == (f"{URL}?token=obtained-token", {})
        assert hide("see obtained-token") == "see [secret]"

    def test_the_job_names_the_variable_alone(self, tmp_path: Path) -> None:
        job = make_job(tmp_path, make_channel(URL), auth=BY_QUERY)
        written = job.model_dump_json()
        assert VARIABLE in written
        assert TOKEN not in written


class TestQuota:
    def allowance(self, folder: Path, at: datetime = END, units: int = 5) -> Allowance:
        quota = Quota(units_per_day=units, resets="America/Los_Angeles")
        return Allowance(quota, folder / "quota", "demo.KEY", lambda: at)

    def test_a_second_crawl_of_the_day_spends_what_is_left(self, tmp_path: Path) -> None:
        quota = Quota(units_per_day=5, resets="America/Los_Angeles")
        job = {"quota": quota, "quota_folder": tmp_path / "quota"}
        api = Api(hourly(8))
        first = crawl(tmp_path, api, job=job).end
        assert len(api.asked) == 5
        assert first.stop_reason is StopReason.BUDGET
        assert first.covered == Window(END - 2 * HOUR, END)
        assert "5 units of the day are spent; new ones from 2026-10-10T07:00Z" in str(first.detail)
        second = crawl(tmp_path, api, job=job).end
        assert (second.stop_reason, second.covered) == (StopReason.BUDGET, None)
        assert len(api.asked) == 5

    def test_the_day_is_the_platforms(self, tmp_path: Path) -> None:
        assert self.allowance(tmp_path).spend(5)
        assert not self.allowance(tmp_path).spend(1)
        assert self.allowance(tmp_path, END + 6 * HOUR).left() == 0
        assert self.allowance(tmp_path, END + 7 * HOUR).left() == 5

    def test_what_does_not_fit_is_not_spent(self, tmp_path: Path) -> None:
        allowance = self.allowance(tmp_path)
        assert allowance.spend(3)
        assert not allowance.spend(3)
        assert allowance.left() == 2

    def test_a_platform_that_says_spent_is_believed(self, tmp_path: Path) -> None:
        quota = Quota(units_per_day=500, resets="UTC")
        api = Api({})
        api.says["posts"] = {"error": {"kind": "spent", "says": "quotaExceeded"}}
        crawl(tmp_path, api, job={"quota": quota, "quota_folder": tmp_path})
        crawl(tmp_path, api, job={"quota": quota, "quota_folder": tmp_path})
        assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"ratelimit-remaining": "3", "ratelimit-reset": "9"}, 0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9"}, 9),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-10-10T00:00:40.000Z"}, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 0),
    ],
)
def test_reset_is_read_in_every_dialect(headers: dict[str, str], seconds: float) -> None:
    assert pause_until_reset(headers, END) == seconds


def test_keys_are_taken_ignored_or_told() -> None:
    data = {"id": 7, "a": {"b": 1, "c": {"d": 2}}, "e": None, "who": {"name": "canary"}, "f": []}
    record = JsonRecord(data, {"who"})
    assert (record.id("id"), record.take("a.b"), record.take("x.y")) == ("7", 1, None)
    assert record.unread == {"a.c", "e", "f"}
    assert record.raw == {k: v for k, v in data.items() if k != "who"}
    with pytest.raises(ParsingFailedError, match="expected a JSON object, found list"):
        JsonRecord([])
    with pytest.raises(ParsingFailedError, match="a: expected text"):
        record.text("a")


def test_refusals_that_explain_themselves_reach_the_spider() -> None:
    def reads(body: str, status: int, *, is_asked: bool = True) -> bool:
        spider_reads = {"is_answer": lambda r: r.body.startswith(b"{")} if is_asked else {}
        request = Request(URL, meta=spider_reads)
        response = TextResponse(URL, status=status, body=body, encoding="utf-8")
        crawler = FakeCrawler()
        refusals, patience = Refusals(crawler), Patience(crawler)  # type: ignore[arg-type]
        try:
            return refusals.process_response(request, response) is response and bool(
                drive(patience.process_response(request, response)) is response
            )
        except Exception:
            return False

    assert reads("{}", 403)
    assert reads("{}", 429)
    assert reads("{}", 500)
    assert not reads("<html>", 403)
    assert not reads("{}", 403, is_asked=False)


class FakeCrawler:
    """As much of a crawler as the middlewares ask."""

    class settings:  # noqa: N801
        getint = getfloat = get = staticmethod(lambda _, default=None: default)


def drive(awaitable: Any) -> Any:
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")
