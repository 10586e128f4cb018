"""The work database takes its place whole, and what cannot be read counts as none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tingchao.building.state import put_in_place, read_state


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
