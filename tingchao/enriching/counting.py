"""How well a version understands its texts, in a few counts that a gate can hold against limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from enrichment import ENRICHED_FILE, TEXTS, Lexicon, enrich_batch
from enrichment.script import Script, converter

SAMPLE: Final = 300
"""Texts that are read in both scripts; the first in the order of their files' names."""
_COLUMNS: Final = ("text_hash", "script", "folded_text", "sentiment", "noise", "own_length")


@dataclass(frozen=True)
class Understanding:
    """Counts of distinct texts of one version.

    `noisy`: some rule calls it noise. `unknown_mood`: nothing told its mood. `wordless`: its author
    wrote no letter and no digit. `turned`: was read in both scripts; `same`: and said the same.
    """

    text_count: int
    noisy_text_count: int
    unknown_mood_text_count: int
    wordless_text_count: int
    turned_text_count: int
    same_text_count: int


def count_understanding(files: Sequence[Path], lexicon: Lexicon) -> Understanding | None:
    """Count what lies in these files of enriched texts; None where there is none."""
    if not files:
        return None
    texts = pads.dataset([str(path) for path in sorted(files)], schema=ENRICHED_FILE)
    counted = noisy = unknown = wordless = 0
    sample: list[str] = []
    for batch in texts.to_batches(columns=list(_COLUMNS)):
        counted += batch.num_rows
        noisy += _sum(pc.greater(pc.list_value_length(batch.column("noise")), 0))
        unknown += _sum(pc.equal(batch.column("sentiment"), "unknown"))
        wordless += _sum(pc.equal(batch.column("own_length"), 0))
        if len(sample) < SAMPLE:
            in_a_script = pc.is_in(batch.column("script"), pa.array([Script.HANT, Script.HANS]))
            folded = batch.filter(in_a_script).column("folded_text")
            sample += folded.slice(0, SAMPLE - len(sample)).to_pylist()
    turned = [converter("s2tw").convert(text) for text in sample]
    pairs = zip(_read(sample, lexicon), _read(turned, lexicon), strict=True)
    same = sum(one == other for one, other in pairs)
    return Understanding(counted, noisy, unknown, wordless, len(sample), same)


def _read(texts: Iterable[str], lexicon: Lexicon) -> list[tuple[object, ...]]:
    """Return brands, mood and intents of each text."""
    rows = [{"text_hash": "", "text": text} for text in texts]
    enriched = enrich_batch(pa.RecordBatch.from_pylist(rows, TEXTS), lexicon)
    return [
        (
            [mention["brand_id"] for mention in row["mentions"]],
            row["sentiment"],
            [told["name"] for told in row["intents"]],
        )
        for row in enriched.to_pylist()
    ]


def _sum(flags: pa.Array) -> int:
    return pc.sum(flags).as_py() or 0
