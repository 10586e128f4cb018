"""Whatever happens to a build: the marts are those of the last good one, the next one is right."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.dbt.conftest import Told
from tests.dbt.killing import MOMENTS
from tests.dbt.landing import post
from tingchao.building.state import put_in_place, read_state
from tingchao.errors import BusyError, TingchaoError
from tingchao.fence import exclusive


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


def test_46_a_foreign_log_is_not_replayed_into_the_new_file(tmp_path: Path) -> None:
    built, database = tmp_path / "built", tmp_path / "work.duckdb"
    built.write_bytes(b"new")
    database.write_bytes(b"old")
    log = tmp_path / "work.duckdb.wal"
    log.write_bytes(b"of somebody else")
    put_in_place(built, database)
    assert database.read_bytes() == b"new"
    assert not log.exists()


def test_46_a_database_with_a_log_beside_it_is_not_finished(tmp_path: Path) -> None:
    built, database = tmp_path / "built.duckdb", tmp_path / "work.duckdb"
    built.write_bytes(b"new")
    (tmp_path / "built.duckdb.wal").write_bytes(b"not folded in")
    with pytest.raises(RuntimeError, match="has no log beside it"):
        put_in_place(built, database)
    assert not database.exists()


def test_40_a_database_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    strange = tmp_path / "work.duckdb"
    strange.write_bytes(b"a file of some later version")
    assert read_state(strange) is None
