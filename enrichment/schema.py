"""The enriched text: one row per distinct text and version, with the meaning of every column.

`ENRICHED` is what the pure functions return; `ENRICHED_FILE` is what lies on disk, where the step
that writes it adds the instant. Spans count Unicode code points in the original text, `end` is
exclusive: `text[start:end]` is what the author wrote.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

ENGINE_VERSION: Final = "2"
"""Raised whenever code or a pinned text library changes any output; the golden test reminds."""


def _column(name: str, kind: pa.DataType, doc: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"doc": doc})


MENTION: Final = pa.struct(
    [
        _column("brand_id", pa.string(), "configured brand"),
        _column("alias", pa.string(), "the alias as configured; the span shows it as written"),
        _column("start", pa.int32(), "first code point in the original text"),
        _column("end", pa.int32(), "code point after the last one"),
    ]
)
TEXTS: Final = pa.schema(
    [
        _column("text_hash", pa.string(), "name of the text, given by the caller"),
        _column("text", pa.string(), "the original text"),
    ]
)
ENRICHED: Final = pa.schema(
    [
        _column("text_hash", pa.string(), "name of the text, as it came in"),
        _column("script", pa.string(), "hant, hans, mixed; none when no character tells"),
        _column("folded_text", pa.string(), "Simplified, full-width forms and jammers undone"),
        _column("words", pa.list_(pa.string()), "partition of folded_text: joined, they equal it"),
        _column("mentions", pa.list_(MENTION), "brands by position, longest first, no overlap"),
        _column("topics", pa.list_(pa.string()), "distinct configured topics, sorted"),
        _column("sentiment", pa.string(), "positive, negative, neutral; unknown without evidence"),
        _column("sentiment_score", pa.float64(), "-1 to 1; NULL when unknown", required=False),
        _column("sentiment_confidence", pa.float64(), "0 to 1; 0 when unknown"),
        _column("intents", pa.list_(pa.string()), "distinct intents, sorted (enrichment.intent)"),
        _column("noise", pa.list_(pa.string()), "distinct noise signals, sorted"),
        _column("regions", pa.list_(pa.string()), "distinct regions, sorted (data/regions.tsv)"),
        _column("fingerprint", pa.uint64(), "equal for copies; NULL if too short", required=False),
        _column("version", pa.string(), "engine version, dash, 12 digits of the lexicon's digest"),
    ]
)
ENRICHED_FILE: Final = ENRICHED.append(
    _column("enriched_at", pa.timestamp("us", tz="UTC"), "when the row was computed")
)
