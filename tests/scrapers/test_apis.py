"""Bluesky, Mastodon and Weibo's API: golden answers, and the town's places visited day by day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.cast import OFFICIAL
from demo.sites import bluesky, mastodon, weibo_api, youtube
from lake import StopReason
from lake.redact import redact
from scrapers.access.calls import Answer, Call, Listed, Page, Trouble
from scrapers.access.cursor import CursorSpider, CursorVisit
from scrapers.parsers import bluesky as bluesky_parser
from scrapers.parsers import mastodon as mastodon_parser
from scrapers.parsers import weibo as weibo_parser
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.bluesky import BlueskySpider
from scrapers.spiders.mastodon import MastodonSpider
from scrapers.spiders.weibo_api import WeiboApiSpider
from scrapers.spiders.youtube import YoutubeSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import Page as Page200
from tests.scrapers.stage import make_channel, make_job, play_with
from tests.scrapers.townhall import ENVIRONMENT, Townhall, make_posts, place_of, told_town

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = (
    *("id", "idstr", "did", "uri", "feed", "post", "record", "cursor", "author", "thread", "reply"),
    *("statuses", "comments", "status", "user", "created_at", "next_cursor", "total_number"),
    *("account", "content", "descendants", "error", "error_code", "reason", "text", "createdAt"),
)


@dataclass(frozen=True)
class Kind:
    """One source: its spider, its site, and an address of a channel."""

    spider: type[CursorSpider]
    site: ModuleType
    address: str

    @property
    def name(self) -> str:
        return self.spider.name


KINDS = {
    "bluesky": Kind(BlueskySpider, bluesky, "demo-tea.bsky.example"),
    "mastodon": Kind(MastodonSpider, mastodon, "https://social.example.tw/tags/開箱"),
    "weibo_api": Kind(WeiboApiSpider, weibo_api, "7000000009"),
}
ANSWERS = [
    ("bluesky", "profile", "read_profile"),
    ("bluesky", "feed", "read_feed"),
    ("bluesky", "thread", "read_thread"),
    ("mastodon", "account", "read_account"),
    ("mastodon", "statuses", "read_statuses"),
    ("mastodon", "context", "read_context"),
    ("weibo_api", "user", "read_user"),
    ("weibo_api", "user_timeline", "read_statuses"),
    ("weibo_api", "comments_timeline", "read_comments"),
]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def make_spider(kind: Kind, folder: Path) -> tuple[CursorSpider, CursorVisit]:
    source = load_source(kind.name)
    base = source.base_url or "https://social.example.tw"
    channel = make_channel(
        f"{base}/x",
        address=kind.address,
        start=datetime(2026, 10, 1, tzinfo=UTC),
        end=FIRST + 90 * DAY,
    )
    job = make_job(
        folder, channel, source=kind.name, base_url=base, permalink_base=source.permalink_base
    )
    visit = CursorVisit(channel, {})
    visit.facts["did"] = "did:plc:ownbrand22222222222222222"
    return kind.spider(job), visit


def read(name: str, file: str) -> Any:
    return json.loads((FIXTURES / name / f"{file}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "file", "reader"), ANSWERS, ids=lambda x: x)
def test_an_answer_reads_as_golden(name: str, file: str, reader: str, tmp_path: Path) -> None:
    spider, visit = make_spider(KINDS[name], tmp_path)
    call = Call("x", lambda *_: iter(()), root="115300000000000009")
    answer = Answer(read(name, file), call, {"link": '<https://x.tw/a?max_id=7>; rel="next"'})
    steps = list(getattr(spider, reader)(answer, visit))
    ignored = set(load_source(name).ignored_keys)
    shown = [plain for step in steps for plain in _plain(step, ignored)]
    assert all("canary" not in redact(row.get("raw") or {}) for row in shown)
    compare(FIXTURES / name / f"{file}.golden.json", shown)


def _plain(step: Any, ignored: set[str]) -> list[Any]:
    if isinstance(step, Page):
        after = {"path": step.next.path, "query": dict(step.next.query)} if step.next else None
        rows = [row for listed in step.listed for row in _plain(listed, ignored)]
        return [*rows, {"next": after, "is_capped": step.is_capped}]
    if isinstance(step, Listed):
        under = [{"path": call.path, "query": dict(call.query)} for call in step.under]
        (row,) = _plain(step.record, ignored)
        return [row | {"under": under, "is_pinned": step.is_pinned}]
    if not isinstance(step, Record):
        return [{"step": type(step).__name__}]
    raw = json.loads(json.dumps(dict(step.raw)))
    person = {"author": getattr(step, "author", None)}
    return [step.row() | person | {"raw": raw, "unread": step.unread - ignored}]


def make_hall(kind: Kind, folder: Path, **more: Any) -> Townhall:
    place = place_of(kind.name)
    posts = make_posts(place, FIRST, 5)
    return Townhall(
        folder, place, posts, kind.site.open_site, kind.spider, kind.site.native_id, **more
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_town_is_landed_exactly_as_it_stands_every_day(name: str, tmp_path: Path) -> None:
    hall = make_hall(KINDS[name], tmp_path)
    for day in range(1, 8):
        now = FIRST + DAY * day
        end = hall.visit(now).end
        hall.assert_agrees(now)
        assert end.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)
        assert end.covered is not None
        assert set(hall.landed()) <= hall.served
    rows = hall.lake.read("posts").to_pylist()
    assert sum(row["is_deleted"] for row in rows) >= 5
    assert len(rows) > len({row["post_id"] for row in rows})


@pytest.mark.parametrize("name", [*KINDS, "youtube"])
def test_the_posts_that_the_town_tells_are_landed(name: str, tmp_path: Path) -> None:
    kind, town = KINDS.get(name) or Kind(YoutubeSpider, youtube, ""), told_town()
    place = place_of(name)
    posts = [post for post in town.posts if post.place is place]
    hall = Townhall(tmp_path, place, posts, kind.site.open_site, kind.spider, kind.site.native_id)
    now = town.closes_at.astimezone(UTC)
    for back in (10, 0):
        hall.visit(now - back * DAY, since=now - 40 * DAY)
        hall.assert_agrees(now - back * DAY)
    assert hall.landed()


@pytest.mark.parametrize("name", ["bluesky", "weibo_api"])
def test_the_audience_is_told(name: str, tmp_path: Path) -> None:
    hall = make_hall(KINDS[name], tmp_path)
    now = FIRST + 2 * DAY
    hall.visit(now)
    (row,) = hall.audience()
    assert row["fan_count"] == hall.room.fans_at(hall.place, int(now.timestamp()))
    assert (row["title"], row["fan_count_how"]) == (hall.place.title, "exact")


@pytest.mark.parametrize("name", KINDS)
def test_every_counter_that_is_landed_has_a_meaning(name: str, tmp_path: Path) -> None:
    hall = make_hall(KINDS[name], tmp_path)
    hall.visit(FIRST + DAY)
    rows = [*hall.lake.read("posts").to_pylist(), *hall.audience()]
    named = {counter["name"] for row in rows for counter in row["counters"] or ()}
    assert named
    assert named <= set(load_source(name).counters)


@pytest.mark.parametrize("name", ["mastodon", "weibo_api"])
def test_a_wrong_token_is_told_and_never_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = load_source(name).auth.variable  # type: ignore[union-attr]
    monkeypatch.setenv(variable, "a-wrong-secret-token")
    hall = make_hall(KINDS[name], tmp_path)
    end = hall.visit(FIRST + DAY).end
    assert end.stop_reason is StopReason.BLOCKED
    assert variable in str(end.detail)
    assert "docs/runbook.md#token-expired" in str(end.detail)
    assert "a-wrong-secret" not in str(hall.lake.ledger().to_pylist())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("\x00\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", KINDS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answers=st.lists(JSON, min_size=1, max_size=4))
def test_row_22_any_answer_ends_the_channel_in_words(
    name: str, answers: list[Any], tmp_path: Path
) -> None:
    spider, _ = make_spider(KINDS[name], tmp_path)
    turns = iter(range(10**6))
    pages = [Page200(json.dumps(answer)) for answer in answers]
    played = play_with(spider, lambda _: pages[next(turns) % len(pages)])
    assert played.end.stop_reason is not StopReason.REACHED_WATERMARK
    assert "Traceback" not in str(played.end.detail)


class TestBluesky:
    def test_facets_count_in_bytes(self) -> None:
        text = "新手機 #開箱 👍"
        facet = {"index": {"byteStart": 10, "byteEnd": 17}}
        assert bluesky_parser.shown(text, facet) == "#開箱"

    def test_no_name_of_an_author_is_in_an_id_or_a_link(self, tmp_path: Path) -> None:
        hall = make_hall(KINDS["bluesky"], tmp_path)
        hall.visit(FIRST + 2 * DAY)
        people = {hall.room.name_of(post) for post in hall.posts if post.author != OFFICIAL}
        said = str(hall.lake.read("posts").to_pylist())
        assert not any(did in said for did in people)

    def test_an_account_is_followed_by_its_handle(self, tmp_path: Path) -> None:
        hall = make_hall(KINDS["bluesky"], tmp_path)
        channel = hall.config.channels[0].model_copy(update={"address": "teatown.example"})
        hall.config = hall.config.model_copy(update={"channels": (channel,)})
        now = FIRST + 2 * DAY
        hall.visit(now)
        at = int(now.timestamp())
        own = {
            hall.name_of_post(p): p
            for p in hall.posts
            if p.author == OFFICIAL and p.exists_at(at) and p.at < at
        }
        assert set(own) <= set(hall.landed())
        assert all(hall.landed()[i]["url"].startswith("https://bsky.app/profile/") for i in own)

    def test_a_thread_nests_as_deep_as_it_likes(self) -> None:
        thread: dict[str, Any] = {"post": {"uri": "x"}}
        for _ in range(5000):
            thread = {"post": {"uri": "x"}, "replies": [thread]}
        assert len(list(bluesky_parser.replies(thread))) == 5000

    @pytest.mark.parametrize(
        ("body", "status", "kind"),
        [
            ({"error": "InvalidRequest", "message": "Profile not found"}, 400, Trouble.GONE),
            ({"error": "AuthMissing", "message": "Authentication Required"}, 401, Trouble.EXPIRED),
            ({"error": "RateLimitExceeded"}, 429, Trouble.LIMITED),
            ({"error": "UpstreamFailure"}, 502, Trouble.TRANSIENT),
            ("Request forbidden by administrative rules.", 403, Trouble.REFUSED),
        ],
    )
    def test_errors(self, body: Any, status: int, kind: Trouble, tmp_path: Path) -> None:
        spider, _ = make_spider(KINDS["bluesky"], tmp_path)
        problem = spider.find_error(body, _Answered(status))  # type: ignore[arg-type]
        assert problem is not None
        assert problem.kind is kind


@dataclass
class _Answered:
    status: int


class TestMastodon:
    @pytest.mark.parametrize(
        ("account", "is_shy"),
        [
            ({"noindex": True}, True),
            ({"indexable": False}, True),
            ({"note": '<p><a href="x">#<span>NoBot</span></a></p>'}, True),
            ({"note": "robots are fine", "indexable": True, "noindex": False}, False),
            ({}, False),
        ],
    )
    def test_who_asks_robots_to_stay_away_is_left_out(
        self, account: dict[str, Any], is_shy: bool
    ) -> None:
        assert mastodon_parser.shuns_robots(account) is is_shy

    def test_a_thread_that_is_cut_short_buries_nobody(self, tmp_path: Path) -> None:
        spider, visit = make_spider(KINDS["mastodon"], tmp_path)
        (status, *_) = read("mastodon", "statuses")
        below = [{**status, "id": str(n), "in_reply_to_id": "1"} for n in range(60)]
        call = Call("x", lambda *_: iter(()), root="1")
        list(spider.read_context(Answer({"descendants": below}, call), visit))  # type: ignore[attr-defined]
        assert visit.unsure == {"1"}

    def test_an_address_names_its_instance(self, tmp_path: Path) -> None:
        spider, visit = make_spider(KINDS["mastodon"], tmp_path)
        assert spider.base(visit) == "https://social.example.tw"
        list(spider.opening(visit))
        call = spider.timeline(visit, visit.channel_window())
        assert call is not None
        assert call.path == "api/v1/timelines/tag/%E9%96%8B%E7%AE%B1"


class TestWeibo:
    def test_a_status_has_a_short_id(self) -> None:
        assert weibo_parser.short_id("3501756485200075") == "z0JH2lOMb"

    def test_an_error_comes_with_http_200(self, tmp_path: Path) -> None:
        problem = weibo_parser.read_error(read("weibo_api", "error_expired"))
        assert problem is not None
        assert (problem.kind, problem.code) == (Trouble.EXPIRED, "21327")

    def test_a_list_that_ends_before_its_total_is_capped(self, tmp_path: Path) -> None:
        hall = make_hall(KINDS["weibo_api"], tmp_path)
        hall.site.statuses_shown = 4  # type: ignore[attr-defined]
        end = hall.visit(FIRST + 6 * DAY, since=FIRST).end
        assert end.stop_reason is StopReason.CAP
        assert end.covered is not None
        assert end.covered.start > FIRST
        assert "it shows 4 posts of" in str(end.detail)

    def test_a_rate_limit_ends_the_crawl_and_keeps_what_came(self, tmp_path: Path) -> None:
        hall = make_hall(KINDS["weibo_api"], tmp_path)
        hall.site.calls_per_day = 4  # type: ignore[attr-defined]
        end = hall.visit(FIRST + 3 * DAY).end
        assert end.stop_reason is StopReason.BUDGET
        assert "10023" in str(end.detail)
        assert hall.landed()

    def test_the_days_calls_are_counted(self, tmp_path: Path) -> None:
        hall = make_hall(KINDS["weibo_api"], tmp_path, override={"units_per_day": 3})
        assert hall.visit(FIRST + 3 * DAY).end.stop_reason is StopReason.BUDGET
        assert len(hall.requests) == 3
        hall.visit(FIRST + 3 * DAY, run="again")
        assert hall.requests == []
