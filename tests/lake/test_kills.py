"""Faults at every operation that changes the disk; rows 1, 26, 27 and 31 of the fault matrix."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from lake import Lake
from lake.store import Disk
from tests.lake.story import NOW, check_complete, check_never_wrong, tell

OPERATIONS = ("write_new", "replace", "link", "remove", "make_folder", "sync_folder")
TOMORROW = NOW + timedelta(days=1)


class DiedError(BaseException):
    """Stands for the end of the process: nobody catches it, nothing runs after it."""


class DyingDisk:
    """A disk whose n-th change is the last: ended right after it, or amid the writing of a file."""

    def __init__(self, at: int, end: Callable[[], None], when: str = "after") -> None:
        self._disk, self._at, self._end, self._when = Disk(), at, end, when
        self._is_dead = False
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        assert name in OPERATIONS
        return lambda *arguments: self._do(name, *arguments)

    def _do(self, name: str, *arguments: object) -> None:
        if self._is_dead:
            self._end()
        self._is_dead = len(self.done) == self._at
        self.done.append(name)
        if self._is_dead and self._when == "amid" and name == "write_new":
            path, data = arguments
            path.write_bytes(bytes(memoryview(data)[: len(data) // 2]))
            self._end()
        getattr(self._disk, name)(*arguments)
        if self._is_dead:
            self._end()


def die() -> None:
    raise DiedError


def fill_up() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def list_changes(root: Path) -> list[str]:
    """Return the operations that the story takes, in order."""
    lake = Lake.open(root)
    disk = DyingDisk(-1, die)
    lake._store.disk = disk
    tell(lake)
    return disk.done


def attempt(root: Path, at: int, end: Callable[[], None], when: str) -> None:
    lake = Lake.open(root)
    lake._store.disk = DyingDisk(at, end, when)
    tell(lake)


@pytest.mark.parametrize("when", ["amid", "after"])
def test_row_1_27_31_death_at_every_change_loses_and_doubles_nothing(
    tmp_path: Path, when: str
) -> None:
    changes = list_changes(tmp_path / "story")
    assert len(changes) > 30
    for at, name in enumerate(changes):
        if when == "after" or name == "write_new":
            _die_then_finish(tmp_path / str(at), at, when)


def _die_then_finish(root: Path, at: int, when: str) -> None:
    with pytest.raises(DiedError):
        attempt(root, at, die, when)
    check_never_wrong(root)
    tell(Lake.open(root), attempt=1, at=TOMORROW)
    check_complete(root)


def test_row_26_full_disk_at_every_change_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    changes = list_changes(tmp_path / "story")
    for at in range(0, len(changes), 5):
        root = tmp_path / str(at)
        with pytest.raises(OSError, match="No space left"):
            attempt(root, at, fill_up, "amid")
        check_never_wrong(root)
        tell(Lake.open(root), attempt=1)
        check_complete(root)


def test_death_of_the_cleaner_too(tmp_path: Path) -> None:
    changes = list_changes(tmp_path / "story")
    for at in range(0, len(changes), 4):
        root = tmp_path / str(at)
        with pytest.raises(DiedError):
            attempt(root, at, die, "after")
        for second in range(3):
            with suppress(DiedError):
                attempt(root, second, die, "after")
        check_never_wrong(root)
        tell(Lake.open(root), attempt=2, at=TOMORROW)
        check_complete(root)


def test_the_next_commit_clears_what_the_dead_left_behind(tmp_path: Path) -> None:
    first_ledger_row = list_changes(tmp_path / "story").index("link")
    root = tmp_path / "landing"
    with pytest.raises(DiedError):
        attempt(root, first_ledger_row, die, "after")
    assert list((root / ".staging").glob("*.tmp"))
    tell(Lake.open(root))
    assert [path.name for path in (root / ".staging").iterdir()] == ["commit.lock"]


def test_row_1_sigkill_at_every_third_change(tmp_path: Path) -> None:
    count = len(list_changes(tmp_path / "story")) // 3
    assert _in_a_process(tmp_path, "at_every_third_change", str(count)) == count
    for number in range(count):
        _check_then_finish(tmp_path / str(number))


def test_row_1_sigkill_at_random_moments_with_a_second_attempt_beside(tmp_path: Path) -> None:
    _in_a_process(tmp_path, "at_random_moments", "15")
    for number in range(15):
        _check_then_finish(tmp_path / str(number))


def test_row_26_a_file_that_the_kernel_cuts_short_never_shows(tmp_path: Path) -> None:
    Lake.open(tmp_path / "0")
    assert _in_a_process(tmp_path, "with_short_files", "1") == 1
    _check_then_finish(tmp_path / "0")


def _check_then_finish(root: Path) -> None:
    check_never_wrong(root)
    tell(Lake.open(root), attempt=9, at=TOMORROW)
    check_complete(root)


def _in_a_process(root: Path, scenario: str, count: str) -> int:
    """Run a scenario below in a process of its own, which forks the victims; how many died."""
    argv = [sys.executable, "-m", "tests.lake.test_kills", str(root), scenario, count]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=300)
    return int(done.stdout)


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def _died(child: int) -> bool:
    return os.waitpid(child, 0)[1] != 0


def at_every_third_change(root: Path, count: int) -> int:
    children = (
        _fork(lambda n=n: attempt(root / str(n), 3 * n, kill_myself, "amid")) for n in range(count)
    )
    return sum(_died(child) for child in children)


def at_random_moments(root: Path, count: int) -> int:
    chance = random.Random(1009)
    return sum(_kill_one_of_two(root / str(n), chance.uniform(0, 0.06)) for n in range(count))


def _kill_one_of_two(root: Path, after: float) -> bool:
    first = _fork(lambda: tell(Lake.open(root)))
    second = _fork(lambda: tell(Lake.open(root), attempt=1, at=TOMORROW))
    time.sleep(after)
    os.kill(first, signal.SIGKILL)
    assert not _died(second), "the survivor must come through"
    return _died(first)


def with_short_files(root: Path, count: int) -> int:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        tell(Lake.open(root / "0"))

    return sum(_died(_fork(work)) for _ in range(count))


if __name__ == "__main__":
    print(globals()[sys.argv[2]](Path(sys.argv[1]), int(sys.argv[3])))
