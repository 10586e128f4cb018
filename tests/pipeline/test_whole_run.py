"""The whole pipeline, killed, repeated, moved to another host, and refused."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.conftest import Pipeline

Make = Callable[[], Pipeline]
Days = tuple[datetime, datetime, datetime]

KILLS = 7
ELSEWHERE = {"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "PYTHONHASHSEED": "7"}


@pytest.fixture(scope="module")
def undisturbed(new_pipeline: Make, days: Days) -> Pipeline:
    """Two days of one installation to which nothing happened."""
    pipeline = new_pipeline()
    start, eve, end = days
    pipeline.show_world(eve)
    pipeline.do(*pipeline.asked("history", start, eve))
    pipeline.show_world(end)
    pipeline.do(*pipeline.asked("last-day", eve, end))
    return pipeline


def kill_until_done(pipeline: Pipeline, command: list[str], dice: random.Random) -> int:
    """Kill a run at random moments, each a little later; then let it finish."""
    killed = 0
    for turn in range(KILLS):
        process = pipeline.start(*command)
        try:
            process.communicate(timeout=dice.uniform(0.3, 4 + 2.5 * turn))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
        else:
            assert process.returncode == 0
            break
    pipeline.do(*command)
    return killed


@pytest.mark.slow
def test_01_kills_a_second_run_and_another_host_change_nothing(
    undisturbed: Pipeline, new_pipeline: Make, days: Days
) -> None:
    start, eve, end = days
    expected = undisturbed.marts()
    assert all(expected[name] for name in ("channel_activity", "mentions", "conversions"))

    # A second run of the same day lands nothing and publishes nothing new.
    served = (undisturbed.folder / "published" / "marts.duckdb").stat().st_ino
    undisturbed.do(*undisturbed.asked("last-day", eve, end))
    assert (undisturbed.folder / "published" / "marts.duckdb").stat().st_ino == served
    assert undisturbed.marts() == expected

    # Incremental equals full refresh, and another time zone and locale change nothing.
    now = ["--now", end.isoformat()]
    undisturbed.do(*now, "build", "--full-refresh", env=ELSEWHERE)
    undisturbed.do(*now, "publish", env=ELSEWHERE)
    assert undisturbed.marts() == expected

    # As many kills as there are steps, anywhere, end at the same marts.
    killed = new_pipeline()
    dice = random.Random(20260930)
    killed.show_world(eve)
    count = kill_until_done(killed, killed.asked("history", start, eve), dice)
    killed.show_world(end)
    killed.do(*killed.asked("last-day", eve, end), env=ELSEWHERE)
    assert count >= 3
    assert killed.marts() == expected


@pytest.mark.slow
def test_a_refused_gate_leaves_yesterday_served_and_says_what_to_do(
    undisturbed: Pipeline, days: Days
) -> None:
    yesterday = undisturbed.marts()
    spoil(undisturbed.folder / "warehouse" / "work.duckdb")
    served = undisturbed.folder / "published" / "marts.duckdb"
    with duckdb.connect(str(served), read_only=True) as bi:
        before = bi.execute("select count(*) from channel_activity").fetchall()
        said = undisturbed.do("--now", days[-1].isoformat(), "publish", expect=3)
        assert bi.execute("select count(*) from channel_activity").fetchall() == before
    assert "channel_activity" in said
    assert "docs/runbook.md#gate-refused" in said
    assert undisturbed.marts() == yesterday


def spoil(warehouse: Path) -> None:
    """Make one rate impossible, as a wrong model would."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute("update channel_activity set activity_rate = 7 where activity_rate is not null")
