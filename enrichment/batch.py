"""Texts in, enriched texts out: the one function that runs on every engine."""

from __future__ import annotations

import pyarrow as pa

from enrichment.lexicon import Lexicon
from enrichment.reading import Reading, reader_of
from enrichment.schema import ENRICHED


def enrich_batch(batch: pa.RecordBatch, lexicon: Lexicon) -> pa.RecordBatch:
    """Enrich a batch of `schema.TEXTS` into one of `schema.ENRICHED`, row by row in order.

    Pure: no file, no network, no clock; equal input gives equal output in every process. Both
    arguments can be pickled, so any engine that maps Arrow batches can run it. Columns other than
    `text_hash` and `text` are ignored; a NULL text reads as an empty one.
    """
    reader = reader_of(lexicon)
    readings = [reader.read(text or "") for text in batch.column("text").to_pylist()]
    columns = {
        "text_hash": batch.column("text_hash"),
        "version": [lexicon.version] * len(readings),
        **_columns_of(readings),
    }
    arrays = [pa.array(columns[field.name], type=field.type) for field in ENRICHED]
    return pa.RecordBatch.from_arrays(arrays, schema=ENRICHED)


def _columns_of(readings: list[Reading]) -> dict[str, list[object]]:
    return {
        "script": [reading.script for reading in readings],
        "folded_text": [reading.folded_text for reading in readings],
        "words": [reading.words for reading in readings],
        "mentions": [reading.mentions for reading in readings],
        "topics": [reading.topics for reading in readings],
        "sentiment": [reading.mood.sentiment for reading in readings],
        "sentiment_score": [reading.mood.score for reading in readings],
        "sentiment_confidence": [reading.mood.confidence for reading in readings],
        "intents": [reading.intents for reading in readings],
        "noise": [reading.noise for reading in readings],
        "regions": [reading.regions for reading in readings],
        "fingerprint": [reading.fingerprint for reading in readings],
    }
