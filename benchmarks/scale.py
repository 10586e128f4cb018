"""Enriching and building on DuckDB and on Spark, side by side, at several sizes.

    python -m benchmarks.scale [--posts 20000 --posts 100000 --posts 400000] [--engine duckdb …]

A made-up town is told several times over: every copy has people, posts, orders and words of its own
in the same channels, one segment per channel and day. Each step runs in a process of its own; time
is wall time, core time is what the process and all its children burnt, memory is the most that they
held at once (resident sets, sampled). Spark is what TINGCHAO_SPARK_* say, else this machine's
cores. The table is the one in docs/scale.md; below it, what one million posts and a day of a
hundred million come to, by the formula given there.
"""

from __future__ import annotations

import math
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq

from demo.cast import PLACES, SHOP, Place
from demo.configuration import configuration
from demo.days import utc
from demo.life import Day, Post
from demo.town import Town
from lake import Lake, LogicalRun, Window
from lake.pseudonyms import Pseudonyms
from tingchao.config import Engine
from tingchao.spark import why_unavailable

PEOPLE, DAYS = 4_000, 60
KEY = bytes(32)  # of made-up people
ENGINES = [engine.value for engine in Engine]
SAMPLE_SECONDS = 0.2
GIBIBYTE = 2**30
WINDOW_HOURS = 4
"""How long the nightly run may take in the computation of docs/scale.md."""
DAY_POSTS = 100_000_000


HEAD = (
    (
        "| posts | texts | engine | enrich | build | core time | memory "
        "| landed | enriched | warehouse |"
    ),
    "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|",
)


@dataclass(frozen=True)
class Spent:
    """What one step took."""

    seconds: float
    core_seconds: float
    memory: int


@dataclass(frozen=True)
class Measured:
    """What one engine took for one size."""

    posts: int
    engine: Engine
    enrich: Spent
    build: Spent
    texts: int
    landed: int
    enriched: int
    warehouse: int

    @property
    def core_seconds(self) -> float:
        return self.enrich.core_seconds + self.build.core_seconds

    @property
    def bytes(self) -> int:
        return self.landed + self.enriched + self.warehouse


@click.command(help=__doc__.splitlines()[0])
@click.option("--posts", "sizes", multiple=True, type=int, default=(20_000, 100_000, 400_000))
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(Engine), default=tuple(Engine)
)
def main(sizes: tuple[int, ...], engines: tuple[Engine, ...]) -> None:
    click.echo(describe_machine())
    if Engine.SPARK in engines and (missing := why_unavailable()):
        click.echo(f"spark is left out: {missing}")
        engines.remove(Engine.SPARK)
    measured = []
    town = Town(people=PEOPLE, days=DAYS)
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        for size in sizes:
            home = Path(folder, str(size))
            posts = land_town(town, size, home / "landing")
            run_step(configure(home, Engine.DUCKDB), "gate", "landing")
            for engine in engines:
                measured.append(measure_engine(home, engine, posts))
                click.echo(row_of(measured[-1]), err=True)  # a long run tells what it has so far
    click.echo("\n".join([*HEAD, *map(row_of, measured)]))
    for engine in engines:
        click.echo(compute_day([one for one in measured if one.engine is engine]))


def describe_machine() -> str:
    """Name what the figures depend on."""
    names = ("duckdb", "dbt-duckdb", "pyspark", "dbt-spark", "pyarrow")
    memory = psutil.virtual_memory().total / GIBIBYTE
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in names)
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


# ---- what is measured on


def land_town(town: Town, size: int, folder: Path) -> int:
    """Land about `size` posts: the town, as many times over as it takes; return how many."""
    days = town.told
    told = sum(len(day.posts) for day in days)
    copies = max(1, round(size / told))
    lake, keys = Lake.open(folder), Pseudonyms(KEY)
    for offset, day in enumerate(days):
        start = town.closes_at - timedelta(days=town.days - offset)
        window = Window(start, start + timedelta(days=1))
        for place in PLACES:
            _land_day(lake, town, place, day, window, copies, keys)
    _land_trade(lake, town, copies, keys)
    return told * copies


def _land_day(
    lake: Lake, town: Town, place: Place, day: Day, window: Window, copies: int, keys: Pseudonyms
) -> None:
    run = LogicalRun(place.source, place.id, f"scale-{window.start:%Y%m%d}", window=window)
    posts = [post for post in day.posts if post.place is place]
    seen_at = max([window.end, *(utc(post.at) for post in posts)])
    with lake.write(run, now=lambda: seen_at) as out:
        for post in posts:
            for copy in range(copies):
                out.add("posts", _post(town, post, copy, keys))
        for reaction in (reaction for reaction in day.reactions if reaction.place is place):
            for copy in range(copies):
                native = town.population.native_author(place, reaction.author)
                record = {
                    "post_id": f"{reaction.post.post_id}.{copy}",
                    "actor_key": keys.key(place.source, f"{native}.{copy}"),
                    "kind": reaction.kind,
                    "occurred_at": utc(reaction.at),
                    "occurred_precision": "second",
                }
                out.add("reactions", record)
        fans = town.fan_counts[place.id][window.start.toordinal() - _first_day(town)] * copies
        out.add("channels", {"observed_at": window.start, "fan_count": fans})
        out.finish("exhausted", covered=window)


def _first_day(town: Town) -> int:
    return (town.closes_at - timedelta(days=town.days)).astimezone(UTC).toordinal()


def _post(town: Town, post: Post, copy: int, keys: Pseudonyms) -> dict[str, Any]:
    native = town.population.native_author(post.place, post.author)
    parent = f"{post.parent.post_id}.{copy}" if post.parent is not None else None
    return {
        "post_id": f"{post.post_id}.{copy}",
        "kind": post.kind.value,
        "parent_id": parent,
        "root_id": parent,
        "author_key": keys.key(post.place.source, f"{native}.{copy}"),
        "title_text": post.saying.title or None,
        "body_text": f"{post.saying.body} {copy}",
        "published_at": utc(post.at),
        "published_precision": "second",
    }


def _land_trade(lake: Lake, town: Town, copies: int, keys: Pseudonyms) -> None:
    end = town.closes_at
    window = Window(end - timedelta(days=town.days), end)
    with lake.write(LogicalRun(SHOP, SHOP, "scale", window=window), now=lambda: end) as out:
        for table, record in _trade(town, copies, keys, int(end.timestamp())):
            out.add(table, record)
        out.finish("exhausted", covered=window)


def _trade(
    town: Town, copies: int, keys: Pseudonyms, end: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    for trade in town.trading():
        for copy in range(copies):
            for order in trade.orders:
                yield (
                    "orders",
                    {
                        "order_id": f"{order.order_id}.{copy}",
                        "customer_key": _key(keys, order.customer_id, copy),
                        "visitor_key": _key(keys, order.visitor_id, copy),
                        "brand_id": "wuyu",
                        "ordered_at": utc(order.at),
                        "status": order.status_at(end),
                        "amount": f"{order.amount / 100:.2f}",
                        "refund_amount": f"{order.refund_at(end) / 100:.2f}",
                        "currency": order.currency,
                        **_touch(order.touch),
                    },
                )
            for visit in trade.visits:
                yield (
                    "visits",
                    {
                        "visit_id": f"{visit.visit_id}.{copy}",
                        "visitor_key": _key(keys, visit.visitor_id, copy),
                        "occurred_at": utc(visit.at),
                        **_touch(visit.touch),
                    },
                )


def _key(keys: Pseudonyms, native: str | None, copy: int) -> str | None:
    return keys.key(SHOP, f"{native}.{copy}") if native else None


def _touch(touch: tuple[str | None, ...]) -> dict[str, str | None]:
    return dict(zip(("utm_source", "utm_medium", "utm_campaign"), touch[:3], strict=True))


# ---- measuring


def measure_engine(home: Path, engine: Engine, posts: int) -> Measured:
    """Enrich and build everything on an engine, from nothing."""
    config = configure(home, engine)
    data = config.parent
    return Measured(
        posts=posts,
        engine=engine,
        enrich=run_step(config, "enrich"),
        build=run_step(config, "build"),
        texts=sum(pq.read_metadata(p).num_rows for p in (data / "enriched").rglob("*.parquet")),
        landed=size_of(home / "landing"),
        enriched=size_of(data / "enriched"),
        warehouse=size_of(data / "warehouse"),
    )


def configure(home: Path, engine: Engine) -> Path:
    """Write the town's configuration with an engine and a folder of its own."""
    data = home / engine.value
    data.mkdir(parents=True, exist_ok=True)
    where = f"data_dir: {data}\nlake_uri: {home / 'landing'}\nengine: {engine.value}"
    start = Town(days=DAYS).start_date.isoformat()
    text = configuration().replace(Town().start_date.isoformat(), start)
    config = data / "scale.yml"
    config.write_text(text.replace("data_dir: ../var/demo", where), encoding="utf-8")
    return config


def run_step(config: Path, *step: str) -> Spent:
    """Run one command and watch it and all its children."""
    now = Town().closes_at.isoformat()
    argv = [sys.executable, "-m", "tingchao.cli", "--config", str(config), "--now", now, *step]
    environment = {**os.environ, "TINGCHAO_PSEUDONYM_KEY": KEY.hex()}
    began, burnt, memory = time.monotonic(), defaultdict(float), 0
    with psutil.Popen(argv, env=environment, stdout=sys.stderr) as process:
        while process.poll() is None:
            memory = max(memory, _sample(process, burnt))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(step)} of {config} ended with exit code {process.returncode}")
    return Spent(time.monotonic() - began, sum(burnt.values()), memory)


def _sample(process: psutil.Process, burnt: dict[tuple[int, float], float]) -> int:
    """Note the core time of every living process of the tree; return what they hold in memory."""
    memory = 0
    with suppress(psutil.NoSuchProcess):
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                burnt[member.pid, member.create_time()] = times.user + times.system
                memory += member.memory_info().rss
    return memory


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; one that has two names there counts once."""
    found = (path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum({status.st_ino: status.st_size for status in found}.values())


# ---- saying it


def row_of(one: Measured) -> str:
    """Return a line of the Markdown table of docs/scale.md."""
    memory = max(one.enrich.memory, one.build.memory) / GIBIBYTE
    sizes = " | ".join(f"{n / 1e6:,.1f} MB" for n in (one.landed, one.enriched, one.warehouse))
    return (
        f"| {one.posts:,} | {one.texts:,} | {one.engine} | {one.enrich.seconds:.0f} s | "
        f"{one.build.seconds:.0f} s | {one.core_seconds:.0f} s | {memory:.1f} GiB | {sizes} |"
    )


def compute_day(measured: list[Measured]) -> str:
    """Say what a further million posts costs on an engine, and a day of a hundred million.

    What every run costs, however little is new, is in both ends of the line and so in neither sum.
    """
    by_size = sorted(measured, key=lambda one: one.posts)
    small, large = by_size[0] if len(by_size) > 1 else None, by_size[-1]
    posts = large.posts - (small.posts if small else 0)
    core_seconds = (large.core_seconds - (small.core_seconds if small else 0)) / posts * 1e6
    size = (large.bytes - (small.bytes if small else 0)) / posts
    day = core_seconds * DAY_POSTS / 1e6 / 3600
    return (
        f"{large.engine}: {core_seconds:,.0f} core seconds and {size / 1e3:.2f} GB per further "
        f"million posts; {DAY_POSTS:,} posts a day: {day:,.1f} core hours, "
        f"{math.ceil(day / WINDOW_HOURS):,} cores for {WINDOW_HOURS} hours, "
        f"{size * DAY_POSTS / 1e9:,.0f} GB"
    )


if __name__ == "__main__":
    main()
