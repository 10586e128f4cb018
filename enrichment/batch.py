"""Texts in, enriched texts out: the one function that runs on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from enrichment.lexicon import Lexicon
from enrichment.reading import reader_of
from enrichment.schema import ENRICHED

PIECE: Final = 125_000
"""Code points that are worked on at once, about 25 MB; a longer text is a piece of its own."""


def enrich_batch(batch: pa.RecordBatch, lexicon: Lexicon) -> pa.RecordBatch:
    """Enrich a batch of `schema.TEXTS` into one of `schema.ENRICHED`, row by row in order.

    Pure: no file, no network, no clock; equal input gives equal output in every process. Both
    arguments can be pickled, so any engine that maps Arrow batches can run it. Columns other than
    `text_hash` and `text` are ignored; a NULL text reads as an empty one.
    """
    texts = [text or "" for text in batch.column("text").to_pylist()]
    pieces = [
        _enrich(batch.slice(start, end - start), texts[start:end], lexicon)
        for start, end in cut_into_pieces(list(map(len, texts)))
    ]
    return pa.concat_batches(pieces) if pieces else pa.RecordBatch.from_pylist([], ENRICHED)


def cut_into_pieces(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the rows [start, end) of each piece, as many as come to `PIECE` code points."""
    until = np.cumsum(lengths)
    start, before = 0, 0
    while start < len(lengths):
        end = max(start + 1, int(np.searchsorted(until, before + PIECE, side="right")))
        yield start, end
        start, before = end, int(until[end - 1])


def _enrich(rows: pa.RecordBatch, texts: list[str], lexicon: Lexicon) -> pa.RecordBatch:
    columns = {
        "text_hash": rows.column("text_hash").cast(pa.string()),
        "version": pa.repeat(lexicon.version, len(texts)),
        **reader_of(lexicon).read_all(texts),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in ENRICHED.names], schema=ENRICHED)
