"""Speed of the text stage, Parquet to Parquet, beside the script that one would write first.

    python -m benchmarks.text [--posts 100000] [--rounds 3]

All sides read the same generated posts (about 36 characters each, both scripts) and write Zstandard
Parquet. The plain script is pandas, jieba and an `in` loop over the brands; the same with
SnowNLP's sentiment runs on a sample, where SnowNLP can be imported (`pip install snownlp` into an
environment of your own; nothing here installs it). Ours does everything of `enrichment.schema`,
with one process per core. The rounds alternate, so a noisy machine disturbs all alike; told are
medians, their ratios, the peak memory of ours, and the versions of what took part. The last line
tells what 100,000 aliases cost beside 1,000.
"""

from __future__ import annotations

import importlib
import platform
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.enrichment import (
    BATCH_ROWS,
    BRANDS,
    benchmark_lexicon,
    generate_posts,
    measure,
    run_ours,
)
from enrichment import Alias, Brand, Lexicon, build_lexicon, enrich_batch
from enrichment.script import fold_variants
from enrichment.words import ReferenceSegmenter
from tingchao.enriching.batches import prepare_worker

SNOW_POSTS: Final = 1_000
"""SnowNLP reads some hundred posts a second: a sample says as much as all of them."""
ALIASES: Final = (1_000, 100_000)
PARTS: Final = ("jieba", "rjieba", "opencc", "numpy", "pyarrow", "pandas", "snownlp")


def run_plain(source: Path, target: Path, *, with_moods: bool = False) -> None:
    """One process: pandas, jieba's words, brands by `in`, and SnowNLP's sentiment if asked."""
    segmenter = ReferenceSegmenter(())
    posts = pd.read_parquet(source)
    posts["words"] = posts["text"].map(lambda text: list(segmenter.cut(text, guess=True)))
    posts["brands"] = posts["text"].map(lambda text: [name for name in BRANDS if name in text])
    if with_moods:
        snow = importlib.import_module("snownlp").SnowNLP
        posts["sentiment"] = posts["text"].map(lambda text: snow(text).sentiments)
    posts.to_parquet(target, compression="zstd")


def compare(posts: pa.Table, rounds: int, workers: int) -> tuple[dict[str, list[float]], float]:
    """Return posts per second of every side, round by round, and the peak memory of ours in MB."""
    lexicon = benchmark_lexicon()
    rates: dict[str, list[float]] = {"ours": [], "plain": [], "plain with SnowNLP": []}
    with tempfile.TemporaryDirectory() as folder:
        source, sample, target = (Path(folder, f"{name}.parquet") for name in ("in", "few", "out"))
        pq.write_table(posts, source, row_group_size=BATCH_ROWS)
        pq.write_table(posts.slice(0, SNOW_POSTS), sample)
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(prepare_worker, repeat(lexicon, workers)))
            run_ours(source, target, pool, lexicon)
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            sides: list[tuple[str, int, Callable[[], None]]] = [
                ("ours", posts.num_rows, partial(run_ours, source, target, pool, lexicon)),
                ("plain", posts.num_rows, partial(run_plain, source, target)),
            ]
            if find_spec("snownlp"):
                snow = partial(run_plain, sample, target, with_moods=True)
                snow()  # its first text loads its models
                sides.append(("plain with SnowNLP", min(SNOW_POSTS, posts.num_rows), snow))
            for _ in range(rounds):
                for name, count, work in sides:
                    rates[name].append(count / measure(work))
    of_workers = workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {name: found for name, found in rates.items() if found}, (own + of_workers) / 1024


def many_aliases(count: int) -> Lexicon:
    """Return the brands of the benchmark, and as many made-up aliases as are missing."""
    draw = random.Random(1)  # noqa: S311 - made-up aliases, the same on every machine
    made: dict[str, str] = {}
    while len(made) < count - len(BRANDS):
        text = "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(draw.choice((2, 3, 4))))
        made[fold_variants(text)[-1]] = text
    known = benchmark_lexicon()
    others = [Brand(f"other-{i}", (Alias(text),)) for i, text in enumerate(made.values())]
    return build_lexicon([*known.brands, *others], known.topics)


def cost_of_aliases(posts: pa.Table, rounds: int) -> dict[int, float]:
    """Return seconds of processor time for the same posts, by the number of aliases."""
    batch = posts.slice(0, BATCH_ROWS).combine_chunks().to_batches()[0]
    lexicons = {count: many_aliases(count) for count in ALIASES}
    seconds: dict[int, list[float]] = {count: [] for count in ALIASES}
    for lexicon in lexicons.values():
        enrich_batch(batch, lexicon)
    for _ in range(rounds):
        for count, lexicon in lexicons.items():
            start = time.process_time()
            enrich_batch(batch, lexicon)
            seconds[count].append(time.process_time() - start)
    return {count: statistics.median(found) for count, found in seconds.items()}


def told_versions() -> Iterator[str]:
    yield f"python {platform.python_version()}"
    for name in PARTS:
        if find_spec(name):
            yield f"{name} {version(name)}"


@click.command(help=__doc__.splitlines()[0])
@click.option("--posts", default=100_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(posts: int, rounds: int, workers: int) -> None:
    table = generate_posts(posts)
    length = statistics.mean(map(len, table.column("text").to_pylist()))
    click.echo(f"{posts:,} posts of {length:.0f} characters, {rounds} rounds, medians")
    click.echo(", ".join(told_versions()))
    rates, peak = compare(table, rounds, workers)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in medians.items():
        click.echo(f"{name:20} {rate:10,.0f} posts/s   ours is {medians['ours'] / rate:6.1f} times")
    if "plain with SnowNLP" not in medians:
        click.echo("plain with SnowNLP: not measured, `import snownlp` fails here (see --help)")
    click.echo(f"peak memory, {workers} workers and what feeds them: {peak:,.0f} MB")
    costs = cost_of_aliases(table, rounds)
    few, many = (costs[count] for count in ALIASES)
    click.echo(f"{ALIASES[1]:,} aliases cost {many / few:.2f} times what {ALIASES[0]:,} cost")


if __name__ == "__main__":
    main()
