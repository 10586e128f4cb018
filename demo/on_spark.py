"""`make spark-cluster`: the town's marts on a Spark cluster of this machine, beside DuckDB's.

What `make demo` landed is understood and built anew by a standalone master and two workers, gated
and published into a folder of its own; then every row is held against what DuckDB published.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import click
import duckdb

from demo.configuration import TARGET
from demo.main_job import FOLDER, NUMBERS, USUAL_FOLDER, Echo, keep_key
from demo.town import load_town
from tingchao.errors import EXIT_FAILED, TingchaoError
from tingchao.fence import run_child
from tingchao.marts import load_marts
from tingchao.spark_cluster import Size, running_cluster

STEPS = (["enrich"], ["build"], ["publish"])
TOLERANCE = 1e-9
"""Of floating point, relative: a sum in another order may differ in its last digits."""

Row = tuple[Any, ...]


def run_on_spark(folder: Path, size: Size, *, echo: Echo) -> int:
    """Run the steps on a cluster; return 0 when every mart has the rows that DuckDB's has.

    `TingchaoError` when there is no finished demo in the folder, or a step fails.
    """
    if not (folder / NUMBERS).exists():
        raise TingchaoError(
            f"{folder}: expected a finished demo, found none; run `make demo` first"
        )
    home = folder / "spark"
    config = configure(folder, home)
    with running_cluster(home / "cluster", size) as cluster:
        echo(f"Spark: {cluster.address}, {size.workers} workers; web page {cluster.web_page}")
        environment = {
            **os.environ,
            **cluster.variables(size),
            "TINGCHAO_PSEUDONYM_KEY_FILE": str(keep_key(folder)),
        }
        for step in STEPS:
            run_step(config, load_town(folder).closes_at.isoformat(), step, environment)
    return report(folder, home, echo)


def configure(folder: Path, home: Path) -> Path:
    """Return the demo's configuration with Spark as its engine and a folder of its own."""
    written = folder / "demo.yml"
    text = (written if written.exists() else TARGET).read_text("utf-8")
    home.mkdir(exist_ok=True)
    where = f"data_dir: {home}\nlake_uri: {folder / 'landing'}\nengine: spark"
    for data_dir in (f"data_dir: {FOLDER}\n", "data_dir: .\n"):
        text = text.replace(data_dir, f"{where}\n")
    file = home / "demo.yml"
    file.write_text(text, "utf-8")
    return file


def run_step(config: Path, now: str, step: list[str], environment: dict[str, str]) -> None:
    """Run one command as a person would type it; `TingchaoError` when it fails."""
    argv = [sys.executable, "-m", "tingchao.cli", "--config", str(config), "--now", now, *step]
    if run_child(argv, env=environment, capture=False).returncode:
        raise TingchaoError(f"spark: `tingchao {' '.join(step)}` failed; it says above why")


def report(folder: Path, home: Path, echo: Echo) -> int:
    """Say which marts differ between the two published files."""
    here, there = (path / "published" / "marts.duckdb" for path in (home, folder))
    names = [mart.name for mart in load_marts()]
    different = [
        name for name in names if not is_same(read_rows(here, name), read_rows(there, name))
    ]
    verdict = f"{', '.join(different)} differ" if different else "every row is the same"
    echo(f"{len(names)} marts of Spark against those of DuckDB: {verdict}")
    echo(f"marts:  {here}")
    return EXIT_FAILED if different else 0


def read_rows(file: Path, mart: str) -> list[Row]:
    """Return a mart's rows in an order that does not depend on who wrote them."""
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(f"select * from {mart} order by all").fetchall()


def is_same(left: list[Row], right: list[Row]) -> bool:
    """Whether two marts are equal: all values exactly, floating point within `TOLERANCE`."""
    return len(left) == len(right) and all(
        len(one) == len(other) and all(map(_is_close, one, other))
        for one, other in zip(left, right, strict=True)
    )


def _is_close(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


@click.command(help=__doc__.splitlines()[0])
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=USUAL_FOLDER)
@click.option("--workers", default=2, show_default=True)
@click.option("--cores", default=1, show_default=True, help="Of each worker.")
@click.option("--memory", default="2g", show_default=True, help="Of each worker.")
def main(folder: Path, **size: Any) -> None:
    try:
        sys.exit(run_on_spark(folder.resolve(), Size(**size), echo=click.echo))
    except TingchaoError as error:
        click.echo(f"tingchao: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
