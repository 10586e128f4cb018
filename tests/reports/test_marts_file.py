"""The published marts: aggregates only, and no cell from which few people can be worked out."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from reports.errors import PublicationError
from reports.marts_file import read_published, write_marts
from tests.reports.candidate import write_candidate
from tests.reports.warehouse import build_warehouse
from tingchao.marts import load_marts

K = 5
MARTS = {mart.name: mart for mart in load_marts()}
COUNTING = [(mart.name, people) for mart in MARTS.values() for people in mart.hides]


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candidate(tmp_path_factory.mktemp("marts") / "marts.duckdb")


def test_the_warehouse_of_these_tests_fits_the_contracts(candidate: Path) -> None:
    with duckdb.connect(str(candidate.with_name("work.duckdb")), read_only=True) as work:
        for mart in MARTS.values():
            described = work.execute(f"describe {mart.name}").fetchall()
            assert {row[0]: row[1] for row in described} == mart.types


def test_only_the_marts_are_published(candidate: Path) -> None:
    with read_published(candidate) as connection:
        tables = {row[0] for row in connection.execute("show tables").fetchall()}
    assert tables == {*MARTS, "publication"}


@pytest.mark.parametrize(("mart", "people"), COUNTING)
def test_few_people_are_never_shown(candidate: Path, mart: str, people: str) -> None:
    hidden = MARTS[mart].hides[people]
    keys = ", ".join(MARTS[mart].key)
    with duckdb.connect(str(candidate), read_only=True) as connection:
        connection.execute(f"attach '{candidate.with_name('work.duckdb')}' as work (read_only)")
        few = connection.execute(
            f"select {', '.join(f'p.{c}' for c in hidden)}, p.is_suppressed "
            f"from {mart} p join work.{mart} w using ({keys}) "
            f"where w.{people} between 1 and {K - 1}"
        ).fetchall()
        shown = connection.execute(
            f"select count(*) from {mart} where {people} between 1 and {K - 1}"
        ).fetchone()
    assert shown == (0,)
    assert all(set(row) == {None, True} for row in few)


def test_what_is_not_hidden_is_what_was_built(candidate: Path) -> None:
    with duckdb.connect(str(candidate), read_only=True) as connection:
        connection.execute(f"attach '{candidate.with_name('work.duckdb')}' as work (read_only)")
        for mart in MARTS.values():
            columns = ", ".join(mart.column_names)
            visible = " where not is_suppressed" if mart.hides else ""
            strangers = connection.execute(
                f"select count(*) from (select {columns} from {mart.name}{visible} "
                f"except select {columns} from work.{mart.name})"
            ).fetchone()
            assert strangers == (0,), mart.name


def test_few_buyers_do_not_hide_many_active_fans(candidate: Path) -> None:
    with read_published(candidate) as connection:
        row = connection.execute(
            "select active_fan_count, activity_rate is null, buyer_count, is_suppressed "
            "from channel_scorecard "
            "where channel_id = 'new-blog' and period_start_date = date '2026-10-01'"
        ).fetchone()
    assert row is not None
    assert row[0] >= K
    assert row[2:] == (None, True)


def test_no_buyers_do_not_tell_how_few_members_there_are(tmp_path: Path) -> None:
    path = write_candidate(
        tmp_path / "marts.duckdb",
        "update channel_scorecard set active_fan_count = 40, identified_fan_count = 3, "
        "buyer_count = 0, conversion_rate = 0, conversion_rate_hi = 37 / 40 where rowid = 0",
    )
    with read_published(path) as connection:
        row = connection.execute(
            "select active_fan_count, identified_fan_count, buyer_count, conversion_rate, "
            "conversion_rate_hi, conversion_rank from channel_scorecard "
            "where active_fan_count = 40 and is_suppressed"
        ).fetchone()
    assert row == (40, None, None, None, None, None)


@pytest.mark.parametrize(("identified", "buyers"), [(38, 20), (30, 27)])
def test_few_left_over_are_few_people(tmp_path: Path, identified: int, buyers: int) -> None:
    path = write_candidate(
        tmp_path / "marts.duckdb",
        "update channel_conversion set active_fan_count = 40, "
        f"identified_fan_count = {identified}, buyer_count = {buyers} where rowid = 0",
    )
    with read_published(path) as connection:
        row = connection.execute(
            "select conversion_rate, conversion_rate_hi, is_suppressed from channel_conversion "
            "where active_fan_count = 40"
        ).fetchone()
    assert row == (None, None, True)


def test_nobody_is_not_few(tmp_path: Path) -> None:
    path = write_candidate(
        tmp_path / "marts.duckdb", "update mentions set author_count = 0 where rowid = 0"
    )
    with read_published(path) as connection:
        counted = connection.execute(
            "select count(*), count(*) filter (is_suppressed) from mentions where author_count = 0"
        ).fetchone()
    assert counted and counted[0] > 0 and counted[1] == 0


def test_a_missing_mart_is_named(tmp_path: Path) -> None:
    work = build_warehouse(tmp_path / "work.duckdb", "drop table mentions")
    with pytest.raises(PublicationError, match="expected mart mentions once, found it 0 times"):
        write_marts(work, tmp_path / "marts.duckdb", load_marts(), K)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    work = build_warehouse(
        tmp_path / "work.duckdb", "alter table mentions drop column author_count"
    )
    with pytest.raises(PublicationError, match=r"mart mentions is not as its contract .*--full"):
        write_marts(work, tmp_path / "marts.duckdb", load_marts(), K)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/other.duckdb' as other",
        "copy (select 1) to '/tmp/stolen.csv'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "update coverage set coverage_rate = 1",
        "create table mine (a integer)",
    ],
)
def test_row_49_a_reader_can_read_the_marts_and_nothing_else(
    candidate: Path, statement: str
) -> None:
    with read_published(candidate) as connection:
        assert connection.execute("select count(*) from coverage").fetchone() != (0,)
        with pytest.raises(duckdb.Error):
            connection.execute(statement)


def test_row_40_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    newer = tmp_path / "marts.duckdb"
    newer.write_bytes(b"\0" * 8 + b"DUCK" + (99).to_bytes(8, "little") + b"\0" * 4096)
    with pytest.raises(PublicationError, match="--rollback VERSION"), read_published(newer):
        pass
