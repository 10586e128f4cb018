"""The past is filled in while days go on: in any order, killed anywhere, it comes to the same.

From a seed: the days of a place are crawled as they come, its past in windows of any size and order
between them, some of them killed and taken up again days later. At the end the lake must hold what
one quiet crawl of the whole time brings, and nothing about a day may depend on the rest.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from demo.cast import PLACE
from lake import Lake, Window
from tests.scrapers.crossing import Visitor, hamlet
from tests.scrapers.test_scenarios import Told, assert_once
from tests.scrapers.townhall import ENVIRONMENT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPENS = datetime.fromtimestamp(hamlet().opens_at, UTC)
FIRST_DAY = OPENS + 3 * DAY  # what lies before is the past when the crawls begin
ENDS = OPENS + 6 * DAY
PLACES = ("ptt-teadrink", "teatalk", "teanotes", "masto-tea", "weibo-wuyu")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Step:
    """A crawl of a window as of an instant, killed after so many answers when it says so."""

    now: datetime
    window: Window
    kill_after: int | None = None

    @property
    def is_daily(self) -> bool:
        return self.window.end == self.now


def draw_steps(draw: random.Random) -> list[Step]:
    """Draw what is crawled in which order; whatever is killed comes again, at the latest last."""
    past = draw_windows(draw)
    draw.shuffle(past)
    steps: list[Step] = []
    left: list[Window] = []
    for now in [FIRST_DAY + number * DAY for number in range(1, 4)]:
        steps.append(Step(now, Window(now - DAY, now)))
        for _ in range(draw.randrange(3)):
            window = (past or left or [None]).pop()
            if window is None:
                continue
            is_killed = draw.random() < 0.5
            steps.append(Step(now, window, draw.randrange(1, 12) if is_killed else None))
            left += [window] if is_killed else []
    return [*steps, *(Step(ENDS, window) for window in (*past, *left))]


def draw_windows(draw: random.Random) -> list[Window]:
    """Cut the past into windows of hours and days."""
    cuts = sorted(draw.sample(range(6, 70), 3))
    edges = [OPENS, *(OPENS + cut * HOUR for cut in cuts), FIRST_DAY]
    return [Window(start, end) for start, end in pairwise(edges)]


@pytest.mark.parametrize(("seed", "place"), enumerate(PLACES))
def test_a_past_that_is_filled_in_is_that_of_a_quiet_crawl(
    seed: int, place: str, tmp_path: Path
) -> None:
    once, piecemeal = (Visitor(tmp_path / name, PLACE[place]) for name in ("once", "piecemeal"))
    once.visit(ENDS, OPENS)
    for step in draw_steps(random.Random(f"{place} {seed}")):
        take(piecemeal, step)
    told, quiet = Told.of(piecemeal), Told.of(once)
    assert told.covered == quiet.covered == [Window(OPENS, ENDS)]
    assert told.alive == quiet.alive
    assert_once(piecemeal)


def take(visitor: Visitor, step: Step) -> None:
    """Take one step; then every watermark is honest, and a day has all that a day has."""
    visitor.visit(
        step.now,
        step.window.start,
        until=step.window.end,
        kill_after=step.kill_after,
        max_rows=9,
    )
    lake = Lake.open(visitor.folder / "lake")
    covered = lake.covered(visitor.source, visitor.place.id)
    for since in (OPENS, FIRST_DAY):
        watermark = lake.watermark(visitor.source, visitor.place.id, since)
        if watermark is not None:
            assert is_unbroken(covered, since, watermark)
            assert missing(visitor, lake, Window(since, watermark)) == set()
    if step.is_daily:
        assert is_unbroken(covered, step.window.start, step.window.end)


def is_unbroken(covered: list[Window], start: datetime, end: datetime) -> bool:
    return any(window.start <= start and end <= window.end for window in covered)


def missing(visitor: Visitor, lake: Lake, window: Window) -> set[int]:
    """Return when threads were opened that stand in the town now and are not in the lake."""
    start, end = (int(at.timestamp()) for at in (window.start, window.end))
    stands = {
        post.at
        for post in visitor.server.sites.posts[visitor.place.id]
        if post.parent is None
        and start <= post.at < end
        and post.exists_at(visitor.server.sites.now)
    }
    landed = lake.read("posts", columns=["published_at"])["published_at"].to_pylist()
    return stands - {int(at.timestamp()) for at in landed if at}
