"""Understanding texts on Spark: the same pure function, wherever the executors are.

The driver reads the ledger and tells Spark which files are committed. Spark finds the distinct
texts that are not known, sorted by hash, and maps them. Each task leaves one finished file aside,
in a folder of this attempt alone, and reports its name; the driver puts the files of those tasks
that Spark counts as done in their place. So it does not matter which executor dies, how often a
task is tried, or what an executor of a killed attempt still writes: nobody looks there.

Texts are taken in waves of about five minutes, each in place before the next begins: a killed run
costs one wave. Executors see `data_dir` under the same path as the driver and have the same
release installed; a task that finds it otherwise says so and does nothing.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import ENRICHED_FILE, Lexicon
from lake.text import joined
from tingchao.context import Context
from tingchao.enriching.batches import prepare_worker, regroup, understand
from tingchao.enriching.files import EnrichedFiles, FileName
from tingchao.errors import TingchaoError
from tingchao.spark import open_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS_PER_CORE: Final = 1_000_000
"""Landed rows in one wave, for each core of the cluster: about five minutes of its work."""

POSTS: Final = "text_hash string, title_text string, body_text string"
REPORT: Final = "name string, file string, row_count long, problem string"
_REPORT: Final = pa.schema(
    {"name": pa.string(), "file": pa.string(), "row_count": pa.int64(), "problem": pa.string()}
)


@dataclass(frozen=True)
class Errand:
    """What every task is given: how to understand, as of when, and where to leave the result."""

    lexicon: Lexicon
    version: str
    at: datetime
    aside: Path

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Enrich one partition of `POSTS`, sorted by hash, into one durable file; report it."""
        first = next(batches, None)
        if first is None:
            return
        problem = self._problem()
        if problem:
            yield _report(problem=problem)
        else:
            yield self._enrich(regroup(map(_texts_of, chain([first], batches))))

    def _problem(self) -> str | None:
        """Return why nothing may be done on this machine; None when all is well."""
        version = replace(self.lexicon).version  # a copy knows nothing of the driver's digest
        if version != self.version:
            return f"an executor gives version {version}: install the driver's release there"
        if not self.aside.is_dir():
            return f"an executor does not see {self.aside}: data_dir must be a folder of all"
        return None

    def _enrich(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch:
        prepare_worker(self.lexicon)
        name, row_count = FileName(), 0
        file = self.aside / f"{secrets.token_hex(8)}.parquet"
        with file.open("xb") as sink:
            with pq.ParquetWriter(sink, ENRICHED_FILE, compression="zstd") as writer:
                for batch in batches:
                    writer.write_table(understand(batch, self.lexicon, self.at))
                    name.add(batch.column("text_hash").to_pylist())
                    row_count += batch.num_rows
            sink.flush()
            os.fsync(sink.fileno())
        return _report(name=str(name), file=file.name, row_count=row_count)


def _texts_of(posts: pa.RecordBatch) -> pa.RecordBatch:
    """Turn rows of `POSTS` into rows of `enrichment.TEXTS`."""
    hashes, titles, bodies = (posts.column(i).to_pylist() for i in range(3))
    texts = [joined(title, body) for title, body in zip(titles, bodies, strict=True)]
    return pa.record_batch(
        {"text_hash": pa.array(hashes, pa.string()), "text": pa.array(texts, pa.string())}
    )


def _report(**told: str | int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([told], schema=_REPORT)


def enrich_on_spark(
    context: Context, lexicon: Lexicon, files: EnrichedFiles, read: set[str]
) -> Iterator[int]:
    """Enrich what the segments other than those `read` bring; yield the rows of each wave.

    `TingchaoError` when Spark cannot run, or gives up; finished waves stay.
    """
    aside = files.attempts / f"{os.getpid()}-{secrets.token_hex(4)}"
    aside.mkdir(parents=True, mode=0o700)
    errand = Errand(lexicon, files.version, context.now(), aside)
    spark = open_session("tingchao enrich")
    with _giving_up():
        for wave in _waves(context, spark, read):
            yield _enrich_wave(_new_texts(spark, wave, files), errand, files)


def _waves(context: Context, spark: SparkSession, read: set[str]) -> Iterator[list[str]]:
    """Yield the addresses of the files to go through, in pieces that end with a wave's last row."""
    paths = [p for p in context.lake.segments("posts") if Path(p).stem not in read]
    ledger = context.lake.ledger().select(["segment_id", "landed_count"]).to_pydict()
    row_counts = dict(zip(ledger["segment_id"], ledger["landed_count"], strict=True))
    total = sum(row_counts[Path(path).stem] for path in paths)
    limit = ROWS_PER_CORE * (_cores(spark) if total > ROWS_PER_CORE else 1)
    wave, rows = [], 0
    for path in paths:
        wave.append(_uri(context, path))
        rows += row_counts[Path(path).stem]
        if rows >= limit:
            yield wave
            wave, rows = [], 0
    if wave:
        yield wave


def _cores(spark: SparkSession) -> int:
    """Return into how many pieces Spark cuts by default: its cores, on a cluster and in Connect."""
    return spark.range(1 << 16).selectExpr("spark_partition_id() as piece").distinct().count()


def _uri(context: Context, path: str) -> str:
    """Return a landed file's address as Spark writes it, with nothing that it takes for a glob."""
    literal = _literal(path)
    if context.lake.is_local:
        return f"file:{literal}"
    told = urlsplit(context.config.landing_uri)
    scheme = {"s3": "s3a", "gcs": "gs"}.get(told.scheme, told.scheme)
    return f"{scheme}://{told.netloc}{told.path.rstrip('/')}{literal[len(context.lake.address) :]}"


def _literal(path: str) -> str:
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)


def _new_texts(spark: SparkSession, paths: list[str], files: EnrichedFiles) -> DataFrame:
    """Return the distinct texts in these files that are not enriched yet, each partition sorted."""
    from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

    posts = spark.read.schema(POSTS).parquet(*paths).where("text_hash is not null")
    same = F.min(F.struct("title_text", "body_text")).alias("post")  # whichever: one text
    texts = posts.groupBy("text_hash").agg(same)
    if files.names():
        known = spark.read.schema("text_hash string").parquet(f"file:{_literal(str(files.folder))}")
        texts = texts.join(known, "text_hash", "left_anti")
    columns = ("text_hash", "post.title_text", "post.body_text")
    return texts.select(*columns).sortWithinPartitions("text_hash")


def _enrich_wave(texts: DataFrame, errand: Errand, files: EnrichedFiles) -> int:
    reports = texts.mapInArrow(errand.run, REPORT).collect()
    problem = next((report.problem for report in reports if report.problem), None)
    if problem:
        raise TingchaoError(
            f"enrich: {problem} (docs/scale.md#a-cluster-of-your-own); finished waves are kept"
        )
    files.adopt({report.name: errand.aside / report.file for report in reports})
    return sum(report.row_count for report in reports)


@contextmanager
def _giving_up() -> Iterator[None]:
    """Turn what Spark raises into an error that says what is kept and what to do."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise TingchaoError(
            f"enrich: Spark gave up: {said[0]}; every finished wave is kept. Is a worker left, and "
            "has it memory enough? Run `tingchao enrich` again to go on from there"
        ) from error
