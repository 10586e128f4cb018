"""Bringing the marts up to date day by day, and building them at once, give the same rows.

Whatever happens to a build on the way: the marts are those of the last good one.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.dbt.comparing import differences, read_marts
from tests.dbt.conftest import DAYS, RELEXED, Told
from tests.dbt.killing import MOMENTS
from tests.dbt.landing import instant, post
from tingchao.errors import BusyError, TingchaoError
from tingchao.fence import exclusive
from tingchao.steps.build import Mode


def test_only_what_is_new_is_built(told: Told) -> None:
    modes = [told.summaries[at].mode for at in DAYS]
    assert modes == [Mode.FULL, Mode.INCREMENTAL, Mode.INCREMENTAL, Mode.FULL, Mode.INCREMENTAL]
    assert "no earlier build" in told.summaries[DAYS[0]].reason
    assert "understood anew" in told.summaries[RELEXED].reason


def test_history_says_something(told: Told) -> None:
    for mart, rows in told.marts[DAYS[-1]].items():
        assert len(rows) > 2, mart


def test_days_close_at_local_midnight(told: Told) -> None:
    assert str(told.summaries[DAYS[1]].through_date) == "2026-01-30"
    assert str(told.summaries[DAYS[2]].through_date) == "2026-01-31"


def test_32_a_new_lexicon_changes_the_numbers(told: Told) -> None:
    assert told.marts[DAYS[2]]["sentiment_daily"] != told.marts[RELEXED]["sentiment_daily"]


def test_nothing_new_is_nothing_built(told: Told) -> None:
    before = _digest(told.installation.database)
    summary = told.installation.build()
    assert summary.mode is Mode.UNCHANGED
    assert summary.row_counts == told.summaries[DAYS[-1]].row_counts
    assert _digest(told.installation.database) == before


def test_24_28_increments_equal_a_full_refresh_anywhere(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TZ", "America/St_Johns"), ("LANG", "C"), ("LC_ALL", "POSIX")):
        monkeypatch.setenv(name, value)
    summary = told.installation.build(full_refresh=True)
    assert summary.mode is Mode.FULL
    assert differences(told.marts[DAYS[-1]], read_marts(told.installation.database)) == {}


def test_as_of_then_gives_the_numbers_of_then(told: Told) -> None:
    now = _digest(told.installation.database)
    then = told.installation.build(as_of=instant(DAYS[2]))
    assert then.database.parent.name == "as_of"
    assert then.text_version == "v1"
    assert differences(told.marts[DAYS[2]], read_marts(then.database)) == {}
    assert _digest(told.installation.database) == now


def test_builds_leave_no_workshop_behind(told: Told) -> None:
    assert list((told.installation.context.data / "warehouse" / "attempts").iterdir()) == []


def test_1_33_a_killed_build_changes_nothing(told: Told) -> None:
    """That the next one is right, the comparison with a full refresh shows (test_history)."""
    assert told.left_unchanged_by_kills == dict.fromkeys(MOMENTS, True)


def test_a_failed_test_names_model_test_rows_and_how_to_look(told: Told) -> None:
    installation = told.installation
    before = installation.database.read_bytes()
    video = post("film", "2026-03-01 10:00", "ann", kind="video")
    segment = installation.landing.land("2026-03-03 09:00", "board", posts=[video])
    try:
        with pytest.raises(TingchaoError) as caught:
            installation.build()
    finally:
        installation.landing.withdraw(segment)
    said = str(caught.value)
    assert "int_posts: test accepted_values_int_posts_kind" in said
    assert "1 rows that must not be" in said
    assert installation.database.read_bytes() == before
    look = next(line for line in said.splitlines() if line.startswith("  cd "))
    shown = subprocess.run(look, shell=True, capture_output=True, text=True, check=True).stdout
    assert "video" in shown


def test_6_a_second_build_at_once_is_refused(told: Told) -> None:
    with exclusive(told.installation.context.lock("build")), pytest.raises(BusyError):
        told.installation.build()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
