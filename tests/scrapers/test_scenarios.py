"""What can happen to a crawl, at every site of the town, and what must be true afterwards.

A place is crawled day after day, once in peace. In every scenario a fault strikes one of the days,
at an answer drawn from a seed. Then the ledger must say what is so: why the crawl ended, what it
covered, how much it landed, held against what the server wrote down and against the quiet crawl.
When the fault is over, the next day's crawl must come to the quiet one's very posts and cover.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.cast import Audience, Place, Shape
from demo.faults import Fault
from lake import Lake, StopReason, Window
from lake.schemas import IDENTITY
from tests.scrapers.crossing import Crossing, Visitor, crawled_places, hamlet
from tests.scrapers.townhall import ENVIRONMENT

DAY = timedelta(days=1)
NOT_MODIFIED = 304  # has no body that a fault could change
BROKEN = {"silence", "slow", "reset", "wrong_length"}
OPENS = datetime.fromtimestamp(hamlet().opens_at, UTC)
VISITS = [OPENS + number * DAY for number in (5, 6, 7)]
SINCE = [OPENS, *VISITS]
SCENARIOS_IN_ALL = 60

BLOCKED, ERROR, BUDGET = StopReason.BLOCKED, StopReason.ERROR, StopReason.BUDGET
BLANK = StopReason.BLANK_PAGE
QUIET_ENDS = (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK)  # the last page alone is refused
ALL = frozenset(StopReason)


@dataclass(frozen=True)
class Scenario:
    """A fault, how often it strikes, and how a crawl may end then; empty: as if it had not."""

    fault: str
    times: int | None = 1
    ends: frozenset[StopReason] = frozenset()
    seconds: int = 1
    match: str = "*"
    hides: bool = False  # the server does not show something that is there, and nothing tells


def ends(*reasons: StopReason) -> frozenset[StopReason]:
    return frozenset(reasons)


HEALS = {
    "429 with Retry-After": Scenario("too_many", 2, seconds=30),
    "429 until a date": Scenario("too_many_until", 2, seconds=60),
    "429 without a word": Scenario("too_many_silent", 2),
    "500 once": Scenario("error_500"),
    "502 twice": Scenario("error_502", 2),
    "503 thrice": Scenario("error_503", 3),
    "silence": Scenario("silence"),
    "drips": Scenario("slow", 2),
    "a reset": Scenario("reset", 2),
    "a short body": Scenario("wrong_length", 2),
    "packed": Scenario("gzip", None),
    "another charset named": Scenario("wrong_charset", None),
}
STOPS = {
    "429 for hours": Scenario("too_many", None, ends(BLOCKED, BUDGET), seconds=9999),
    "429 on and on": Scenario("too_many_silent", None, ends(BLOCKED, BUDGET)),
    "503 on and on": Scenario("error_503", None, ends(BLOCKED, ERROR)),
    "silence on and on": Scenario("silence", None, ends(BLOCKED, ERROR)),
    "resets on and on": Scenario("reset", None, ends(BLOCKED, ERROR)),
    "a challenge": Scenario("challenge", None, ends(BLOCKED)),
    "a redirect to itself": Scenario("redirect_loop", None, ends(BLOCKED, ERROR)),
    "robots with a 500": Scenario("error_500", None, ends(BLOCKED), match="/robots.txt"),
    "robots that forbid": Scenario("forbid_all", None, ends(BLOCKED), match="/robots.txt"),
    "blank pages": Scenario("blank", None, ends(ERROR, BLANK, BLOCKED, *QUIET_ENDS)),
    "half pages": Scenario("half", None, ends(ERROR, *QUIET_ENDS)),
}
ODD = {
    "a blank page": Scenario("blank", 1, ALL),
    "half a page": Scenario("half", 1, ALL),
    "the clock moves": Scenario("page_shift", 3, ALL, seconds=7 * 3600, hides=True),
    "the page before again": Scenario("repeat", 1, ALL, hides=True),
    "pages again and again": Scenario("repeat", None, ALL, hides=True),
    "the newest alone": Scenario("newest_only", 1, ALL, hides=True),
    "upside down": Scenario("upside_down", None, ALL),
    "404 for once": Scenario("not_found", 1, ALL, hides=True),
    "nothing in it": Scenario("emptied", 1, ALL, hides=True),
}
SCENARIOS = {**HEALS, **STOPS, **ODD}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass
class Told:
    """What a lake says of a place after a visit."""

    alive: dict[str, dict[tuple[Any, ...], Any]]
    covered: list[Window]
    last: dict[str, Any]

    @classmethod
    def of(cls, visitor: Visitor) -> Told:
        lake = Lake.open(visitor.folder / "lake")
        place = visitor.place
        return cls(
            {table: _alive(lake, table) for table in _tables(place)},
            lake.covered(place.source, place.id),
            lake.read("crawls").to_pylist()[-1],
        )


@dataclass
class Quiet:
    """A place that nothing strikes, crawled day after day; its lake is kept after every visit."""

    place: Place
    folder: Path
    told: list[Told] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)  # requests of each visit
    served: set[str] = field(default_factory=set)

    def live(self) -> None:
        visitor = Visitor(self.folder / "days", self.place)
        for number, now in enumerate(VISITS):
            shutil.copytree(visitor.folder, self.folder / f"before-{number}")
            visitor.visit(now, SINCE[number])
            self.asked.append(len(visitor.server.log))
            self.served |= {item for line in visitor.server.log for item in line.items}
            self.told.append(Told.of(visitor))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lived: dict[str, Quiet] = {}

    def find(place: Place) -> Quiet:
        if place.id not in lived:
            lived[place.id] = Quiet(place, tmp_path_factory.mktemp(place.id))
            lived[place.id].live()
        return lived[place.id]

    return find


def _tables(place: Place) -> list[str]:
    """Of a place that tells its past, every number counts; of any other, those of now do not."""
    now = {"channels"} if place.audience is not Audience.HISTORY else set()
    return [table for table in IDENTITY if table not in now]


def _alive(lake: Lake, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in lake.read(table).to_pylist() if lake.segments(table) else ():
        last[tuple(row[column] for column in IDENTITY[table])] = row
    return {
        key: {column: row[column] for column in row if column not in OF_THE_VISIT}
        for key, row in last.items()
        if not (row.get("is_deleted") or _is_of_now(row))
    }


def _is_of_now(row: dict[str, Any]) -> bool:
    """Whether a row says what an audience is made of at the instant of the visit."""
    return row.get("fan_count", 0) is None and row["observed_at"] in VISITS


# What depends on when somebody looked, and how often.
OF_THE_VISIT = {"collected_at", "crawl_id", "segment_id", "content_hash", "counters", "raw_record"}


def sites() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in crawled_places():
        found.setdefault(place.source, []).append(place)
    return found


def pick() -> Iterator[Any]:
    """Give every site its share of the scenarios, in turns, so that each meets several sites."""
    names, share = list(SCENARIOS), SCENARIOS_IN_ALL // len(sites())
    for turn, places in enumerate(sites().values()):
        for number in range(share):
            name = names[(turn + number * len(names) // share) % len(names)]
            place = places[number % len(places)]
            if can_be_told(place, name):
                yield pytest.param(place, name, id=f"{place.id}: {name}")


def can_be_told(place: Place, name: str) -> bool:
    """Whether anybody could notice: numbers of a day that stand for another's name no day."""
    return SCENARIOS[name].fault != "repeat" or place.audience is not Audience.HISTORY


def has_threads(place: Place) -> bool:
    return place.source != "feed" and place.shape is not Shape.GAUGE


@pytest.mark.parametrize(("place", "name"), pick())
def test_the_ledger_is_right_and_the_next_crawl_mends(
    place: Place, name: str, quiet: Any, tmp_path: Path
) -> None:
    play(place, name, quiet(place), tmp_path)


def play(place: Place, name: str, calm: Quiet, folder: Path) -> None:
    """Strike one of the first two visits, at a drawn answer, and look; the next one is calm."""
    scenario, draw = SCENARIOS[name], random.Random(f"{place.id} {name}")
    day = draw.randrange(2)
    visitor = visit_of(calm, day, folder)
    fault = Fault(scenario.fault, scenario.match, scenario.times, seconds=scenario.seconds)
    if scenario.match == "*":
        fault.skip = draw.randrange(min(1, calm.asked[day] - 1), calm.asked[day])
    visitor.server.plant(fault)
    crossing = visitor.visit(VISITS[day], SINCE[day])
    lines = [line for line in visitor.server.log if line.fault]
    is_struck = any(line.status != NOT_MODIFIED or line.fault in BROKEN for line in lines)
    assert_served(visitor, calm)
    assert_honest(visitor, crossing, calm.told[day], scenario, is_struck=is_struck)
    visitor.server.faults.clear()
    visitor.visit(VISITS[day + 1], SINCE[day + 1])
    assert_same(visitor, calm.told[day + 1])


@pytest.mark.parametrize("source", sites())
def test_a_killed_crawl_goes_on_as_if_nothing_had_happened(
    source: str, quiet: Any, tmp_path: Path
) -> None:
    draw = random.Random(source)
    day = draw.randrange(len(VISITS))
    calm = quiet(draw.choice(sites()[source]))
    visitor = visit_of(calm, day, tmp_path)
    for _ in range(2):
        answers = draw.randrange(calm.asked[day])
        assert visitor.visit(VISITS[day], SINCE[day], kill_after=answers, max_rows=5).is_killed
        assert not [row for row in visitor.ledger()[len(VISITS[:day]) :] if row["is_last"]]
    visitor.visit(VISITS[day], SINCE[day], max_rows=5)
    assert_same(visitor, calm.told[day])
    assert visitor.visit(VISITS[day], SINCE[day]).received == []


@pytest.mark.parametrize("source", sites())
def test_a_killed_crawl_that_nobody_repeats_is_made_good_the_next_day(
    source: str, quiet: Any, tmp_path: Path
) -> None:
    draw, day = random.Random(f"{source}, next day"), 1
    calm = quiet(draw.choice(sites()[source]))
    visitor = visit_of(calm, day, tmp_path)
    answers = draw.randrange(calm.asked[day])
    assert visitor.visit(VISITS[day], SINCE[day], kill_after=answers, max_rows=5).is_killed
    visitor.visit(VISITS[day + 1], SINCE[day + 1])
    assert_same(visitor, calm.told[day + 1])


@pytest.mark.parametrize("source", [s for s in sites() if s != "feed"])
def test_what_a_limit_left_is_had_when_it_is_lifted(
    source: str, quiet: Any, tmp_path: Path
) -> None:
    draw = random.Random(f"{source}, limits")
    day = draw.randrange(2)
    calm = quiet(draw.choice(sites()[source]))
    if calm.asked[day] < len(("robots.txt", "a page", "another one")):
        pytest.skip("one page is no limit")
    visitor = visit_of(calm, day, tmp_path)
    visitor.override = {"max_pages": draw.randrange(1, calm.asked[day] - 1)}
    crossing = visitor.visit(VISITS[day], SINCE[day])
    assert len(crossing.received) == visitor.override["max_pages"]
    limited = Scenario("", None, ends(StopReason.CAP, BUDGET))
    assert_served(visitor, calm)
    assert_honest(visitor, crossing, calm.told[day], limited, is_struck=True)
    visitor.override = {}
    visitor.visit(VISITS[day + 1], SINCE[day + 1])
    assert_same(visitor, calm.told[day + 1])


@pytest.mark.parametrize("source", [s for s, places in sites().items() if has_threads(places[0])])
def test_what_a_missed_crawl_would_have_looked_at_again_is_looked_at(
    source: str, tmp_path: Path
) -> None:
    place = replace(sites()[source][0], options={"revisit_days": 2, "reread_days": 2})
    calm = Quiet(place, tmp_path / "quiet")
    calm.live()
    visitor = visit_of(calm, 1, tmp_path)
    visitor.server.plant(Fault("challenge", times=None, skip=1))
    visitor.visit(VISITS[1], SINCE[1])
    visitor.server.faults.clear()
    visitor.visit(VISITS[2], SINCE[2])
    rows = Lake.open(visitor.folder / "lake").read("posts").to_pylist()
    heard_of = {(row["channel_id"], row["post_id"]) for row in rows}  # later looks see more go
    assert calm.told[2].alive["posts"].keys() <= heard_of
    assert Told.of(visitor).covered == calm.told[2].covered


def visit_of(calm: Quiet, day: int, folder: Path) -> Visitor:
    shutil.copytree(calm.folder / f"before-{day}", folder / "days")
    return Visitor(folder / "days", calm.place)


def assert_served(visitor: Visitor, calm: Quiet) -> None:
    """What this crawl landed stood in an answer that the server wrote down, where ids are one's."""
    rows = visitor.lake.read("posts").to_pylist()
    served = {item for line in visitor.server.log for item in line.items}
    crawl_id = visitor.ledger()[-1]["crawl_id"]
    landed = {r["post_id"] for r in rows if r["crawl_id"] == crawl_id and not r["is_deleted"]}
    if {key[1] for key in calm.told[-1].alive["posts"]} <= calm.served:
        assert landed <= served
    else:  # pushes and entries of feeds are named here, not there
        assert not landed or served


def assert_honest(
    visitor: Visitor, crossing: Crossing, calm: Told, scenario: Scenario, *, is_struck: bool
) -> None:
    """Hold what the ledger says of a struck crawl against what was served and what there was."""
    told = Told.of(visitor)
    row = told.last
    assert row["page_count"] == len(crossing.received)
    assert row["byte_count"] == sum(len(response.body) for response in crossing.received)
    assert row["stop_reason"] != StopReason.ERROR or row["stop_detail"]
    assert row["landed_count"] == count_landed(visitor, row["crawl_id"])
    if not scenario.ends or not is_struck:
        assert row["stop_reason"] == calm.last["stop_reason"], row["stop_detail"]
        assert told.covered == calm.covered
        assert told.alive == calm.alive
        return
    assert row["stop_reason"] in scenario.ends, row["stop_detail"]
    refused = set(visitor.lake.read("quarantine")["record_id"].to_pylist())
    posts, there = told.alive["posts"], calm.alive["posts"]
    for key, post in posts.items():
        assert said_in(post) == said_in(there.get(key, post)), "what landed is not what there is"
    roots = {key[1]: post["published_at"] for key, post in there.items()}
    for key, post in there.items():
        times = (post["published_at"], roots.get(post["root_id"], post["published_at"]))
        is_refused = not refused.isdisjoint({key[1], post["root_id"]})
        is_shown = not scenario.hides or visitor.source == "feed"
        if is_covered(told.covered, times) and not is_refused and is_shown:
            assert key in posts, f"claimed as covered and not landed: {post}"


def said_in(post: dict[str, Any]) -> list[Any]:
    """Return what a post says, by whichever way it came."""
    return [post[column] for column in ("kind", "root_id", "published_at", "text_hash")]


def is_covered(windows: list[Window], times: tuple[datetime | None, ...]) -> bool:
    return all(at and any(w.start <= at < w.end for w in windows) for at in times)


def _is_within(window: Window, windows: list[Window]) -> bool:
    return any(w.start <= window.start and window.end <= w.end for w in windows)


def count_landed(visitor: Visitor, crawl_id: str) -> int:
    tables = [table for table in IDENTITY if visitor.lake.segments(table)]
    columns = (visitor.lake.read(t, columns=["crawl_id"])["crawl_id"] for t in tables)
    return sum(column.to_pylist().count(crawl_id) for column in columns)


def assert_same(visitor: Visitor, calm: Told) -> None:
    """Nothing is lost, nothing is there twice, and the cover is that of a quiet crawl."""
    told = Told.of(visitor)
    for table, there in calm.alive.items():
        assert told.alive[table] == there
    ends_met = {row["stop_reason"] for row in visitor.ledger()}
    if visitor.source == "feed" and StopReason.CAP in ends_met:  # what a short feed lost is lost
        assert all(_is_within(window, calm.covered) for window in told.covered)
    else:
        assert told.covered == calm.covered
    assert_once(visitor)


def assert_once(visitor: Visitor) -> None:
    """No run lands a post twice, and no post lands again unless something about it changed."""
    seen: dict[tuple[Any, ...], Any] = {}
    runs: set[tuple[Any, ...]] = set()
    for row in Lake.open(visitor.folder / "lake").read("posts").to_pylist():
        key = (row["channel_id"], row["post_id"])
        assert seen.get(key) != row["content_hash"], f"{key} landed twice unchanged"
        assert (row["crawl_id"], *key) not in runs, f"{key} landed twice in a run"
        seen[key] = row["content_hash"]
        runs.add((row["crawl_id"], *key))
