"""LINE and WeChat accounts: golden answers, days that are not told yet, and the town's audience."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy import Request
from scrapy.http import TextResponse

from demo import faults
from demo.apis import answer_json, grown
from demo.days import taipei
from demo.keys import KEYS
from demo.sights import Reader
from demo.sites import Ask, Site, line_oa, wechat_oa
from lake import StopReason
from scrapers.access.calls import Answer, Call, Trouble
from scrapers.access.cursor import CursorVisit
from scrapers.access.gauge import GaugeSpider
from scrapers.capabilities import KPIS, capabilities_of, judge
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.line_oa import LineOaSpider
from scrapers.spiders.wechat_oa import WechatOaSpider
from tests.scrapers.golden import FIXTURES, compare, plain_posts
from tests.scrapers.stage import Page, make_channel, make_job
from tests.scrapers.townhall import ENVIRONMENT, Townhall, make_posts, place_of, small_town

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOW = datetime(2026, 10, 10, tzinfo=UTC)
THE_DAY = date(2026, 10, 8)


@dataclass(frozen=True)
class Kind:
    """One source: its spider and its site."""

    spider: type[GaugeSpider]
    site: ModuleType


KINDS = {"line_oa": Kind(LineOaSpider, line_oa), "wechat_oa": Kind(WechatOaSpider, wechat_oa)}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def make_spider(name: str, folder: Path) -> tuple[Any, CursorVisit]:
    source = load_source(name)
    channel = make_channel(
        f"{source.base_url}/x", address=place_of(name).address, start=NOW - 3 * DAY, end=NOW
    )
    job = make_job(
        folder, channel, source=name, base_url=source.base_url, auth=source.auth, now=NOW
    )
    return KINDS[name].spider(job), CursorVisit(channel, {})


def make_hall(name: str, folder: Path, **more: Any) -> Townhall:
    kind = KINDS[name]
    return Townhall(
        folder, place_of(name), [], kind.site.open_site, kind.spider, kind.site.native_id, **more
    )


def read(name: str, file: str) -> Any:
    return json.loads((FIXTURES / name / f"{file}.json").read_text(encoding="utf-8"))


def answer_of(data: Any, **query: Any) -> Answer:
    return Answer(data, Call("x", lambda *_: iter(()), query))


def plain(record: Record, name: str) -> dict[str, Any]:
    ignored = set(load_source(name).ignored_keys)
    return record.row() | {"unread": record.unread - ignored}


def opens_at() -> datetime:
    return datetime.fromtimestamp(small_town().opens_at, UTC)


def expected_fans(name: str) -> list[int | None]:
    """What the answer key expects at the end of each day of the town."""
    town = small_town()
    return Reader(town, [int(town.closes_at.timestamp())]).fans_of(town)[place_of(name).id]


def fans_by_day(hall: Townhall) -> dict[date, int]:
    """The last count that was observed on each local day, as the marts take it."""
    rows = sorted(hall.audience(), key=lambda row: row["observed_at"])
    told = [row for row in rows if row["fan_count"] is not None]
    return {taipei(int(r["observed_at"].timestamp())).date(): r["fan_count"] for r in told}


@pytest.mark.parametrize("name", KINDS)
def test_the_audience_of_every_day_is_what_the_answer_key_expects(
    name: str, tmp_path: Path
) -> None:
    town, hall = small_town(), make_hall(name, tmp_path)
    for number in range(1, town.days + 1):
        now = opens_at() + number * DAY
        end = hall.visit(now).end
        assert end.stop_reason is StopReason.EXHAUSTED, end
        assert end.covered is not None
        assert (end.covered.start, end.covered.end) == (now - DAY, now)
    seen = fans_by_day(hall)
    days = [town.start_date + number * DAY for number in range(town.days)]
    assert [seen.get(day) for day in days] == expected_fans(name)
    assert not hall.unknown


@pytest.mark.parametrize("name", KINDS)
def test_a_backfill_tells_the_same_as_daily_visits(name: str, tmp_path: Path) -> None:
    daily, once = make_hall(name, tmp_path / "a"), make_hall(name, tmp_path / "b")
    town = small_town()
    for number in range(1, town.days + 1):
        daily.visit(opens_at() + number * DAY)
    once.visit(opens_at() + town.days * DAY, since=opens_at())
    assert fans_by_day(once) == fans_by_day(daily)


@pytest.mark.parametrize("name", KINDS)
def test_a_day_that_is_not_ready_is_a_hole_that_the_next_crawl_closes(
    name: str, tmp_path: Path
) -> None:
    hall = make_hall(name, tmp_path)
    hall.site.ready_after = 8 * 3600  # type: ignore[attr-defined]
    now = opens_at() + 3 * DAY + 2 * HOUR
    end = hall.visit(now).end
    assert end.covered is not None
    last = hall.spider.end_of(hall.spider, now.astimezone(hall.spider.zone).date() - DAY)  # type: ignore[attr-defined]
    assert end.covered.end == last < now
    assert "days not told, the last" in str(end.detail)
    assert hall.audience() == [row for row in hall.audience() if row["fan_count"] != 0]
    later = now + DAY
    end = hall.visit(later).end
    assert last in {row["observed_at"] for row in hall.audience()}
    covered = hall.lake.covered(name, hall.place.id)
    assert len(covered) == 1
    assert covered[0].start == now - DAY


@pytest.mark.parametrize("name", KINDS)
def test_every_counter_that_is_landed_has_a_meaning(name: str, tmp_path: Path) -> None:
    hall = make_hall(name, tmp_path)
    hall.visit(opens_at() + 4 * DAY, since=opens_at())
    named = {c["name"].partition(".")[0] for row in hall.audience() for c in row["counters"]}
    assert named
    assert named <= {name.partition(".")[0] for name in load_source(name).counters}


class TestLine:
    def test_a_day_reads_as_golden(self, tmp_path: Path) -> None:
        spider, visit = make_spider("line_oa", tmp_path)
        asked = answer_of(read("line_oa", "followers"))
        (call,) = spider.read_followers(asked, visit, day=THE_DAY)
        (record,) = call.read(answer_of(read("line_oa", "delivery")), visit)
        (parts,) = spider.read_parts(answer_of(read("line_oa", "demographic")), visit)
        shown = [plain(one, "line_oa") for one in (record, parts)]
        assert record.observed_at == datetime(2026, 10, 8, 15, tzinfo=UTC)
        assert record.fan_count == 7620 - 237
        compare(FIXTURES / "line_oa" / "day.golden.json", shown)

    def test_what_is_not_told_is_never_zero(self, tmp_path: Path) -> None:
        spider, visit = make_spider("line_oa", tmp_path)
        unready = answer_of(read("line_oa", "followers_unready"))
        assert list(spider.read_followers(unready, visit, day=THE_DAY)) == []
        blocks = answer_of(read("line_oa", "followers_no_blocks"))
        (call,) = spider.read_followers(blocks, visit, day=THE_DAY)
        (record,) = call.read(unready, visit)
        assert record.fan_count is None
        assert [counter["name"] for counter in record.counters] == ["followers"]

    def test_an_answer_to_another_question_tells_no_day(self, tmp_path: Path) -> None:
        spider, visit = make_spider("line_oa", tmp_path)
        answer = answer_of(read("line_oa", "delivery"))
        assert list(spider.read_followers(answer, visit, day=THE_DAY)) == []
        assert THE_DAY in visit.facts["left"]

    def test_what_was_asked_of_before_there_was_any_is_not_covered(self, tmp_path: Path) -> None:
        hall = make_hall("line_oa", tmp_path)
        now = datetime(2016, 11, 4, tzinfo=UTC)
        end = hall.visit(now, since=now - 6 * DAY).end
        assert end.covered is not None
        assert end.covered.start > datetime(2016, 10, 31, 15, tzinfo=UTC) > now - 6 * DAY
        assert end.covered.end == now
        assert "out_of_service" in str(end.detail)

    def test_an_hour_that_is_used_up_leaves_the_rest_to_the_next_crawl(
        self, tmp_path: Path
    ) -> None:
        hall = make_hall("line_oa", tmp_path)
        hall.site.calls_left = 6  # type: ignore[attr-defined]
        now = opens_at() + 7 * DAY
        end = hall.visit(now, since=opens_at()).end
        assert end.stop_reason is StopReason.BUDGET
        assert end.covered is not None
        assert end.covered.end < now
        hall.site.calls_left = None  # type: ignore[attr-defined]
        hall.visit(now + DAY)
        assert len(hall.lake.covered("line_oa", hall.place.id)) == 1

    def test_another_accounts_token_is_found_out(self, tmp_path: Path) -> None:
        hall = make_hall("line_oa", tmp_path)
        channel = hall.config.channels[0].model_copy(update={"address": "@another"})
        hall.config = hall.config.model_copy(update={"channels": (channel,)})
        end = hall.visit(opens_at() + DAY).end
        assert "expected @000abcde or @wuyutea, whose token this is" in str(end.detail)
        assert hall.audience() == []

    def test_a_wrong_token_is_told_and_never_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TINGCHAO_LINE_TOKEN", "a-wrong-secret-token")
        hall = make_hall("line_oa", tmp_path)
        end = hall.visit(opens_at() + DAY).end
        assert end.stop_reason is StopReason.BLOCKED
        assert "TINGCHAO_LINE_TOKEN" in str(end.detail)
        assert "a-wrong-secret" not in str(hall.lake.ledger().to_pylist())


class TestWechat:
    DAYS = ("getusercumulate", "getusersummary", "getbizsummary", "getarticleread")

    def test_a_day_reads_as_golden(self, tmp_path: Path) -> None:
        spider, visit = make_spider("wechat_oa", tmp_path)
        refused = [
            one
            for name in (*self.DAYS, "getarticleshare")
            for one in spider.read_days(answer_of(read("wechat_oa", name)), visit, name=name)
        ]
        assert [one.reason for one in refused] == [
            "ref_date: expected a date like 2026-10-08, found '昨天'"
        ]
        (record,) = spider.land_days(visit, part=[THE_DAY])
        assert record.observed_at == datetime(2026, 10, 8, 16, tzinfo=UTC)
        assert record.fan_count == 12018
        assert visit.notes == ["getbizsummary says that its numbers are late"]
        shown = plain(record, "wechat_oa") | {"raw": record.raw}
        compare(FIXTURES / "wechat_oa" / "day.golden.json", shown)

    def test_articles_read_as_golden(self, tmp_path: Path) -> None:
        spider, visit = make_spider("wechat_oa", tmp_path)
        told = answer_of(read("wechat_oa", "getarticletotaldetail"))
        *articles, refused = spider.read_articles(told, visit)
        assert refused.reason == "expected msgid, found none"
        ignored = set(load_source("wechat_oa").ignored_keys)
        shown = plain_posts(articles, ignored)
        compare(FIXTURES / "wechat_oa" / "getarticletotaldetail.golden.json", shown)

    def test_a_day_without_followers_is_no_day(self, tmp_path: Path) -> None:
        spider, visit = make_spider("wechat_oa", tmp_path)
        for name in self.DAYS[1:]:
            list(spider.read_days(answer_of(read("wechat_oa", name)), visit, name=name))
        assert list(spider.land_days(visit, part=[THE_DAY])) == []
        assert visit.facts["left"] == {THE_DAY: "no followers told"}

    def test_articles_are_landed_as_they_are_counted_for_a_month(self, tmp_path: Path) -> None:
        hall = make_articles(tmp_path)
        for number in (3, 9, 40):
            hall.visit(opens_at() + number * DAY)
        planted = {wechat_oa.native_id(p): p for p in hall.posts}
        landed = hall.landed()
        assert set(landed) == set(planted) == hall.served
        for post_id, post in planted.items():
            row = landed[post_id]
            day = taipei(post.at).date()
            assert row["published_at"] == datetime.combine(day, time(), taipei(0).tzinfo)
            assert row["published_precision"] == "day"
            assert row["author_key"] == hall.key("wechat_oa", hall.place.address)
            readers = {c["name"]: c["lo"] for c in row["counters"]}
            assert readers["read_user"] == grown(post, post.at + 30 * 86_400, "readers", 400)
        assert not hall.unknown

    def test_every_call_asks_for_no_more_days_than_it_may(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        now = opens_at() + 8 * DAY
        end = hall.visit(now, since=now - 70 * DAY).end
        assert end.stop_reason is StopReason.EXHAUSTED, end
        asked: dict[str, list[int]] = {}
        for request in hall.requests[1:]:
            body = json.loads(request.body)
            begin, last = (date.fromisoformat(body[k]) for k in ("begin_date", "end_date"))
            name = urlsplit(request.url).path.rpartition("/")[2]
            asked.setdefault(name, []).append((last - begin).days + 1)
        assert {name: max(spans) for name, spans in asked.items()} == wechat_oa.LONGEST
        assert sum(asked["getusercumulate"]) == sum(asked["getarticleread"]) == 71

    def test_nothing_is_asked_of_days_of_which_nothing_true_is_told(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        now = datetime(2025, 11, 2, 16, tzinfo=UTC)
        hall.visit(now, since=now - 10 * DAY)
        days = {
            json.loads(request.body)["begin_date"]
            for request in hall.requests
            if "article" in request.url or "biz" in request.url
        }
        assert days == {"2025-11-01", "2025-11-02"}
        assert len(hall.audience()) == 11

    @pytest.mark.parametrize(("code", "is_new"), [(40001, True), (42001, False)])
    def test_a_token_that_ends_under_way_is_renewed_once(
        self, code: int, is_new: bool, tmp_path: Path
    ) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        hall.site = Weary(hall.site, code, times=1)
        assert hall.visit(opens_at() + 3 * DAY).end.stop_reason is StopReason.EXHAUSTED
        issued = [json.loads(r.body) for r in hall.requests if "stable_token" in r.url]
        assert [body["force_refresh"] for body in issued] == [False, is_new]

    def test_a_token_lives_two_hours(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        now, calls = opens_at() + 3 * DAY, 0

        def reply(request: Request, at: datetime) -> Page:
            nonlocal calls
            calls += 1
            return answered(request, at + HOUR * (calls // 8))

        answered, hall.reply = hall.reply, reply  # type: ignore[method-assign]
        assert hall.visit(now, since=opens_at()).end.stop_reason is StopReason.EXHAUSTED
        issued = [json.loads(r.body) for r in hall.requests if "stable_token" in r.url]
        assert len(issued) > 1
        assert not any(body["force_refresh"] for body in issued)

    def test_a_token_that_is_refused_anew_ends_the_crawl(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        hall.site = Weary(hall.site, 40001, times=99)  # type: ignore[arg-type]
        end = hall.visit(opens_at() + 3 * DAY).end
        assert end.stop_reason is StopReason.BLOCKED
        assert "TINGCHAO_WECHAT_SECRET" in str(end.detail)
        assert len(hall.requests) == 4  # a token and a call, and both once more
        assert end.covered is None or end.covered.end <= opens_at() + 3 * DAY
        assert hall.audience() == []

    def test_neither_secret_nor_token_is_written_anywhere(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        hall = make_articles(tmp_path)
        with caplog.at_level("DEBUG"):
            played = hall.visit(opens_at() + 3 * DAY)
            token = hall.requests[-1].url.partition("access_token=")[2]
            logging.getLogger("scrapy").debug("Crawled (200) <POST %s>", hall.requests[-1].url)
        assert len(token) > 20
        tables = ("posts", "channels", "crawls", "quarantine")
        rows = [hall.lake.read(table).to_pylist() for table in tables]
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        for secret in (token, KEYS["TINGCHAO_WECHAT_SECRET"]):
            assert secret not in f"{caplog.text}{rows}{played.items}"
            assert all(secret.encode() not in file for file in files)

    def test_a_wrong_secret_is_told_and_never_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TINGCHAO_WECHAT_SECRET", "a-wrong-secret-0001")
        hall = make_hall("wechat_oa", tmp_path)
        end = hall.visit(opens_at() + DAY).end
        assert end.stop_reason is StopReason.BLOCKED
        assert "40125: invalid appsecret" in str(end.detail)
        assert "docs/runbook.md#token-expired" in str(end.detail)
        assert "a-wrong-secret" not in str(hall.lake.ledger().to_pylist())

    def test_a_call_that_the_account_may_not_make_costs_no_other(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        hall.site.forbidden = {"getarticleread", "getarticletotaldetail"}  # type: ignore[attr-defined]
        now = opens_at() + 7 * DAY
        end = hall.visit(now, since=opens_at()).end
        assert end.stop_reason is StopReason.EXHAUSTED
        assert "no getarticleread: 48001: api unauthorized" in str(end.detail)
        assert sum("getarticleread" in request.url for request in hall.requests) == 1
        assert len(hall.audience()) == 8
        assert end.covered is not None
        assert (end.covered.start, end.covered.end) == (opens_at(), now)

    def test_followers_that_may_not_be_asked_for_block_the_channel(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        hall.site.forbidden = {"getusercumulate"}  # type: ignore[attr-defined]
        end = hall.visit(opens_at() + 2 * DAY).end
        assert end.stop_reason is StopReason.BLOCKED
        assert "48001" in str(end.detail)

    def test_a_quota_that_is_spent_leaves_the_rest_to_the_next_crawl(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        hall.site.calls_left = 120  # type: ignore[attr-defined]
        now = opens_at() + 8 * DAY
        end = hall.visit(now, since=now - 40 * DAY).end
        assert end.stop_reason is StopReason.BUDGET
        assert "45009" in str(end.detail)
        assert end.covered is not None
        assert (end.covered.start, end.covered.end < now) == (now - 40 * DAY, True)
        hall.site.calls_left = None  # type: ignore[attr-defined]
        assert hall.visit(now + DAY).end.stop_reason is StopReason.EXHAUSTED
        assert len(hall.lake.covered("wechat_oa", hall.place.id)) == 1

    def test_an_answer_that_breaks_off_covers_nothing_that_was_not_read(
        self, tmp_path: Path
    ) -> None:
        hall = make_hall("wechat_oa", tmp_path)
        site, now = hall.site, opens_at() + 3 * DAY
        hall.site = Weary(site, None, times=99)  # type: ignore[arg-type]
        end = hall.visit(now).end
        assert end.stop_reason is StopReason.ERROR
        assert "expected JSON, found HTTP 200" in str(end.detail)
        assert hall.audience() == []
        hall.site = site
        hall.visit(now + DAY)
        assert hall.lake.covered("wechat_oa", hall.place.id)[0].end == now + DAY

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (-1, Trouble.TRANSIENT),
            (40001, Trouble.EXPIRED),
            (40125, Trouble.EXPIRED),
            (40164, Trouble.REFUSED),
            (42001, Trouble.EXPIRED),
            (45009, Trouble.SPENT),
            (45011, Trouble.LIMITED),
            (48001, Trouble.REFUSED),
            (61500, Trouble.REFUSED),
            (61501, Trouble.REFUSED),
        ],
    )
    def test_errors_with_status_200_say_what_follows(
        self, code: int, kind: Trouble, tmp_path: Path
    ) -> None:
        spider, _ = make_spider("wechat_oa", tmp_path)
        body = json.dumps({"errcode": code, "errmsg": "said rid: 1"}).encode()
        response = TextResponse("https://api.weixin.qq.com/datacube/x", body=body)
        problem = spider.find_error(spider.decode(response), response)
        assert (problem.kind, problem.code, problem.message) == (kind, str(code), "said rid: 1")
        assert problem.wait == (60 if kind is Trouble.LIMITED else None)
        assert spider.find_error({"errcode": 0, "errmsg": "ok", "list": []}, response) is None

    def test_another_accounts_id_is_an_option(self, tmp_path: Path) -> None:
        hall = make_hall("wechat_oa", tmp_path, options={"app_id": "wx0another000001"})
        end = hall.visit(opens_at() + DAY).end
        assert "40013: invalid appid" in str(end.detail)

    def test_what_it_lets_anybody_see_and_what_is_missing(self) -> None:
        can = load_source("wechat_oa").capabilities
        assert (can.replies, can.reaction_counts, can.view_counts) == (False, True, True)
        assert can.texts is False
        missing = {
            name for kpi in KPIS for name in judge(capabilities_of("wechat_oa"), kpi).missing
        }
        others = {"visits", "orders", "spend"}
        assert missing == {"author_identity", "texts", "replies", *others}


@dataclass
class Weary:
    """A site whose first answers, tokens aside, are an error, or break off."""

    site: Site
    code: int | None
    times: int
    asked: int = 0

    def answer(self, ask: Ask, now: int) -> faults.Answer:
        answer = self.site.answer(ask, now)
        if ask.path.endswith("stable_token"):
            return answer
        self.asked += 1
        if self.asked > self.times:
            return answer
        if self.code is None:
            return replace(answer, body=answer.body[:-5])
        return answer_json({"errcode": self.code, "errmsg": "invalid credential rid: 1"})


def make_articles(folder: Path) -> Townhall:
    """An account that publishes three articles on each of two days."""
    place, kind = place_of("wechat_oa"), KINDS["wechat_oa"]
    posts = [p for p in make_posts(place, opens_at(), 2) if p.parent is None]
    for post in posts:
        post.gone_at = None
    return Townhall(folder, place, posts, kind.site.open_site, kind.spider, kind.site.native_id)
