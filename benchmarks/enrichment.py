"""Posts per second of the text stage, Parquet to Parquet, beside a plain jieba loop.

    python -m benchmarks.enrichment [--posts 40000] [--rounds 5]

Both sides read the same generated posts (about 36 characters each, half of them Traditional) and
write their result as Zstandard Parquet. The rounds alternate, so a noisy machine disturbs both
alike; what is reported are medians and the ratio of medians. The plain loop cuts words and looks
for brands with `in`, as a first script would; ours does everything of `enrichment.schema`.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import count, repeat
from multiprocessing import get_context
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import Alias, Brand, Lexicon, Topic, build_lexicon, enrich_batch, reader_of
from enrichment.script import converter
from enrichment.words import ReferenceSegmenter
from tingchao.enriching.files import as_parquet

BATCH_ROWS = 10_000
BRANDS = (
    "潮鳴茶",
    "雲霧手搖",
    "山嵐咖啡",
    "橙果超市",
    "Norrlight",
    "拾光書店",
    "海角電信",
    "鹿野單車",
)
SUBJECTS = ("店員", "包裝", "出貨速度", "新口味", "客服", "門市環境", "APP", "週年慶活動", "外送")
OPINIONS = (
    "真的很讚，下次還會回購",
    "讓人傻眼，等了四十分鐘還沒好",
    "普普通通，沒有想像中厲害",
    "比上個月進步很多，值得再給一次機會",
    "又漲價了，份量卻縮水，不推",
    "算是穩定發揮，同事們都說不錯",
)
TAILS = (
    "有人一樣嗎？",
    "求推薦別家",
    "[笑cry]",
    "😂😂",
    "純分享",
    "@小編 出來面對",
    "週末帶家人去台中試試看",
)


def generate_posts(count: int, seed: int = 20) -> pa.Table:
    """Return distinct made-up posts in both scripts: (text_hash, text)."""
    draw = random.Random(seed)  # noqa: S311 - made-up posts, the same on every machine
    texts: dict[str, None] = {}
    while len(texts) < count:
        text = (
            f"{draw.choice(BRANDS)}的{draw.choice(SUBJECTS)}{draw.choice(OPINIONS)}，"
            f"{draw.choice(TAILS)} {draw.randrange(10**5)}"
        )
        texts[converter("t2s").convert(text) if draw.random() < 0.5 else text] = None
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
    return pa.table({"text_hash": hashes, "text": list(texts)})


def benchmark_lexicon() -> Lexicon:
    brands = [Brand(f"brand-{i}", (Alias(name),)) for i, name in enumerate(BRANDS)]
    return build_lexicon(brands, [Topic("service", ("店員", "客服", "出貨"))])


def run_plain(source: Path, target: Path) -> None:
    """One process, jieba's words and brands by `in`: what one would write first."""
    segmenter = ReferenceSegmenter(())
    rows = pq.read_table(source).to_pylist()
    for row in rows:
        row["words"] = list(segmenter.cut(row["text"], guess=True))
        row["brands"] = [name for name in BRANDS if name in row["text"]]
    pq.write_table(pa.Table.from_pylist(rows), target, compression="zstd")


def run_ours(source: Path, target: Path, pool: ProcessPoolExecutor, lexicon: Lexicon) -> None:
    """Everything of the enriched schema, with one worker per core.

    As in `tingchao enrich`, who reads a batch of texts also writes it, as a file of its own.
    """
    with pq.ParquetFile(source) as file:
        batches = file.iter_batches(BATCH_ROWS)
        paths = (target.with_suffix(f".{number}.parquet") for number in count())
        for _ in pool.map(enrich_into, batches, paths, repeat(lexicon)):
            pass


def enrich_into(batch: pa.RecordBatch, path: Path, lexicon: Lexicon) -> None:
    """Enrich one batch into one file."""
    path.write_bytes(as_parquet(pa.Table.from_batches([enrich_batch(batch, lexicon)])))


def warm_up(lexicon: Lexicon) -> None:
    """Build the reader of this process; a reader itself stays where it was built."""
    reader_of(lexicon)


def measure(work: Callable[[], None]) -> float:
    """Return the seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(posts: pa.Table, rounds: int, workers: int) -> tuple[list[float], list[float]]:
    """Return posts per second of ours and of the plain loop, round by round."""
    lexicon = benchmark_lexicon()
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "posts.parquet"), Path(folder, "out.parquet")
        pq.write_table(posts, source, row_group_size=BATCH_ROWS)
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(warm_up, repeat(lexicon, workers)))
            for _ in range(rounds):
                seconds = measure(lambda: run_ours(source, target, pool, lexicon))
                ours.append(posts.num_rows / seconds)
                plain.append(posts.num_rows / measure(lambda: run_plain(source, target)))
    return ours, plain


@click.command(help=__doc__.splitlines()[0])
@click.option("--posts", default=40_000, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(posts: int, rounds: int, workers: int) -> None:
    table = generate_posts(posts)
    ours, plain = (statistics.median(rates) for rates in compare(table, rounds, workers))
    length = statistics.mean(map(len, table.column("text").to_pylist()))
    click.echo(f"{posts:,} posts of {length:.0f} characters, {rounds} rounds, medians")
    click.echo(f"ours, {workers} processes:    {ours:8,.0f} posts/s")
    click.echo(f"jieba loop, 1 process: {plain:8,.0f} posts/s")
    click.echo(f"ratio of medians:      {ours / plain:8.1f}")


if __name__ == "__main__":
    main()
