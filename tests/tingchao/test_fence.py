"""One at a time, and no child that outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tingchao.errors import EXIT_BUSY, BusyError
from tingchao.fence import exclusive, run_child

PATIENCE_SECONDS = 10


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_06_a_second_one_at_once_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "warehouse.lock"
    with exclusive(lock):
        busy = f"warehouse: another process .pid {os.getpid()}"
        with pytest.raises(BusyError, match=busy), exclusive(lock):
            pytest.fail("two at once")
    with exclusive(lock):
        pass
    assert BusyError.exit_code == EXIT_BUSY == 75


def test_01_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    holder = start(
        """
        import sys, time
        from pathlib import Path
        from tingchao.fence import exclusive
        with exclusive(Path(sys.argv[1])):
            print("held", flush=True)
            time.sleep(60)
        """,
        str(lock),
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BusyError), exclusive(lock):
        pytest.fail("two at once")
    holder.kill()
    holder.wait()
    with exclusive(lock):
        pass


PARENT = """
    import sys
    from tingchao.fence import run_child
    run_child([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); "
               "time.sleep(60)"], capture=False)
    """


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel request is Linux's")
def test_03_a_child_dies_when_its_parent_is_killed() -> None:
    parent = start(PARENT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert wait_until_gone(child)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_02_a_polite_end_takes_the_child_along(sign: signal.Signals) -> None:
    parent = start(PARENT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(sign)
    assert parent.wait(timeout=PATIENCE_SECONDS) == 128 + sign
    assert wait_until_gone(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel request is Linux's")
def test_03_a_command_dies_with_a_scheduler_that_asked_for_it(tmp_path: Path) -> None:
    scheduler = start(
        """
        import os, subprocess, sys
        child = subprocess.Popen(
            [sys.executable, "-c", "from tingchao.fence import obey_parent; obey_parent(); "
             "import os, time; print(os.getpid(), flush=True); time.sleep(60)"],
            env={**os.environ, "TINGCHAO_DIE_WITH_PARENT": "1"})
        child.wait()
        """
    )
    assert scheduler.stdout is not None
    child = int(scheduler.stdout.readline())
    scheduler.kill()
    scheduler.wait()
    assert wait_until_gone(child)


def test_a_child_gives_back_what_it_wrote() -> None:
    done = run_child([sys.executable, "-c", "print('聽潮'); raise SystemExit(4)"])
    assert (done.returncode, done.stdout, done.stderr) == (4, "聽潮\n", "")


def test_a_child_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', "
        "'import time; time.sleep(60)']); open(sys.argv[1], 'w').write(str(p.pid)); time.sleep(60)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        run_child([sys.executable, "-c", script, str(note)], timeout=2)
    assert wait_until_gone(int(note.read_text()))
