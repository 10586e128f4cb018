"""What publishing survives; each test carries the number of its row in the fault matrix."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from reports.marts_file import read_published
from reports.shelf import Shelf
from tests.quality.judging import count_instead
from tests.reports.installation import install, rebuild
from tests.reports.kill_points import NEW_ROWS
from tests.reports.warehouse import AS_OF
from tingchao import judge
from tingchao.context import Context
from tingchao.errors import EXIT_GATE_REFUSED, GateRefusedError, TingchaoError
from tingchao.steps.gate import gate_marts
from tingchao.steps.publish import Outcome, publish, rollback

REPOSITORY = Path(__file__).parents[2]
LATER = AS_OF + timedelta(days=1)
KILL_POINTS = 12


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """An installation that serves a version; the gate counts, but does not import its engine."""
    context = install(tmp_path)
    with pytest.MonkeyPatch.context() as patched:
        count_instead(patched)
        publish(context)
    return context


@pytest.fixture
def quick_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    count_instead(monkeypatch)


def published(context: Context) -> Path:
    return context.data / "published"


def tables_of(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {row[0] for row in connection.execute("show tables").fetchall()}


def assert_refused_and_unchanged(context: Context, says: str) -> None:
    shelf = Shelf(published(context))
    before = (shelf.current, shelf.versions(), (published(context) / "marts.duckdb").read_bytes())
    rebuild(context, NEW_ROWS, as_of=LATER)
    with pytest.raises(GateRefusedError, match=says) as caught:
        publish(context)
    assert caught.value.exit_code == EXIT_GATE_REFUSED
    after = (shelf.current, shelf.versions(), (published(context) / "marts.duckdb").read_bytes())
    assert after == before
    assert not list(published(context).glob(".candidate-*"))


def pretend_to_be_python(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'ModuleNotFoundError: no engine' >&2; exit 1", "ModuleNotFoundError: no engine"),
        ("exit 0", "no verdict on marts.duckdb"),
        ('echo "{}" > "$3"', "no verdict on marts.duckdb"),
        ('echo "half a verd" > "$3"', "no verdict on marts.duckdb"),
    ],
)
def test_row_41_a_gate_that_errors_refuses(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    monkeypatch.setattr(judge.sys, "executable", pretend_to_be_python(tmp_path, script))
    assert_refused_and_unchanged(context, says)


def test_row_41_a_gate_that_never_ends_refuses(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge.sys, "executable", pretend_to_be_python(tmp_path, "sleep 60"))
    monkeypatch.setattr(judge, "TIMEOUT", 0.2)
    assert_refused_and_unchanged(context, "timed out")


def test_row_42_a_gate_that_is_killed_refuses(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge.sys, "executable", pretend_to_be_python(tmp_path, "kill -9 $$"))
    assert_refused_and_unchanged(context, "exit code -9")


@pytest.mark.slow
def test_row_45_killed_at_any_step_the_old_or_the_new_is_served(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.reports.kill_points", str(tmp_path), str(KILL_POINTS)]
    ran = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    points = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [point for point in points if point["wrong"]] == [], ran.stderr[-2000:]
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert len(points) >= KILL_POINTS - 2


@pytest.mark.usefixtures("quick_gate")
def test_row_46_a_foreign_log_is_never_applied(context: Context, tmp_path: Path) -> None:
    log = foreign_log(tmp_path)
    for name in ("marts.duckdb.wal", "desks.duckdb.wal"):
        (published(context) / name).write_bytes(log)
    rebuild(context, NEW_ROWS, as_of=LATER)
    publish(context)
    assert not list(published(context).rglob("*.wal"))
    assert "stranger" not in tables_of(published(context) / "marts.duckdb")
    assert "stranger" not in tables_of(published(context) / "desks.duckdb")


@pytest.mark.usefixtures("quick_gate")
def test_row_46_publishing_the_same_again_clears_a_foreign_log(
    context: Context, tmp_path: Path
) -> None:
    (published(context) / "marts.duckdb.wal").write_bytes(foreign_log(tmp_path))
    assert publish(context).outcome is Outcome.UNCHANGED
    assert "stranger" not in tables_of(published(context) / "marts.duckdb")


def foreign_log(folder: Path) -> bytes:
    """The log of another database whose table has not reached its file."""
    database = folder / "foreign.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("set checkpoint_threshold = '1GB'")
        connection.execute("create table stranger (a integer)")
        return database.with_name("foreign.duckdb.wal").read_bytes()


@pytest.mark.usefixtures("quick_gate")
def test_row_47_a_reader_keeps_what_it_has_open(context: Context) -> None:
    script = """
import sys
from pathlib import Path
from reports.marts_file import read_published
with read_published(Path(sys.argv[1])) as connection:
    for line in sys.stdin:
        print(*connection.execute(
            "select version_id, (select sum(landed_post_count) from coverage) from publication"
        ).fetchone(), flush=True)
"""
    argv = [sys.executable, "-c", script, str(published(context) / "marts.duckdb")]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as reader:
        first = ask(reader)
        began = time.monotonic()
        rebuild(context, NEW_ROWS, as_of=LATER)
        version = publish(context).version
        assert time.monotonic() - began < 60
        assert ask(reader) == first
        reader.kill()
    assert version not in first
    with read_published(published(context) / "marts.duckdb") as connection:
        assert connection.execute("select version_id from publication").fetchone() == (version,)


def ask(reader: subprocess.Popen[str]) -> str:
    assert reader.stdin
    assert reader.stdout
    reader.stdin.write("\n")
    reader.stdin.flush()
    return reader.stdout.readline()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_gate")
def test_row_47_three_readers_see_no_error_in_many_swaps(context: Context) -> None:
    shelf = Shelf(published(context))
    first = str(shelf.current)
    rebuild(context, NEW_ROWS, as_of=LATER)
    second = publish(context).version
    argv = [sys.executable, "-m", "tests.reports.readers", str(shelf.folder / "marts.duckdb"), "6"]
    readers = [
        subprocess.Popen(
            argv, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    swaps = 0
    while any(reader.poll() is None for reader in readers):
        shelf.choose((first, second)[swaps % 2])
        swaps += 1
    said = [reader.communicate() for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0, 0], said
    assert {out.split()[1] for out, _ in said} == {"2"}
    assert sum(int(out.split()[0]) for out, _ in said) >= 20
    assert swaps >= 20


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("name", ["marts.duckdb", "desks.duckdb", "report/index.html"])
def test_row_50_a_flipped_bit_in_a_served_file_is_mended(context: Context, name: str) -> None:
    flip_a_bit(published(context) / name)
    summary = publish(context)
    assert summary.outcome is Outcome.UNCHANGED
    version = published(context) / summary.version
    assert (published(context) / name).read_bytes() == (version / name).read_bytes()


def test_row_50_a_flipped_bit_in_the_served_marts_is_found(context: Context) -> None:
    flip_a_bit(published(context) / "marts.duckdb")
    with pytest.raises(TingchaoError, match="damaged"):
        gate_marts(context)


@pytest.mark.usefixtures("quick_gate")
def test_row_50_a_flipped_bit_in_a_kept_version_is_found_and_published_anew(
    context: Context,
) -> None:
    shelf = Shelf(published(context))
    version = str(shelf.current)
    for name in ("marts.duckdb", "coverage.parquet"):
        flip_a_bit(shelf.folder / version / name)
    assert len(shelf.problems(version)) == 2
    with pytest.raises(TingchaoError, match="damaged"):
        gate_marts(context)
    with pytest.raises(TingchaoError, match="is damaged, so it is not served"):
        rollback(context, version)
    assert publish(context).version == version
    assert shelf.problems(version) == []


def test_row_50_rows_that_are_not_what_was_published_are_found(context: Context) -> None:
    served = published(context) / "marts.duckdb"
    served.chmod(0o644)
    with duckdb.connect(str(served)) as connection:
        connection.execute("update coverage set crawl_count = 9 where rowid = 3")
    shelf = Shelf(published(context))
    assert shelf.misread(str(shelf.current), shelf.folder) == [
        "marts.duckdb: coverage: 438 rows are not the 438 that were published"
    ]


def flip_a_bit(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
