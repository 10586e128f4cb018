"""`make demo`: the main job, from raw pages to published marts, on a town whose truth is known.

Airflow runs the project's own DAGs on loopback, over all days up to the last and then over the last
one. The town's server shows each run the world of its instant. The marts listen for what lands only
when everything else has landed, so that they run once. A second time only the last day is run
again, as the same logical run: it finds what it landed, and no number may change.
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
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from demo.answers import write_answers
from demo.configuration import TARGET, configuration
from demo.exports import write_exports
from demo.keys import KEYS
from demo.replay import MARTS, Replay, Stretch
from demo.score import print_score, print_scorecard, score
from demo.server import HOST, PORT, Child, start_child
from demo.town import Size, Town, prepare
from reports.manifest import Manifest
from reports.shelf import Shelf
from tingchao.airflow import running_airflow
from tingchao.config import Config, load_config
from tingchao.errors import EXIT_FAILED, TingchaoError
from tingchao.fence import exclusive

FOLDER = "../var/demo"  # as config/demo.yml has it
USUAL_FOLDER = (TARGET.parent / FOLDER).resolve()
MADE = (
    "airflow",
    "enriched",
    "exports",
    "landing",
    "locks",
    "published",
    "quota",  # spent on the days of that town
    "runs",
    "warehouse",
)
# The DAGs do not change while the demo runs.
NO_SECOND_LOOK = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600"}
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
    folder, usual = folder.resolve(), Size()
    with exclusive(folder / "demo.lock"):
        town = prepare(folder, Size(people or usual.people, days or usual.days))
        forget_another_town(folder)
        echo(f"town: {town.people:,} people, {town.start_date} … {town.end}, in {folder}")
        looks = [stretch.end for stretch in stretches(town)]
        with ThreadPoolExecutor(max_workers=1) as aside:  # the town's truth needs no pipeline
            answers = aside.submit(write_answers, town, folder, town.closes_at, looks)
            replay_town(town, folder, echo)
        code = report(folder, answers.result(), echo)
        echo(f"done in {time.monotonic() - began:.0f} s")
        return code


def stretches(town: Town) -> tuple[Stretch, Stretch]:
    """The past up to the last day, and the last day."""
    eve = town.closes_at - timedelta(days=1)
    start = town.closes_at - timedelta(days=town.days)
    return Stretch("history", start, eve), Stretch("last-day", eve, town.closes_at)


def configure(town: Town, folder: Path, address: str) -> Path:
    """Return config/demo.yml, or a copy beside the data that fits another town, folder or port."""
    usual = configuration()
    text = usual.replace(Town().start_date.isoformat(), town.start_date.isoformat())
    text = text.replace(f"{HOST}:{PORT}", address)
    if text == usual and folder == USUAL_FOLDER:
        return TARGET
    file = folder / "demo.yml"
    file.write_text(text.replace(FOLDER, "."), "utf-8")
    return file


def forget_another_town(folder: Path) -> None:
    """Remove what an earlier demo made of another town: other people, days, words or brands."""
    mark = folder / "made-of"
    parts = [folder / "town.json", TARGET, *sorted(Path(__file__).parent.glob("*.py"))]
    made_of = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    if not mark.exists() or mark.read_text("utf-8") != made_of:
        for name in MADE:
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / NUMBERS).unlink(missing_ok=True)
        mark.write_text(made_of, "utf-8")


def replay_town(town: Town, folder: Path, echo: Echo) -> None:
    """Run the DAGs over both stretches; a past that was finished before is left as it is."""
    environment = environment_of_tasks(keep_key(folder))
    port = PORT if is_free(PORT) else free_port()
    config = load_config(configure(town, folder, f"{HOST}:{port}"))
    with (
        town_server(folder, port) as server,
        running_airflow(config, port=free_port(), echo=echo, base=environment) as airflow,
    ):
        sites = server.result()
        echo(f"the town's sites: {sites.url}")
        echo(f"Airflow: {airflow.api.url}  user {airflow.api.user}  {airflow.api.password}")
        replay_stretches(town, config, folder, sites, Replay(airflow, echo))


def replay_stretches(
    town: Town, config: Config, folder: Path, server: Child, replay: Replay
) -> None:
    """Show the world as it was at the end of each stretch, and let every source be asked for it."""
    crawls, imports = dag_ids(config)
    replay.await_dags([*crawls, *imports, MARTS])
    replay.switch([*crawls, *imports], on=True)
    for stretch in stretches(town):
        if stretch.end < town.closes_at and replay.is_done([*crawls, *imports], stretch):
            continue
        replay.echo(f"{stretch.run_id}: {stretch.start:%Y-%m-%d} … {stretch.end:%Y-%m-%d %H:%M}")
        write_exports(town, folder, stretch.end)
        server.set_now(stretch.end)
        replay.switch([MARTS], on=False)
        if stretch.end < town.closes_at:
            replay.run([*crawls, *imports], stretch)
        else:
            replay.run(crawls, stretch)
            replay.switch([MARTS], on=True)
            replay.run(imports, stretch)


def dag_ids(config: Config) -> tuple[list[str], list[str]]:
    """The DAGs that crawl and those that import; in the town each site has an address to go to."""
    crawled = {channel.source for channel in config.channels if channel.source in config.sources}
    return sorted(f"crawl_{source}" for source in crawled), ["import_files"]


@contextmanager
def town_server(folder: Path, port: int) -> Iterator[Future[Child]]:
    """The town's sites for as long as the context lasts; they come up while something else does."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        server = aside.submit(open_sites, folder, port)
        try:
            yield server
        finally:
            if server.exception() is None:
                server.result().stop()


def open_sites(folder: Path, port: int) -> Child:
    """Start the sites; the thread that does must stay, for they end with it."""
    try:
        return start_child(folder, port)
    except RuntimeError as error:
        raise TingchaoError(str(error)) from None


def keep_key(folder: Path) -> Path:
    """The demo's own pseudonym key, made once, readable by its owner alone."""
    file = folder / "pseudonym.key"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
    return file


def environment_of_tasks(key: Path) -> dict[str, str]:
    """This environment without an installation's own settings, with the town's own keys."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "TINGCHAO"))}
    return {**kept, **KEYS, **NO_SECOND_LOOK, "TINGCHAO_PSEUDONYM_KEY_FILE": str(key)}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def report(folder: Path, answers: Path, echo: Echo) -> int:
    """Print how good the channels are, how close the marts came, and where everything lies."""
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
