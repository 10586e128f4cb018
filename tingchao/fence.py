"""Fences around a step: one at a time, and no child that outlives its parent.

A scheduler may run two attempts of one task side by side, and may kill a task's parent while the
task itself lives on. So every step takes a kernel lock, which vanishes with its process however
that ends, and every child asks the kernel to be killed when its parent dies.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from tingchao.errors import BusyError

DIE_WITH_PARENT = "TINGCHAO_DIE_WITH_PARENT"
_PR_SET_PDEATHSIG = 1


@contextmanager
def exclusive(lock_path: Path) -> Iterator[None]:
    """Hold a kernel lock on `lock_path` (created if missing); `BusyError` when somebody has it."""
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"{lock_path.stem}: another process (pid {holder}) runs this step now; nothing was "
                "changed. Wait for it to end and run again; the scheduler does so by itself."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def die_with_parent(expected_parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent ends; does nothing outside Linux.

    `expected_parent` closes the gap in which the parent died before the request was made.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if expected_parent is not None and os.getppid() != expected_parent:
        os.kill(os.getpid(), signal.SIGKILL)


def obey_parent() -> None:
    """Die with the parent when the environment says so; schedulers set TINGCHAO_DIE_WITH_PARENT."""
    parent = os.environ.pop(DIE_WITH_PARENT, "")
    if parent:
        die_with_parent(int(parent) if parent.isdigit() and int(parent) > 1 else None)


def start_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = subprocess.PIPE,
    stderr: int | None = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start a child in a process group of its own that never outlives us; its text is UTF-8."""
    parent = os.getpid()
    return subprocess.Popen(
        list(argv),
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent),
    )


def run_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    cwd: Path | None = None,
    capture: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run such a child to its end.

    Returns its exit code and output (UTF-8; empty when `capture` is off and it writes to ours).
    `subprocess.TimeoutExpired` after the whole group was killed. SIGTERM and SIGINT to us end the
    group first.
    """
    pipe = subprocess.PIPE if capture else None
    process = start_child(argv, env=env, cwd=cwd, stdout=pipe, stderr=pipe)
    with ending_on_signals():
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            end_group(process)
            raise
    return subprocess.CompletedProcess(list(argv), process.returncode, out or "", err or "")


def end_group(process: subprocess.Popen[str], patience: float = 10.0) -> None:
    """End a child's whole process group: politely, then for good."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
            return


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGINT into an exit that unwinds; signals are the main thread's alone."""

    def unwind(signum: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {sign: signal.signal(sign, unwind) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sign, handler in previous.items():
            signal.signal(sign, handler)
