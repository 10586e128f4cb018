"""Whatever happens to a build: the marts are those of the last good one, the next one is right."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.dbt.comparing import differences, read_marts
from tests.dbt.conftest import Installation
from tests.dbt.history import TEXTS, History
from tests.dbt.landing import post
from tingchao.building.state import put_in_place, read_state
from tingchao.errors import BusyError, TingchaoError
from tingchao.fence import exclusive
from tingchao.steps.build import Mode

BUILD = """
import sys
from pathlib import Path
from tingchao.context import open_context
from tingchao.steps.build import build
build(open_context(Path(sys.argv[1]), quiet=True))
"""
MOMENTS = ("Found ", "OK created sql incremental model main.int_posts", "model main.fan_lifecycle")
PATIENCE = 120


@pytest.fixture(scope="module")
def installation(install: Callable[..., Installation]) -> Installation:
    installation = install()
    history = History(installation.landing, Random(7))
    history.tell("2026-02-27 09:00")
    installation.landing.understand("v1", "2026-02-27 09:00", TEXTS)
    installation.build()
    history.tell("2026-03-01 09:00")
    return installation


def test_1_33_a_killed_build_changes_nothing_and_the_next_one_is_right(
    installation: Installation,
) -> None:
    before = installation.database.read_bytes()
    for moment in MOMENTS:
        _kill_at(installation, moment)
        assert installation.database.read_bytes() == before, moment
    summary = installation.build()
    assert summary.mode is Mode.INCREMENTAL
    up_to_date = read_marts(installation.database)
    installation.build(full_refresh=True)
    assert differences(up_to_date, read_marts(installation.database)) == {}


def test_a_failed_test_names_model_test_rows_and_how_to_look(installation: Installation) -> None:
    before = installation.database.read_bytes()
    video = post("film", "2026-03-01 10:00", "ann", kind="video")
    installation.landing.land("2026-03-02 09:00", "board", posts=[video])
    with pytest.raises(TingchaoError) as caught:
        installation.build()
    said = str(caught.value)
    assert "int_posts: test accepted_values_int_posts_kind" in said
    assert "1 rows that must not be" in said
    assert installation.database.read_bytes() == before
    look = next(line for line in said.splitlines() if line.startswith("  cd "))
    shown = subprocess.run(look, shell=True, capture_output=True, text=True, check=True).stdout
    assert "video" in shown


def test_6_a_second_build_at_once_is_refused(installation: Installation) -> None:
    with exclusive(installation.context.lock("build")), pytest.raises(BusyError):
        installation.build()


def test_46_a_foreign_log_is_not_replayed_into_the_new_file(tmp_path: Path) -> None:
    built, database = tmp_path / "built", tmp_path / "work.duckdb"
    built.write_bytes(b"new")
    database.write_bytes(b"old")
    log = tmp_path / "work.duckdb.wal"
    log.write_bytes(b"of somebody else")
    put_in_place(built, database)
    assert database.read_bytes() == b"new"
    assert not log.exists()


def test_40_a_database_that_cannot_be_read_is_built_anew(installation: Installation) -> None:
    strange = installation.home / "strange.duckdb"
    strange.write_bytes(b"a file of some later version")
    assert read_state(strange) is None


def _kill_at(installation: Installation, moment: str) -> None:
    """Start a build, kill it without warning when dbt's log says `moment`, and see dbt die too."""
    logs = installation.context.data / "runs"
    known = set(logs.rglob("dbt.log"))
    command = [sys.executable, "-c", BUILD, str(installation.home / "tingchao.yml")]
    build = subprocess.Popen(command, cwd=Path(__file__).parents[2], start_new_session=True)
    try:
        _wait_until(lambda: _says(set(logs.rglob("dbt.log")) - known, moment), build)
        children = _children(build.pid)
        assert children
    finally:
        build.send_signal(signal.SIGKILL)
        build.wait()
    _wait_until(lambda: not any(_is_alive(child) for child in children))


def _says(logs: set[Path], moment: str) -> bool:
    return any(moment in log.read_text(encoding="utf-8", errors="replace") for log in logs)


def _wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, "the build ended before it was killed"
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in shlex.split(listed)]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
