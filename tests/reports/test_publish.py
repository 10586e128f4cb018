"""`tingchao publish`: what is served, what is kept, what is refused."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from reports.manifest import Manifest
from reports.marts_file import read_published
from reports.shelf import Shelf
from tests.quality.judging import count_instead
from tests.reports.installation import configure, install, rebuild
from tests.reports.warehouse import AS_OF
from tingchao.context import Context
from tingchao.errors import BusyError, ConfigurationError, GateRefusedError, TingchaoError
from tingchao.fence import exclusive
from tingchao.marts import load_marts
from tingchao.steps.build import BEFORE_EVERYTHING
from tingchao.steps.gate import gate_marts
from tingchao.steps.publish import Outcome, publish, rollback

LATER = AS_OF + timedelta(days=1)
ONE_MORE_POST = "update coverage set landed_post_count = landed_post_count + 1 where rowid = 0"


@pytest.fixture(autouse=True)
def quick_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    count_instead(monkeypatch)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return install(tmp_path)


def shelf_of(context: Context) -> Shelf:
    return Shelf(context.data / "published")


def test_marts_of_nothing_are_not_published_and_the_reason_is_told(context: Context) -> None:
    rebuild(context, as_of=BEFORE_EVERYTHING)
    with pytest.raises(TingchaoError, match="nothing that landed has passed a gate yet"):
        publish(context)
    assert shelf_of(context).current is None


def served_version(context: Context) -> str:
    with read_published(context.data / "published" / "marts.duckdb") as connection:
        row = connection.execute("select version_id from publication").fetchone()
    assert row
    return str(row[0])


@contextmanager
def intruding(database: Path) -> Iterator[None]:
    """Another process holds the file open for writing, and has written."""
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('update coverage set coverage_rate = 0'); print('in', flush=True); "
        "sys.stdin.read()"
    )
    argv = [sys.executable, "-c", script, str(database)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"in\n"
        yield
        process.kill()


def test_what_is_published(context: Context) -> None:
    summary = publish(context)
    folder = context.data / "published"
    version = folder / summary.version
    assert summary.outcome is Outcome.PUBLISHED
    assert served_version(context) == summary.version
    names = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    marts = {mart.name for mart in load_marts()}
    assert names == {
        "marts.duckdb",
        "desks.duckdb",
        "manifest.json",
        "gate.json",
        "report/index.html",
        "report/en.html",
        "report/gate.html",
        *(f"{mart}.parquet" for mart in marts),
        *(f"csv/{mart}.csv" for mart in marts),
    }
    assert {path.name for path in (folder / "report").iterdir()} == {
        "index.html",
        "en.html",
        "gate.html",
    }


def test_row_48_served_files_cannot_be_written_and_desks_are_not_for_everybody(
    context: Context,
) -> None:
    publish(context)
    folder = context.data / "published"
    modes = {
        name: stat.S_IMODE((folder / name).stat().st_mode)
        for name in ("marts.duckdb", "desks.duckdb", "report/index.html")
    }
    assert modes == {"marts.duckdb": 0o444, "desks.duckdb": 0o440, "report/index.html": 0o444}


def test_row_48_a_reader_that_forces_the_file_open_harms_only_its_copy(context: Context) -> None:
    first = publish(context).version
    served = context.data / "published" / "marts.duckdb"
    served.chmod(0o644)
    with intruding(served):
        rebuild(context, ONE_MORE_POST, as_of=LATER)
        second = publish(context).version
    assert served_version(context) == second
    assert shelf_of(context).problems(first) == []
    assert rollback(context, first).version == first
    assert served_version(context) == first


def test_the_manifest_tells_what_was_published(context: Context) -> None:
    version = publish(context).version
    manifest = shelf_of(context).manifest(version)
    assert manifest.as_of_at == AS_OF.isoformat()
    assert manifest.facts["suppress_below"] == 5
    assert manifest.facts["text_version"] == "1-lexicon"
    assert manifest.gate["passed"] is True
    assert manifest.gate["rules"] > 150
    assert set(manifest.mart_rows) == {mart.name for mart in load_marts()}
    assert manifest.tables["mentions"].suppressed_rows > 0
    assert {"cases", "left_out_posts"} <= set(manifest.tables)
    assert manifest == Manifest.read(context.data / "published" / version)


def test_publishing_the_same_twice_changes_nothing(context: Context) -> None:
    first = publish(context)
    files = {p: p.stat().st_mtime_ns for p in (context.data / "published").rglob("*")}
    rebuild(context)
    second = publish(context)
    assert (second.outcome, second.version) == (Outcome.UNCHANGED, first.version)
    assert {p: p.stat().st_mtime_ns for p in files} == files


def test_a_version_is_named_after_its_rows_not_after_its_bytes(
    tmp_path: Path, context: Context
) -> None:
    first = publish(context).version
    (tmp_path / "twin").mkdir()
    twin = install(
        tmp_path / "twin",
        "create table shuffled as select * from mentions order by hash(mention_date, brand_id)",
        "delete from mentions",
        "insert into mentions select * from shuffled",
    )
    assert publish(twin).version == first
    rebuild(context, ONE_MORE_POST)
    assert publish(context).version != first


def test_a_brand_by_another_name_is_another_version(tmp_path: Path, context: Context) -> None:
    first = publish(context).version
    renamed = context.config.brands[0].model_copy(update={"name": "新名字"})
    brands = (renamed, *context.config.brands[1:])
    other = Context(context.config.model_copy(update={"brands": brands}), context.now)
    assert publish(other).version != first


def test_a_replay_of_an_older_day_does_not_take_the_newer_away(context: Context) -> None:
    rebuild(context, as_of=LATER)
    newer = publish(context).version
    rebuild(context, ONE_MORE_POST)
    summary = publish(context)
    assert (summary.outcome, summary.version) == (Outcome.OLDER, newer)
    assert served_version(context) == newer


def test_old_versions_are_kept_and_the_oldest_go(tmp_path: Path) -> None:
    context = install(tmp_path, extra="publish: {keep_versions: 2}\n")
    versions = []
    for day in range(3):
        rebuild(context, as_of=AS_OF + timedelta(days=day))
        versions.append(publish(context).version)
    assert shelf_of(context).versions() == versions[-2:]


def test_a_kept_version_can_be_served_again(context: Context) -> None:
    first = publish(context).version
    rebuild(context, ONE_MORE_POST, as_of=LATER)
    second = publish(context).version
    assert rollback(context, first).outcome is Outcome.ROLLED_BACK
    assert served_version(context) == first
    assert publish(context).version == second
    assert served_version(context) == second


@pytest.mark.parametrize("version", ["20260101T000000Z-0123456789ab", "../../etc", "report", ""])
def test_row_20_only_a_kept_version_can_be_served(context: Context, version: str) -> None:
    kept = publish(context).version
    with pytest.raises(TingchaoError, match=f"no published version '{version}'; kept: {kept}"):
        rollback(context, version)


def test_row_43_a_fall_in_rows_is_refused_and_the_old_marts_stay(context: Context) -> None:
    first = publish(context).version
    half = "delete from mentions where rowid % 2 = 0"
    rebuild(context, half, as_of=LATER)
    with pytest.raises(GateRefusedError, match=r"mentions: row_count: expected at least \d+ rows"):
        publish(context)
    assert served_version(context) == first
    assert shelf_of(context).versions() == [first]
    summary = publish(context, accept_drop=["mentions"])
    assert shelf_of(context).manifest(summary.version).gate["accepted_drops"] == ["mentions"]


def test_row_43_a_mart_that_had_rows_may_not_be_empty(context: Context) -> None:
    publish(context)
    rebuild(context, "delete from conversions", as_of=LATER)
    with pytest.raises(GateRefusedError, match="conversions: row_count"):
        publish(context)


def test_a_mart_that_never_had_rows_may_be_empty(tmp_path: Path) -> None:
    context = install(tmp_path, "delete from conversions")
    assert publish(context).outcome is Outcome.PUBLISHED


def test_an_unknown_mart_cannot_be_accepted(context: Context) -> None:
    with pytest.raises(
        ConfigurationError, match=r"--accept-drop: expected some of .* found mention$"
    ):
        publish(context, accept_drop=["mention"])


def test_a_pseudonym_in_a_label_is_never_published(tmp_path: Path) -> None:
    name = "k1." + "a" * 26
    context = install(tmp_path, f"update channel_scorecard set channel_name = '{name}'")
    with pytest.raises(GateRefusedError, match="channel_scorecard: no_pseudonym"):
        publish(context)
    assert not list((context.data / "published").rglob("*.duckdb"))


def test_without_a_build_there_is_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(TingchaoError, match="run `tingchao build`"):
        publish(configure(tmp_path))


def test_two_at_once_are_one(context: Context) -> None:
    with exclusive(context.lock("publish")), pytest.raises(BusyError):
        publish(context)


def test_the_published_marts_can_be_judged_again(context: Context) -> None:
    publish(context)
    assert gate_marts(context).rule_count > 150


def test_a_marts_file_can_be_judged_before_it_is_published(context: Context) -> None:
    version = publish(context).version
    path = context.data / "published" / version / "marts.duckdb"
    assert str(path) in str(gate_marts(context, path=path))
    with pytest.raises(GateRefusedError, match="no such file"):
        gate_marts(context, path=path.with_name("absent.duckdb"))


def test_nothing_published_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(TingchaoError, match="nothing is published yet"):
        gate_marts(configure(tmp_path))


@pytest.mark.slow
def test_great_expectations_judges_what_is_published(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert publish(context).outcome is Outcome.PUBLISHED
