"""LINE and WeChat accounts: golden answers, days that are not told yet, and the town's audience."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from demo.days import taipei
from demo.sights import Reader
from demo.sites import line_oa
from lake import StopReason
from scrapers.access.calls import Answer, Call
from scrapers.access.cursor import CursorVisit
from scrapers.access.gauge import GaugeSpider
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.line_oa import LineOaSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import make_channel, make_job
from tests.scrapers.townhall import ENVIRONMENT, Townhall, place_of, small_town

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOW = datetime(2026, 10, 10, tzinfo=UTC)
THE_DAY = date(2026, 10, 8)


@dataclass(frozen=True)
class Kind:
    """One source: its spider and its site."""

    spider: type[GaugeSpider]
    site: ModuleType


KINDS = {"line_oa": Kind(LineOaSpider, line_oa)}


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
