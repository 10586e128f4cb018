"""Understand each distinct landed text once per version; a changed lexicon is a new version.

What is done is what lies in `enriched/texts/version=<version>/`: a batch is written whole, durably
and in one rename, so after a kill the next run goes on with the texts that are not there. When no
text is left, `enriched/versions/<version>.json` says so, once: from its instant on, marts use it.
"""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import (
    ENGINE_VERSION,
    ENRICHED_FILE,
    Alias,
    Brand,
    Lexicon,
    LexiconError,
    Topic,
    build_lexicon,
    enrich_batch,
    reader_of,
)
from lake.store import LocalStore
from tingchao import config as configured
from tingchao.context import Context
from tingchao.errors import ConfigurationError, TingchaoError
from tingchao.fence import die_with_parent, exclusive

MAX_ROWS: Final = 10_000
MAX_BYTES: Final = 16 * 2**20
"""Of text in one batch: what a worker holds in memory at most, times about ten."""


@dataclass(frozen=True)
class EnrichSummary:
    """What one run of the step did; counts are of distinct texts."""

    version: str
    enriched_count: int
    known_count: int
    activated_at: datetime

    def __str__(self) -> str:
        return (
            f"enriched {self.enriched_count:,} new texts ({self.known_count:,} were known); "
            f"version {self.version}, in use since {self.activated_at.isoformat()}"
        )


def enrich(context: Context) -> EnrichSummary:
    """Enrich every text of the lake that this version has not seen, and activate the version.

    `BusyError` when another process does so now; `ConfigurationError` when the brands contradict
    each other. May be killed at any moment and run again.
    """
    lexicon = lexicon_of(context.config)
    with exclusive(context.lock("enrich")):
        store = LocalStore(context.data / "enriched")
        known = _known_hashes(store, lexicon.version)
        batches = regroup(context.lake.texts(skip=known))
        with context.progress.track("enrich") as progress:
            enriched_count = 0
            for count in _enrich_all(batches, lexicon, context, store):
                enriched_count += count
                progress.advance(count)
        activated_at = _activate(store, lexicon, context)
    return EnrichSummary(lexicon.version, enriched_count, len(known), activated_at)


def lexicon_of(config: configured.Config) -> Lexicon:
    """Build the lexicon of a configuration; a brand's names are aliases, too.

    `ConfigurationError` names every alias that means two brands.
    """
    try:
        return build_lexicon(
            brands=[Brand(brand.id, tuple(_aliases_of(brand))) for brand in config.brands],
            topics=[Topic(topic.id, topic.aliases) for topic in config.topics],
        )
    except LexiconError as error:
        raise ConfigurationError(f"{config.path}: {error}") from None


def _aliases_of(brand: configured.Brand) -> Iterator[Alias]:
    """Yield the aliases as configured, then the names that are not among them."""
    for alias in brand.aliases:
        yield Alias(alias.text, alias.require_context, alias.deny)
    written = {alias.text.casefold() for alias in brand.aliases}
    for name in dict.fromkeys(filter(None, (brand.name, brand.name_en))):
        if name.casefold() not in written:
            yield Alias(name)


def regroup(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of at most `MAX_ROWS`, and about `MAX_BYTES` of text.

    A lake of many small segments gives many small batches; one file per batch would be too many.
    """
    held: list[pa.RecordBatch] = []
    for piece in _split(batches):
        rows, size = sum(b.num_rows for b in held), sum(b.get_total_buffer_size() for b in held)
        if held and (rows + piece.num_rows > MAX_ROWS or size > MAX_BYTES):
            yield pa.concat_batches(held)
            held = []
        held.append(piece)
    if held:
        yield pa.concat_batches(held)


def _split(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches whose text is too much; copies, so that no slice keeps its whole batch alive."""
    for batch in batches:
        average = max(1, batch.nbytes // max(1, batch.num_rows))
        rows = max(1, min(MAX_ROWS, MAX_BYTES // average))
        for start in range(0, batch.num_rows, rows):
            yield pa.concat_batches([batch.slice(start, rows)])


def _enrich_all(
    batches: Iterator[pa.RecordBatch], lexicon: Lexicon, context: Context, store: LocalStore
) -> Iterator[int]:
    """Enrich all batches and yield the size of each that is on disk."""
    head = list(islice(batches, 2))
    if len(head) == 1:  # nothing to share
        yield enrich_into(store.root, lexicon, context.now(), head[0])
    elif head:
        yield from _enrich_in_parallel(chain(head, batches), lexicon, context, store)
    elif not store.files_below(_folder(lexicon.version)):
        _write(store, lexicon.version, ENRICHED_FILE.empty_table())


def _enrich_in_parallel(
    batches: Iterator[pa.RecordBatch], lexicon: Lexicon, context: Context, store: LocalStore
) -> Iterator[int]:
    workers = available_cores()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(os.getpid(), lexicon),
    )
    pending: set[Future[int]] = set()
    try:
        with pool:
            for batch in batches:
                job = pool.submit(enrich_into, store.root, lexicon, context.now(), batch)
                pending.add(job)
                if len(pending) > workers:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            yield from (future.result() for future in pending)
    except BrokenProcessPool:
        raise TingchaoError(
            "enrich: a worker process ended in the middle of a batch (killed, or out of memory); "
            "every finished batch is kept. Run `tingchao enrich` again to go on from there."
        ) from None


def available_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker(parent: int, lexicon: Lexicon) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    reader_of(lexicon)
    gc.freeze()  # what was built stays
    gc.set_threshold(100_000)  # readings hold no cycles; walking them takes a seventh of the time


def enrich_into(root: Path, lexicon: Lexicon, now: datetime, batch: pa.RecordBatch) -> int:
    """Enrich one batch, put it below the folder of enriched texts, return its number of rows."""
    enriched = pa.Table.from_batches([enrich_batch(batch, lexicon)])
    at = pa.array([now] * enriched.num_rows, ENRICHED_FILE.field("enriched_at").type)
    table = enriched.append_column(ENRICHED_FILE.field("enriched_at"), at)
    _write(LocalStore(root), lexicon.version, table)
    return int(table.num_rows)


def _write(store: LocalStore, version: str, table: pa.Table) -> None:
    """Write one file; its name is the digest of the hashes in it, so a repeat replaces itself."""
    hashes = "\n".join(sorted(table.column("text_hash").to_pylist()))
    name = hashlib.sha256(hashes.encode()).hexdigest()[:32]
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd")
    store.write({f"{_folder(version)}/{name}.parquet": out.getvalue()})


def _folder(version: str) -> str:
    return f"texts/version={version}"


def _known_hashes(store: LocalStore, version: str) -> set[str]:
    """Return the hashes of all texts that this version has on disk."""
    known: set[str] = set()
    for path in store.files_below(_folder(version)):
        table = pq.read_table(pa.BufferReader(store.read(path)), columns=["text_hash"])
        known.update(table.column("text_hash").to_pylist())
    return known


def _activate(store: LocalStore, lexicon: Lexicon, context: Context) -> datetime:
    """Return since when the version is in use; the first complete run settles that for good."""
    path = f"versions/{lexicon.version}.json"
    if store.exists(path):
        told = json.loads(store.read(path).to_pybytes())
        return datetime.fromisoformat(told["activated_at"])
    activated_at = context.now().astimezone(UTC)
    told = {
        "version": lexicon.version,
        "engine_version": ENGINE_VERSION,
        "lexicon_digest": lexicon.digest,
        "activated_at": activated_at.isoformat(),
    }
    content = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    store.write({path: pa.py_buffer(content.encode())})
    return activated_at
