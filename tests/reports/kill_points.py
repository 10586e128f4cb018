"""`python -m tests.reports.kill_points FOLDER POINTS`: publish, killed at every step in turn.

Python announces each file it opens for writing, renames, removes, makes or chmods (audit events).
A forked attempt kills itself right before the n-th of them, for n spread over all of them; a second
fork looks at what is served and publishes again. This process itself never opens a database, so
that every fork starts clean. Prints one JSON line per point; exits 1 when one of them was wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reports.digests import digest_of_file
from reports.marts_file import read_published
from reports.report import STYLE_SHEET
from reports.shelf import CANDIDATE, DATABASES, Shelf
from tests.quality.judging import count_instead
from tests.reports.installation import configure, install, rebuild
from tests.reports.warehouse import AS_OF
from tingchao.marts import load_marts
from tingchao.page_style import read_style
from tingchao.steps.publish import publish

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.copyfile"}
END = 40  # changes from the gate's verdict to the end
NEW_ROWS = "update coverage set landed_post_count = landed_post_count + 1"


def main(argv: list[str]) -> int:
    """Run the whole experiment in `argv[0]`, at about `argv[1]` points."""
    folder, points = Path(argv[0]), int(argv[1])
    count_instead(pytest.MonkeyPatch())
    template = folder / "template"
    template.mkdir(parents=True)
    load_marts()  # or every fork would read them again
    read_style(STYLE_SHEET)
    old = int_of(fork(lambda: prepare(template)))
    total = folder / "counted"
    attempt(folder, lambda: count_changes(folder / "attempt", total))
    last = int(total.read_text())
    wrong = old != 0
    for point in spread(points, last):
        killed = attempt(folder, lambda at=point: publish_until(folder / "attempt", at))  # type: ignore[misc]
        code = int_of(fork(lambda: inspect(folder / "attempt")))
        wrong |= code != 0 or not os.WIFSIGNALED(killed)
        sys.stdout.write(json.dumps({"point": point, "of": last, "killed": killed, "wrong": code}))
        sys.stdout.write("\n")
    return int(wrong)


def spread(points: int, last: int) -> list[int]:
    """Half of the points over the whole way, half over its end, where versions change places."""
    half = max(1, points // 2)
    whole = {max(1, last * n // half) for n in range(1, half + 1)}
    end = {max(1, last - END * n // half) for n in range(half)}
    return sorted(whole | end)


def fork(work: Callable[[], Any]) -> int:
    """Run `work` in a fork; returns how that ended, as `os.waitpid` says it."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def int_of(status: int) -> int:
    return os.waitstatus_to_exitcode(status)


def attempt(folder: Path, work: Callable[[], Any]) -> int:
    """Fork `work` on a fresh copy of the template."""
    shutil.rmtree(folder / "attempt", ignore_errors=True)
    shutil.copytree(folder / "template", folder / "attempt")
    return fork(work)


def prepare(folder: Path) -> None:
    """One version is served, and a newer one is built."""
    context = install(folder)
    publish(context)
    rebuild(context, NEW_ROWS, as_of=AS_OF + timedelta(days=1))


def count_changes(folder: Path, total: Path) -> None:
    changes = watch(lambda _: None)
    publish(configure(folder))
    total.write_text(str(len(changes)))


def publish_until(folder: Path, point: int) -> None:
    def kill_at_point(count: int) -> None:
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(kill_at_point)
    publish(configure(folder))


def watch(act: Callable[[int], None]) -> list[str]:
    """Call `act` with the running number of each change to files, right before it happens."""
    changes: list[str] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and set(str(arguments[1] or "")) & set("wax+")
        if event in CHANGES or writes:
            changes.append(event)
            act(len(changes))

    sys.addaudithook(hear)
    return changes


def inspect(folder: Path) -> None:
    """What is served is a whole version, old or new; the same command again finishes the new."""
    shelf = Shelf(folder / "data" / "published")
    served = {name: served_version(shelf, name) for name in DATABASES}
    assert len(shelf.versions()) in (1, 2)
    assert set(served.values()) <= set(shelf.versions()), served
    for version in shelf.versions():
        assert shelf.problems(version) == []
    publish(configure(folder))
    newest = shelf.versions()[-1]
    assert len(shelf.versions()) == 2
    assert {served_version(shelf, name) for name in DATABASES} == {newest}
    assert shelf.current == newest
    assert shelf.problems(newest) == []
    assert not list(shelf.folder.rglob(f"{CANDIDATE}*"))
    assert not list(shelf.folder.rglob("*.wal"))
    for page in (shelf.folder / "report").iterdir():
        assert digest_of_file(page) == digest_of_file(shelf.folder / newest / "report" / page.name)


def served_version(shelf: Shelf, name: str) -> str:
    with read_published(shelf.folder / name) as connection:
        row = connection.execute("select version_id from publication").fetchone()
    assert row
    version = str(row[0])
    assert not [p for p in shelf.misread(version, shelf.folder) if p.startswith(name)]
    return version


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
