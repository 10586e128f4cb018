"""Killing a build without warning, at a moment that its dbt's log tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BUILD = """
import sys
from pathlib import Path
from tingchao.context import open_context
from tingchao.steps.build import build
build(open_context(Path(sys.argv[1]), quiet=True))
"""
MOMENTS = ("Found ", "incremental model main.int_posts", "incremental model main.fan_lifecycle")
PATIENCE = 480  # seconds; a busy machine starts Spark slowly


def kill_build_at(moment: str, configuration: Path, logs: Path) -> None:
    """Start a build, kill it when a new dbt log below `logs` says `moment`, see dbt die with it."""
    known = set(logs.rglob("dbt.log"))
    build = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(configuration)], cwd=Path(__file__).parents[2]
    )
    try:
        _wait_until(lambda: _says(set(logs.rglob("dbt.log")) - known, moment), build)
        children = _children(build.pid)
        assert children
    finally:
        build.send_signal(signal.SIGKILL)
        build.wait()
    _wait_until(lambda: not any(_is_alive(child) for child in children))


def _wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, "the build ended before it was killed"
        time.sleep(0.05)


def _says(logs: set[Path], moment: str) -> bool:
    return any(moment in log.read_text(encoding="utf-8", errors="replace") for log in logs)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
