"""Facebook pages, Instagram and Threads: golden answers, and the town's places day by day."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from scrapy.http import TextResponse

from demo import faults
from demo.graph import answer_error, refuse
from demo.sites import Ask, Site, facebook_page, instagram, threads
from lake import StopReason
from lake.redact import redact
from scrapers.access.calls import Answer, Call, Listed, Page, Trouble
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider, Question
from scrapers.access.metrics import RefusedMetrics
from scrapers.capabilities import KPIS, capabilities_of, judge
from scrapers.parsers import graph
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.facebook_page import FacebookPageSpider
from scrapers.spiders.instagram import InstagramSpider
from scrapers.spiders.threads import ThreadsSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import make_channel, make_job
from tests.scrapers.townhall import ENVIRONMENT, Townhall, make_posts, place_of, told_town

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
A_DAYS_END = datetime(2026, 10, 8, 7, tzinfo=UTC)  # in Pacific summer time
SECRET = "a-secret-of-the-page-001"


@dataclass(frozen=True)
class Kind:
    """One source: its spider, its site, an address, and what each saved answer is read by."""

    spider: type[GraphSpider]
    site: ModuleType
    address: str
    readers: dict[str, str] = field(default_factory=dict)
    given: dict[str, dict[str, Any]] = field(default_factory=dict)  # what a reader is told besides
    day_prefix: str = ""  # of the counters of a day

    @property
    def name(self) -> str:
        return self.spider.name

    @property
    def variable(self) -> str:
        return load_source(self.name).auth.variable  # type: ignore[union-attr]


KINDS = {
    "facebook_page": Kind(
        FacebookPageSpider,
        facebook_page,
        "108800000000009",
        {
            "page": "read_page",
            "published_posts": "read_posts",
            "comments": "read_comments",
            "page_insights": "read_days",
        },
    ),
    "instagram": Kind(
        InstagramSpider,
        instagram,
        "17841400000000009",
        {
            "account": "read_account",
            "media": "read_posts",
            "comments": "read_comments",
            "account_totals": "read_days",
            "new_followers": "read_days",
        },
        {"account_totals": {"at": A_DAYS_END, "prefix": "account."}},
        day_prefix="account.",
    ),
    "threads": Kind(
        ThreadsSpider,
        threads,
        "9000000000000009",
        {
            "account": "read_account",
            "posts": "read_posts",
            "conversation": "read_comments",
            "account_totals": "read_days",
        },
        {"account_totals": {"at": A_DAYS_END, "prefix": "account."}},
        day_prefix="account.",
    ),
}
ANSWERS = [(name, file) for name, kind in KINDS.items() for file in kind.readers]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def make_spider(kind: Kind, folder: Path) -> tuple[GraphSpider, CursorVisit]:
    source = load_source(kind.name)
    channel = make_channel(
        f"{source.base_url}/x", address=kind.address, start=datetime(2026, 10, 1, tzinfo=UTC)
    )
    job = make_job(
        folder,
        channel,
        source=kind.name,
        base_url=source.base_url,
        permalink_base=source.permalink_base,
        auth=source.auth,
        quota_folder=folder / "quota",
        now=NOW,
    )
    return kind.spider(job), CursorVisit(channel, {})


def make_hall(name: str, folder: Path, days: int = 5, **more: Any) -> Townhall:
    kind = KINDS[name]
    place = place_of(name)
    posts = make_posts(place, FIRST, days)
    return Townhall(
        folder, place, posts, kind.site.open_site, kind.spider, kind.site.native_id, **more
    )


@pytest.mark.parametrize(("name", "file"), ANSWERS, ids=lambda x: x)
def test_an_answer_reads_as_golden(name: str, file: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    spider, visit = make_spider(kind, tmp_path)
    data = read_fixture(name, file)
    call = Call("x", lambda *_: iter(()), {"limit": 100}, root="900000000000011")
    read = getattr(spider, kind.readers[file])
    steps = list(read(Answer(data, call), visit, **kind.given.get(file, {})))
    ignored = set(load_source(name).ignored_keys)
    shown = [plain for step in steps for plain in _plain(step, visit, ignored)]
    shown += [plain for one in spider.land_days(visit) for plain in _plain(one, visit, ignored)]
    assert all("canary" not in redact(row.get("raw") or {}) for row in shown)
    compare(FIXTURES / name / f"{file}.golden.json", shown)


def test_metrics_in_place_of_comments_land_nothing(tmp_path: Path) -> None:
    spider, visit = make_spider(KINDS["facebook_page"], tmp_path)
    metric = {"id": "1_2/insights/post_clicks/lifetime", "name": "post_clicks", "values": []}
    answer = Answer({"data": [metric]}, Call("x", lambda *_: iter(()), root="1_2"))
    (refused,) = spider.read_comments(answer, visit)  # type: ignore[attr-defined]
    assert (refused.rule, refused.record_id) == ("missing_key", metric["id"])


def _plain(step: Any, visit: CursorVisit, ignored: set[str]) -> list[Any]:
    if callable(step) and not isinstance(step, Call):
        return [plain for one in step(visit) for plain in _plain(one, visit, ignored)]
    if isinstance(step, Page):
        after = {"path": step.next.path, "query": dict(step.next.query)} if step.next else None
        rows = [row for listed in step.listed for row in _plain(listed, visit, ignored)]
        return [*rows, {"next": after}]
    if isinstance(step, Listed):
        under = [row for call in step.under for row in _plain(call, visit, ignored)]
        (row,) = _plain(step.record, visit, ignored)
        return [row | {"under": under}]
    if isinstance(step, Call):
        return [{"path": step.path, "query": dict(step.query), "root": step.root}]
    if not isinstance(step, Record):
        return [{"step": type(step).__name__, "reason": step.reason}]
    raw = json.loads(json.dumps(dict(step.raw)))
    person = {"author": getattr(step, "author", None)}
    return [step.row() | person | {"raw": raw, "unread": step.unread - ignored}]


@pytest.mark.parametrize("name", KINDS)
def test_the_town_is_landed_exactly_as_it_stands_every_day(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    for day in range(1, 8):
        now = FIRST + DAY * day
        end = hall.visit(now).end
        hall.assert_agrees(now)
        assert end.stop_reason is StopReason.EXHAUSTED, end
        assert end.covered is not None
        assert set(hall.landed()) <= hall.served
    rows = hall.lake.read("posts").to_pylist()
    assert sum(row["is_deleted"] for row in rows) >= 5
    assert len(rows) > len({row["post_id"] for row in rows})
    assert hall.lake.read("quarantine").num_rows == 0


@pytest.mark.parametrize("name", KINDS)
def test_the_posts_that_the_town_tells_are_landed(name: str, tmp_path: Path) -> None:
    kind, town, place = KINDS[name], told_town(), place_of(name)
    posts = [post for post in town.posts if post.place is place]
    hall = Townhall(tmp_path, place, posts, kind.site.open_site, kind.spider, kind.site.native_id)
    now = town.closes_at.astimezone(UTC)
    for back in (10, 0):
        hall.visit(now - back * DAY, since=now - 40 * DAY)
        hall.assert_agrees(now - back * DAY)
    assert hall.landed()
    official = hall.key(name, place.official)
    assert {row["author_key"] for row in hall.landed().values() if not row["parent_id"]} == {
        official
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_audience_is_a_snapshot_and_day_values_are_none(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    now = FIRST + 2 * DAY
    hall.visit(now)
    *days, row = sorted(hall.audience(), key=lambda row: row["observed_at"])
    assert row["observed_at"] == now
    assert row["fan_count"] == hall.room.fans_at(hall.place, int(now.timestamp()))
    assert (row["title"], row["fan_count_how"]) == (hall.place.title, "exact")
    assert days
    for day in days:
        assert day["fan_count"] is None
        assert (day["observed_at"].hour, day["observed_at"].minute) == (7, 0)


@pytest.mark.parametrize("name", KINDS)
def test_every_counter_that_is_landed_has_a_meaning(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    hall.visit(FIRST + 2 * DAY)
    rows = [*hall.lake.read("posts").to_pylist(), *hall.audience()]
    named = {counter["name"] for row in rows for counter in row["counters"] or ()}
    assert named == set(load_source(name).counters)


@pytest.mark.parametrize("name", KINDS)
def test_a_wrong_token_is_told_and_never_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = KINDS[name].variable
    monkeypatch.setenv(variable, "a-wrong-secret-token")
    hall = make_hall(name, tmp_path)
    end = hall.visit(FIRST + DAY).end
    assert end.stop_reason is StopReason.BLOCKED
    assert variable in str(end.detail)
    assert "docs/runbook.md#token-expired" in str(end.detail)
    assert "a-wrong-secret" not in str(hall.lake.ledger().to_pylist())


@pytest.mark.parametrize("name", KINDS)
def test_the_token_stands_nowhere_though_the_platform_repeats_it(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hall = make_hall(name, tmp_path)
    token = ENVIRONMENT[KINDS[name].variable]
    with caplog.at_level("DEBUG"):
        played = hall.visit(FIRST + 4 * DAY, since=FIRST)
    assert any("after=" in request.url for request in hall.requests)
    assert all(token not in request.url for request in hall.requests)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    rows = [
        hall.lake.read(table).to_pylist() for table in ("posts", "channels", "crawls", "quarantine")
    ]
    assert token not in f"{caplog.text}{rows}{played.items}"
    assert all(token.encode() not in file for file in files)


@pytest.mark.parametrize("name", KINDS)
def test_pages_may_be_blank_and_name_a_next_one(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path, days=3)
    hall.site.moods.page = 1  # type: ignore[attr-defined]
    now = FIRST + 3 * DAY
    assert hall.visit(now, since=FIRST).end.stop_reason is StopReason.EXHAUSTED
    hall.assert_agrees(now)


@pytest.mark.parametrize("name", KINDS)
def test_too_much_data_is_asked_for_in_smaller_pages(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    hall.site.moods.most = 9  # type: ignore[attr-defined]
    now = FIRST + 3 * DAY
    assert hall.visit(now, since=FIRST).end.stop_reason is StopReason.EXHAUSTED
    hall.assert_agrees(now)


@pytest.mark.parametrize("name", KINDS)
def test_one_metric_that_is_gone_costs_no_other_and_is_remembered(
    name: str, tmp_path: Path
) -> None:
    hall = make_hall(name, tmp_path)
    (gone, *_) = KINDS[name].spider.day_metrics
    hall.site.moods.dead_metrics.add(gone)  # type: ignore[attr-defined]
    end = hall.visit(FIRST + 2 * DAY).end
    assert end.stop_reason is StopReason.EXHAUSTED
    assert f"{gone} is refused: 100" in str(end.detail)
    assert "docs/runbook.md#metric-refused" in str(end.detail)
    named = {c["name"] for row in hall.audience() for c in row["counters"]}
    prefix = KINDS[name].day_prefix
    assert f"{prefix}{gone}" not in named
    assert {f"{prefix}{metric}" for metric in KINDS[name].spider.day_metrics[1:]} <= {
        name.partition(".")[0] if not prefix else name for name in named
    }
    end = hall.visit(FIRST + 3 * DAY).end
    assert "not asked for" in str(end.detail)
    assert not any(_asks_for(request.url, gone) for request in hall.requests)
    hall.visit(FIRST + 40 * DAY)
    assert any(_asks_for(request.url, gone) for request in hall.requests)


def _asks_for(url: str, metric: str) -> bool:
    return metric in url.replace("%2C", ",").partition("metric=")[2].split("&")[0].split(",")


@pytest.mark.parametrize("name", KINDS)
def test_no_metric_is_asked_for_that_the_platform_removed(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    end = hall.visit(FIRST + 3 * DAY).end
    assert "refused" not in str(end.detail)
    assert "left out" not in str(end.detail)


@pytest.mark.parametrize("name", KINDS)
def test_a_limit_that_the_headers_tell_is_obeyed(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    hall.site.moods.usage, hall.site.moods.regain_minutes = 100, 20  # type: ignore[attr-defined]
    end = hall.visit(FIRST + 3 * DAY).end
    assert end.stop_reason is StopReason.BUDGET
    assert len(hall.requests) == 1
    assert f"{FIRST + 3 * DAY + timedelta(minutes=20):%Y-%m-%dT%H:%MZ}" in str(end.detail)
    hall.site.moods.usage, hall.site.moods.regain_minutes = 3, 0  # type: ignore[attr-defined]
    now = FIRST + 4 * DAY
    hall.visit(now)
    hall.assert_agrees(now)


@pytest.mark.parametrize("name", KINDS)
def test_a_platform_that_limits_us_is_left_alone(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    limited = refuse(4, "Application request limit reached", 400)
    hall.site.moods.error, hall.site.moods.regain_minutes = limited, 9  # type: ignore[attr-defined]
    end = hall.visit(FIRST + 3 * DAY).end
    assert end.stop_reason is StopReason.BUDGET
    assert "docs/runbook.md#rate-limited" in str(end.detail)
    assert len(hall.requests) == 1


@dataclass
class Unlucky:
    """A site that answers as it should, and from a request on something else."""

    site: Site
    after: int
    spoil: Callable[[faults.Answer], faults.Answer]
    asked: int = 0

    def answer(self, ask: Ask, now: int) -> faults.Answer:
        self.asked += 1
        answer = self.site.answer(ask, now)
        return self.spoil(answer) if self.asked > self.after else answer


@dataclass
class NoInsights:
    """A site that fails at what posts came to, as Threads does at a metric it does not know."""

    site: Site

    def answer(self, ask: Ask, now: int) -> faults.Answer:
        answer = self.site.answer(ask, now)
        if not ask.path.endswith("/insights") or "since" in ask.query:
            return answer
        return answer_error(refuse(1, "An unknown error has occurred", 500))


@pytest.mark.parametrize("name", KINDS)
def test_an_answer_that_breaks_off_ends_the_crawl_and_the_next_one_makes_up_for_it(
    name: str, tmp_path: Path
) -> None:
    hall = make_hall(name, tmp_path)
    site = hall.site
    hall.site = Unlucky(site, 20, lambda answer: replace(answer, body=answer.body[:-9]))
    now = FIRST + 3 * DAY
    end = hall.visit(now, since=FIRST).end
    assert end.stop_reason is StopReason.ERROR
    assert "expected JSON, found HTTP 200" in str(end.detail)
    assert end.covered is None or end.covered.start > FIRST
    hall.site = site
    hall.visit(now + DAY, since=FIRST)
    hall.assert_agrees(now + DAY)
    assert [window.start for window in hall.lake.covered(name, hall.place.id)] == [FIRST]


@pytest.mark.parametrize("name", KINDS)
def test_a_token_that_expires_under_way_loses_nothing(name: str, tmp_path: Path) -> None:
    expired = answer_error(refuse(190, "Error validating access token", 401, subcode=463))
    hall = make_hall(name, tmp_path)
    site = hall.site
    hall.site = Unlucky(site, 20, lambda _: expired)
    end = hall.visit(FIRST + 3 * DAY, since=FIRST).end
    assert end.stop_reason is StopReason.BLOCKED
    assert KINDS[name].variable in str(end.detail)
    assert "190/463" in str(end.detail)
    hall.site = site
    hall.visit(FIRST + 4 * DAY, since=FIRST)
    hall.assert_agrees(FIRST + 4 * DAY)


@pytest.mark.parametrize("name", KINDS)
def test_insights_that_fail_however_often_they_are_asked_for_cost_no_post(
    name: str, tmp_path: Path
) -> None:
    hall = make_hall(name, tmp_path, days=2)
    site = hall.site
    hall.site = NoInsights(site)
    now = FIRST + 2 * DAY
    end = hall.visit(now).end
    assert end.stop_reason is StopReason.EXHAUSTED
    assert "left out 1 times, the last: 1: (#1) An unknown error has occurred" in str(end.detail)
    hall.assert_agrees(now)
    asked = [r for r in hall.requests if "/insights" in r.url and hall.place.address not in r.url]
    kinds = {r.url.partition("metric=")[2] for r in asked}
    assert len(asked) == len(kinds) * 4  # once, and three times more
    hall.site = site
    assert not hall.visit(now + DAY).end.detail  # nothing was remembered against a metric


@pytest.mark.parametrize("name", KINDS)
def test_a_backfill_asks_for_no_more_time_than_the_platform_tells(
    name: str, tmp_path: Path
) -> None:
    hall = make_hall(name, tmp_path, days=2)
    end = hall.visit(FIRST + 2 * DAY, since=FIRST - 118 * DAY).end
    assert end.stop_reason is StopReason.EXHAUSTED
    assert "refused" not in str(end.detail)
    assert "left out" not in str(end.detail)
    assert end.covered is not None
    assert end.covered.start == FIRST - 118 * DAY
    spans = [span for request in hall.requests if (span := _span(request.url))]
    assert max(until - since for since, until in spans) <= KINDS[name].spider.longest_span
    kept = KINDS[name].spider.days_kept
    oldest = FIRST - 118 * DAY - KINDS[name].spider.late_days * DAY
    assert min(spans)[0] >= max(
        oldest - DAY, FIRST + 2 * DAY - kept - DAY if kept else oldest - DAY
    )
    ends = {row["observed_at"] for row in hall.audience() if row["fan_count"] is None}
    assert len(ends) >= min(118, kept.days if kept else 118) - 1


def _span(url: str) -> tuple[datetime, datetime] | None:
    """From when to when a question for insights asks; None for other requests."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if not parts.path.endswith("insights") or "since" not in query:
        return None
    return tuple(datetime.fromtimestamp(int(query[k]), UTC) for k in ("since", "until"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("number", "subcode", "message", "kind"),
    [
        (1, None, "Please reduce the amount of data you're asking for", Trouble.TOO_MUCH),
        (1, None, "An unknown error occurred", Trouble.TRANSIENT),
        (2, None, "Service temporarily unavailable", Trouble.TRANSIENT),
        (4, None, "Application request limit reached", Trouble.LIMITED),
        (32, None, "Page request limit reached", Trouble.LIMITED),
        (80001, None, "There have been too many calls to this Page account", Trouble.LIMITED),
        (10, None, "This endpoint requires the 'pages_read_engagement'", Trouble.REFUSED),
        (200, None, "Requires read_insights permission", Trouble.REFUSED),
        (100, None, "The value must be a valid insights metric", Trouble.REFUSED),
        (100, 33, "Object with ID '1' does not exist", Trouble.GONE),
        (102, None, "Session key invalid", Trouble.EXPIRED),
        (190, 463, "Session has expired", Trouble.EXPIRED),
        (368, None, "The action attempted has been deemed abusive", Trouble.REFUSED),
    ],
)
def test_errors_say_what_follows(
    number: int, subcode: int | None, message: str, kind: Trouble
) -> None:
    error = {"message": f"(#{number}) {message}", "code": number, "fbtrace_id": "A"}
    problem = graph.read_error(
        {"error": error | ({"error_subcode": subcode} if subcode else {})}, {}
    )
    assert problem is not None
    assert problem.kind is kind
    assert graph.is_of_a_metric(problem) is ("metric" in message)


def test_usage_is_read_from_each_header() -> None:
    case = '{"1":[{"type":"pages","call_count":80,"estimated_time_to_regain_access":0}]}'
    late = '{"1":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":7}]}'
    assert graph.pause({}) == 0
    assert graph.pause({"x-app-usage": '{"call_count":28,"total_time":25}'}) == 0
    assert graph.pause({"x-page-usage": '{"call_count":76}'}) == 30
    assert graph.pause({"x-business-use-case-usage": case}) == 30
    assert graph.pause({"x-business-use-case-usage": late}) == 420
    assert graph.pause({"x-app-usage": '{"call_count":100}'}) == 3600
    assert graph.pause({"x-app-usage": "[", "x-page-usage": "[1]"}) == 0


def test_a_refused_metric_is_tried_again_after_a_month(tmp_path: Path) -> None:
    path, today = tmp_path / "quota" / "x.json", FIRST.date()
    RefusedMetrics(path, today).add("page", "page_fans", "(#100) no metric")
    assert RefusedMetrics(path, today + 29 * DAY).among("page", ["page_fans", "x"]) == ["page_fans"]
    assert RefusedMetrics(path, today + 30 * DAY).among("page", ["page_fans"]) == []
    path.write_text('{"page.page_fans": 7', encoding="utf-8")
    assert RefusedMetrics(path, today).among("page", ["page_fans"]) == []


def test_a_question_is_halved_until_the_bad_metric_stands_alone(tmp_path: Path) -> None:
    spider, visit = make_spider(KINDS["facebook_page"], tmp_path)
    (question,) = spider.question(visit, "x", "page", list("abcd"), lambda *_: iter(()))
    problem = graph.read_error(
        {"error": {"code": 100, "message": "(#100) must be a valid insights metric"}}, {}
    )
    assert problem is not None
    left, right = list(spider.rescue(visit, question, problem) or ())
    assert isinstance(left, Question)
    assert (left.query["metric"], right.query["metric"]) == ("a,b", "c,d")


class TestFacebook:
    def test_nobody_is_named_without_the_permission(self, tmp_path: Path) -> None:
        hall = make_hall("facebook_page", tmp_path)
        hall.site.moods.is_nobody_named = True  # type: ignore[attr-defined]
        hall.visit(FIRST + 2 * DAY)
        replies = [row for row in hall.landed().values() if row["parent_id"]]
        assert replies
        assert {row["author_key"] for row in replies} == {None}

    def test_the_version_is_a_setting(self, tmp_path: Path) -> None:
        hall = make_hall("facebook_page", tmp_path, options={"api_version": "v26.0"})
        hall.visit(FIRST + DAY)
        assert all("/facebook_page/v26.0/" in request.url for request in hall.requests)

    def test_comments_that_may_not_be_read_cost_no_post_and_bury_nobody(
        self, tmp_path: Path
    ) -> None:
        spider, visit = make_spider(KINDS["facebook_page"], tmp_path)
        call = Call("1_2/comments", lambda *_: iter(()), root="1_2")
        error = {"code": 200, "message": "(#200) Requires pages_read_user_content"}
        problem = graph.read_error({"error": error}, {})
        assert problem is not None
        assert list(spider.rescue(visit, call, problem) or ()) == []
        assert visit.unsure == {"1_2"}
        spider.lanes.clear()
        spider.lanes[visit.channel.host] = deque()
        (end,) = spider.finish(visit, StopReason.EXHAUSTED)
        assert "comments left out 1 times, the last: 200" in str(end.detail)

    def test_an_error_page_is_no_answer(self, tmp_path: Path) -> None:
        spider, _ = make_spider(KINDS["facebook_page"], tmp_path)
        response = TextResponse("https://graph.facebook.com/v25.0/1", status=503, body=b"{}")
        problem = spider.find_error({}, response)
        assert problem is not None
        assert problem.kind is Trouble.TRANSIENT


class TestInstagram:
    def test_likes_that_the_account_hides_are_unknown_and_not_zero(self, tmp_path: Path) -> None:
        hall = make_hall("instagram", tmp_path, days=2)
        hall.site.hides_likes = True  # type: ignore[attr-defined]
        hall.visit(FIRST + 2 * DAY)
        roots = [row for row in hall.landed().values() if not row["parent_id"]]
        assert roots
        for row in roots:
            counters = {c["name"]: c for c in row["counters"]}
            assert (counters["like_count"]["lo"], counters["like_count"]["how"]) == (
                None,
                "missing",
            )
            assert counters["likes"]["lo"] is not None

    def test_each_product_is_asked_for_its_own_metrics(self, tmp_path: Path) -> None:
        hall = make_hall("instagram", tmp_path)
        hall.visit(FIRST + 5 * DAY, since=FIRST)
        told = {
            frozenset(c["name"] for c in row["counters"])
            for row in hall.landed().values()
            if not row["parent_id"]
        }
        assert {"profile_visits" in names for names in told} == {True, False}
        assert all(("profile_visits" in n) is not ("ig_reels_avg_watch_time" in n) for n in told)

    def test_a_product_that_nobody_knows_is_landed_and_named(self, tmp_path: Path) -> None:
        spider, visit = make_spider(KINDS["instagram"], tmp_path)
        data = read_fixture("instagram", "media")
        steps = list(spider.read_posts(Answer(data, Call("x", lambda *_: iter(()))), visit))
        assert len([step for step in steps if callable(step)]) == 3  # two products and the page
        assert visit.notes == ["insights of AD are not known and were not asked for"]

    def test_what_insights_tell_becomes_the_posts_counters(self, tmp_path: Path) -> None:
        spider, visit = make_spider(KINDS["instagram"], tmp_path)
        step = spider.post_insights("17900000000000011", "feed", ["reach", "views"])
        (question,) = step(visit)
        data = read_fixture("instagram", "media_insights")
        assert list(question.read(Answer(data, question), visit)) == []
        told = spider.counters_told(visit, "17900000000000011")
        assert {c["name"]: c["lo"] for c in told} == {"reach": 800, "views": 1200}

    def test_insights_that_are_not_there_yet_are_not_zero(self, tmp_path: Path) -> None:
        spider, visit = make_spider(KINDS["instagram"], tmp_path)
        (question,) = spider.post_insights("17900000000000011", "feed", ["reach"])(visit)
        list(question.read(Answer({"data": []}, question), visit))
        assert spider.counters_told(visit, "17900000000000011") == ()

    @pytest.mark.parametrize(
        ("number", "subcode", "message"),
        [
            (10, None, "(#10) Not enough viewers for the media to show insights"),
            (100, 2108006, "Media posted before business account conversion"),
        ],
    )
    def test_media_without_insights_is_landed_without_them(
        self, number: int, subcode: int | None, message: str, tmp_path: Path
    ) -> None:
        spider, visit = make_spider(KINDS["instagram"], tmp_path)
        (question,) = spider.post_insights("17900000000000011", "feed", ["reach", "likes"])(visit)
        error = {"code": number, "message": message, "error_subcode": subcode}
        problem = graph.read_error({"error": error}, {})
        assert problem is not None
        assert list(spider.rescue(visit, question, problem) or ()) == []
        assert "insights of feed" in visit.facts["left_out"]
        assert spider._metrics_refused(visit).among("feed", ["reach", "likes"]) == []

    def test_what_it_lets_anybody_see_and_what_is_missing(self) -> None:
        can = load_source("instagram").capabilities
        assert (can.replies, can.reaction_counts, can.view_counts, can.texts) == (True,) * 4
        assert missing_of("instagram") == {"visits", "orders", "spend"}


class TestThreads:
    def test_an_audience_that_is_refused_is_unknown(self, tmp_path: Path) -> None:
        hall = make_hall("threads", tmp_path, days=2)
        hall.site.moods.dead_metrics.add("followers_count")  # type: ignore[attr-defined]
        end = hall.visit(FIRST + 2 * DAY).end
        assert end.stop_reason is StopReason.EXHAUSTED
        assert "account.followers_count is refused" in str(end.detail)
        (row,) = (row for row in hall.audience() if row["title"])
        assert (row["fan_count"], row["fan_count_how"]) == (None, "missing")

    def test_no_day_before_the_platforms_first_is_asked_for(self, tmp_path: Path) -> None:
        hall = make_hall("threads", tmp_path, days=2)
        now = datetime(2024, 4, 16, tzinfo=UTC)
        end = hall.visit(now, since=now - 30 * DAY).end
        assert "left out" not in str(end.detail)
        ends = sorted(row["observed_at"] for row in hall.audience() if row["fan_count"] is None)
        assert ends == [datetime(2024, 4, day, 7, tzinfo=UTC) for day in (14, 15)]

    def test_a_repost_is_an_act_without_a_word_of_which_nothing_is_asked(
        self, tmp_path: Path
    ) -> None:
        spider, visit = make_spider(KINDS["threads"], tmp_path)
        data = read_fixture("threads", "posts")
        *questions, page = spider.read_posts(Answer(data, Call("x", lambda *_: iter(()))), visit)
        asked = [call.path for question in questions for call in question(visit)]
        assert asked == ["18000000000000011/insights", "18000000000000009/insights"]
        ((listed,),) = ([x for x in one.listed if not x.under] for one in page(visit))
        assert (listed.record.kind, listed.record.body_text) == ("repost", None)
        assert listed.record.parent_id == "18000000000000777"

    def test_an_address_never_names_somebody_else(self, tmp_path: Path) -> None:
        hall = make_hall("threads", tmp_path)
        hall.visit(FIRST + 5 * DAY, since=FIRST)
        official = hall.key("threads", hall.place.official)
        rows = list(hall.landed().values())
        assert {row["url"] is None for row in rows} == {True, False}
        assert all((row["url"] is None) is (row["author_key"] != official) for row in rows)
        assert all("threads.example/@" not in str(row["raw_record"]) for row in rows)

    def test_what_it_lets_anybody_see_and_what_is_missing(self) -> None:
        can = load_source("threads").capabilities
        assert (can.replies, can.reaction_counts, can.view_counts, can.texts) == (True,) * 4
        assert missing_of("threads") == {"visits", "orders", "spend"}


def read_fixture(name: str, file: str) -> Any:
    return json.loads((FIXTURES / name / f"{file}.json").read_text(encoding="utf-8"))


def missing_of(source: str) -> set[str]:
    """What keeps numbers of the marts from being computed of a source."""
    can = capabilities_of(source)
    return {name for kpi in KPIS for name in judge(can, kpi).missing}
