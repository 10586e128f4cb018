"""Long-lived children with a log each: started, and stopped with all that came from them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tingchao.fence import start_child

STOP_SECONDS = 15.0


def start_logged(
    argv: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path
) -> subprocess.Popen[str]:
    """Start a child that dies with us and writes all it says to the end of a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return start_child(argv, env=env, cwd=cwd, stdout=output.fileno(), stderr=output.fileno())


def stop_tree(processes: list[subprocess.Popen[str]], patience: float = STOP_SECONDS) -> None:
    """End the processes and all that came from them: politely, then for good."""
    members = [m for process in processes if process.poll() is None for m in _tree(process.pid)]
    for member in members:
        send_signal(member, signal.SIGTERM)
    _, alive = psutil.wait_procs(members, timeout=patience)
    stubborn = {*alive, *(child for one in alive for child in _tree(one.pid))}
    for member in stubborn:
        send_signal(member, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=patience)
    for process in processes:
        process.wait()


def send_signal(process: psutil.Process, sign: int) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        process.send_signal(sign)
    except psutil.NoSuchProcess:
        return


def tail(file: Path, lines: int = 15) -> str:
    """Last lines of a log; empty when there is none."""
    try:
        return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
