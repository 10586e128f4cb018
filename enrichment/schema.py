"""The enriched text: one row per distinct text and version, with the meaning of every column.

`ENRICHED` is what the pure functions return; `ENRICHED_FILE` is what lies on disk, where the step
that writes it adds the instant. Spans count Unicode code points in the original text, `end` is
exclusive: `text[start:end]` is what the author wrote.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

ENGINE_VERSION: Final = "5"
"""Raised whenever code or a pinned text library changes any output; the golden test reminds."""


def _column(name: str, kind: pa.DataType, doc: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"doc": doc})


MENTION: Final = pa.struct(
    [
        _column("brand_id", pa.string(), "configured brand"),
        _column("product_id", pa.string(), "product of it; NULL: the brand", required=False),
        _column("alias", pa.string(), "the alias as configured; the span shows it as written"),
        _column("rule", pa.string(), "why it counts (enrichment.mentions.Rule)"),
        _column("is_quoted", pa.bool_(), "stands in words of others (`quotes`)"),
        _column("start", pa.int32(), "first code point in the original text"),
        _column("end", pa.int32(), "code point after the last one"),
    ]
)
TOLD: Final = pa.struct(
    [
        _column("name", pa.string(), "what holds"),
        _column("confidence", pa.float32(), "0 to 1"),
        _column("words", pa.list_(pa.string()), "folded words that spoke for it, if any"),
    ]
)
NOISE: Final = pa.struct(
    [
        _column("rule", pa.string(), "enrichment.noise.Noise"),
        _column("score", pa.float32(), "0 to 1: how sure the rule is"),
    ]
)
SPAN: Final = pa.struct(
    [
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
        _column("folded_text", pa.string(), "Simplified, forms and jammers undone, people masked"),
        _column("word_lengths", pa.list_(pa.uint16()), "of its words, in order; they sum up to it"),
        _column("mentions", pa.list_(MENTION), "brands by position, longest first, no overlap"),
        _column("topics", pa.list_(pa.string()), "distinct configured topics, sorted"),
        _column("sentiment", pa.string(), "positive, negative, neutral; unknown without evidence"),
        _column("sentiment_score", pa.float64(), "-1 to 1; NULL when unknown", required=False),
        _column("sentiment_confidence", pa.float64(), "0 to 1; 0 when unknown"),
        _column("intents", pa.list_(TOLD), "distinct intents by name (enrichment.intent)"),
        _column("aspects", pa.list_(TOLD), "distinct aspects by name"),
        _column("noise", pa.list_(NOISE), "distinct noise rules by name; nothing is left out"),
        _column("quotes", pa.list_(SPAN), "what others wrote, by position; the rest is own words"),
        _column("own_length", pa.int32(), "letters and digits of own words"),
        _column("regions", pa.list_(pa.string()), "distinct regions, sorted (data/regions.tsv)"),
        _column("email_count", pa.int32(), "e-mail addresses masked in folded_text"),
        _column("phone_count", pa.int32(), "telephone numbers masked in it"),
        _column("identity_count", pa.int32(), "numbers of identity cards masked in it"),
        _column("account_count", pa.int32(), "@names masked in it"),
        _column("fingerprint", pa.int64(), "equal for copies; NULL if too short", required=False),
        _column("bands", pa.list_(pa.int32()), "near-copies share one, place by place"),
        _column(
            "sketch_low",
            pa.int64(),
            "bits of its shingles; NULL if too short",
            required=False,
        ),
        _column("sketch_high", pa.int64(), "the other half", required=False),
        _column("version", pa.string(), "engine version, dash, 12 digits of the lexicon's digest"),
    ]
)
ENRICHED_FILE: Final = ENRICHED.append(
    _column("enriched_at", pa.timestamp("us", tz="UTC"), "when the row was computed")
)
