"""`make demo`: the main job, from raw pages to published marts, on a town whose truth is known.

Airflow runs the project's own DAGs on loopback, over all days up to the last and then over the last
one. The town's server shows each run the world of its instant. Files are imported when the sites
have been crawled; only then the marts are listening for what lands, so that they run once. A
second time only the last day is run again, as the same logical run: it finds what it landed, and
no number may change.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from demo.answers import write_answers
from demo.configuration import TARGET, configuration
from demo.exports import write_exports
from demo.replay import MARTS, Replay, Stretch
from demo.score import print_score, print_scorecard, score
from demo.server import Child, start_child
from demo.town import Size, Town, prepare
from reports.manifest import Manifest
from reports.shelf import Shelf
from tingchao.airflow import running_airflow
from tingchao.config import Config, load_config
from tingchao.errors import EXIT_FAILED, TingchaoError
from tingchao.fence import exclusive

FOLDER = "../var/demo"  # as config/demo.yml has it
MADE = ("airflow", "enriched", "exports", "landing", "locks", "published", "runs", "warehouse")
NUMBERS = "numbers.json"  # what the last finished demo published: a digest per table
WIDTH = 150

Echo = Callable[[str], object]


def run_demo(
    *, echo: Echo, folder: Path, people: int | None = None, days: int | None = None
) -> int:
    """Run it all; return 0 when every mart came as close to the truth as it should.

    `TingchaoError` when a task fails for good or something cannot start; nothing is left running.
    """
    began = time.monotonic()
    folder = folder.resolve()
    usual = Size()
    town = prepare(folder, Size(people or usual.people, days or usual.days))
    config = load_config(configure(town, folder))
    with exclusive(folder / "demo.lock"):
        forget_another_town(config, folder)
        echo(f"town: {town.people:,} people, {town.start_date} … {town.end}, in {folder}")
        replay_town(town, config, folder, echo)
        echo(f"done in {time.monotonic() - began:.0f} s")
        return report(town, folder, echo)


def stretches(town: Town) -> tuple[Stretch, Stretch]:
    """The past up to the last day, and the last day."""
    eve = town.closes_at - timedelta(days=1)
    start = town.closes_at - timedelta(days=town.days)
    return Stretch("history", start, eve), Stretch("last-day", eve, town.closes_at)


def configure(town: Town, folder: Path) -> Path:
    """Return config/demo.yml, or for another town or folder a copy that fits, beside its data."""
    usual = Town()
    if town == usual and folder == (TARGET.parent / FOLDER).resolve():
        return TARGET
    start, usual_start = town.start_date.isoformat(), usual.start_date.isoformat()
    file = folder / "demo.yml"
    file.write_text(configuration().replace(FOLDER, ".").replace(usual_start, start), "utf-8")
    return file


def forget_another_town(config: Config, folder: Path) -> None:
    """Remove what an earlier demo made of a town or configuration that is no longer this one."""
    mark = folder / "made-of"
    wanted = hashlib.sha256((folder / "town.json").read_bytes() + config.digest.encode())
    if not mark.exists() or mark.read_text("utf-8") != wanted.hexdigest():
        for name in MADE:
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / NUMBERS).unlink(missing_ok=True)
        mark.write_text(wanted.hexdigest(), "utf-8")


def replay_town(town: Town, config: Config, folder: Path, echo: Echo) -> None:
    """Run the DAGs over both stretches; a past that was finished before is left as it is."""
    crawls, imports = dag_ids(config)
    environment = environment_of_tasks(keep_key(folder))
    with (
        town_server(folder, echo) as server,
        running_airflow(config, port=free_port(), echo=echo, base=environment) as airflow,
    ):
        echo(f"Airflow: {airflow.api.url}  user {airflow.api.user}  {airflow.api.password}")
        replay = Replay(airflow, echo)
        replay.await_dags([*crawls, *imports, MARTS])
        replay.switch([*crawls, *imports], on=True)
        for stretch in stretches(town):
            if stretch.end < town.closes_at and replay.is_done([*crawls, *imports], stretch):
                continue
            echo(f"{stretch.run_id}: {stretch.start:%Y-%m-%d %H:%M} … {stretch.end:%Y-%m-%d %H:%M}")
            write_exports(town, folder, stretch.end)
            server.set_now(stretch.end)
            replay.switch([MARTS], on=False)
            replay.run(crawls, stretch)
            replay.switch([MARTS], on=True)
            replay.run(imports, stretch)


def dag_ids(config: Config) -> tuple[list[str], list[str]]:
    """The DAGs that crawl and those that import; in the town each site has an address to go to."""
    crawled = {channel.source for channel in config.channels if channel.source in config.sources}
    return sorted(f"crawl_{source}" for source in crawled), ["import_files"]


@contextmanager
def town_server(folder: Path, echo: Echo) -> Iterator[Child]:
    """The town's sites, for as long as the context lasts."""
    try:
        server = start_child(folder)
    except RuntimeError as error:
        raise TingchaoError(str(error)) from None
    try:
        echo(f"the town's sites: {server.url}")
        yield server
    finally:
        server.stop()


def keep_key(folder: Path) -> Path:
    """The demo's own pseudonym key, made once, readable by its owner alone."""
    file = folder / "pseudonym.key"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
    return file


def environment_of_tasks(key: Path) -> dict[str, str]:
    """This environment without an installation's own settings; the key by its file."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "TINGCHAO"))}
    return {**kept, "TINGCHAO_PSEUDONYM_KEY_FILE": str(key)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def report(town: Town, folder: Path, echo: Echo) -> int:
    """Print how good the channels are, how close the marts came, and where everything lies."""
    looks = [stretch.end for stretch in stretches(town)]
    answers = write_answers(town, folder, town.closes_at, looks)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    published = folder / "published"
    print_scorecard(published / "marts.duckdb", console)
    card = score(answers, folder / "warehouse" / "work.duckdb")  # the public copy is suppressed
    print_score(card, console)
    changed = changed_since_last_demo(folder)
    if changed is not None:
        echo(f"against the demo before: {', '.join(changed) or 'not one number'} changed")
    echo(f"marts:  {published / 'marts.duckdb'}")
    echo(f"report: {published / 'report' / 'index.html'}")
    return 0 if card.holds and not changed else EXIT_FAILED


def changed_since_last_demo(folder: Path) -> list[str] | None:
    """Published tables whose rows differ from the last demo's; None when this is the first."""
    shelf = Shelf(folder / "published")
    tables = Manifest.read(shelf.folder / str(shelf.current)).tables
    numbers = {name: table.digest for name, table in tables.items()}
    file = folder / NUMBERS
    before = json.loads(file.read_text("utf-8")) if file.exists() else None
    file.write_text(json.dumps(numbers, indent=1), "utf-8")
    if before is None:
        return None
    return sorted(n for n in numbers | before if numbers.get(n) != before.get(n))
