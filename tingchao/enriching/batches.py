"""Batches of texts of a size that a worker can hold, and what becomes of one."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import pyarrow as pa

from enrichment import ENRICHED_FILE, Lexicon, enrich_batch, reader_of

MAX_ROWS: Final = 10_000
MAX_BYTES: Final = 16 * 2**20
"""Of text in one batch: what a worker holds in memory at most, times about ten."""


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


def understand(batch: pa.RecordBatch, lexicon: Lexicon, at: datetime) -> pa.Table:
    """Enrich one batch into rows of `ENRICHED_FILE`, computed `at` that instant."""
    enriched = pa.Table.from_batches([enrich_batch(batch, lexicon)])
    field = ENRICHED_FILE.field("enriched_at")
    return enriched.append_column(field, pa.repeat(pa.scalar(at, field.type), enriched.num_rows))


def prepare_worker(lexicon: Lexicon) -> None:
    """Build what a process keeps between batches, and keep the collector from walking it."""
    reader_of(lexicon)
    gc.freeze()
    gc.set_threshold(100_000)  # readings hold no cycles; walking them takes a seventh of the time
