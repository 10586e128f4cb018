"""Understanding texts on this machine, with one process per core."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from itertools import chain, islice
from typing import ClassVar

import pyarrow as pa

from enrichment import Lexicon
from tingchao.context import Context
from tingchao.enriching.batches import prepare_worker, regroup, understand
from tingchao.enriching.files import EnrichedFiles
from tingchao.errors import TingchaoError
from tingchao.fence import die_with_parent


def enrich_in_processes(
    context: Context, lexicon: Lexicon, files: EnrichedFiles, read: set[str]
) -> Iterator[int]:
    """Enrich what the segments other than those `read` bring; yield the rows of each file."""
    known = files.hashes()
    batches = regroup(context.lake.texts(skip=known, skip_segments=read))
    head = list(islice(batches, 2))
    if len(head) == 1:  # nothing to share
        yield enrich_into(files, lexicon, context.now(), head[0])
    elif head:
        yield from _enrich_in_parallel(chain(head, batches), context, lexicon, files)


def enrich_into(
    files: EnrichedFiles, lexicon: Lexicon, now: datetime, batch: pa.RecordBatch
) -> int:
    """Enrich one batch, put it on disk, return its number of rows."""
    files.write(understand(batch, lexicon, now))
    return int(batch.num_rows)


def _enrich_in_parallel(
    batches: Iterator[pa.RecordBatch], context: Context, lexicon: Lexicon, files: EnrichedFiles
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
                pending.add(pool.submit(_Worker.enrich, files, context.now(), batch))
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


class _Worker:
    """What a worker process has from its start: a large lexicon costs more to send along with each
    batch than the batch takes."""

    lexicon: ClassVar[Lexicon]

    @classmethod
    def enrich(cls, files: EnrichedFiles, now: datetime, batch: pa.RecordBatch) -> int:
        return enrich_into(files, cls.lexicon, now, batch)


def _start_worker(parent: int, lexicon: Lexicon) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _Worker.lexicon = lexicon
    prepare_worker(lexicon)
