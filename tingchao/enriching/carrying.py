"""What a new version takes over from an older one: every text that the change cannot touch.

A changed alias, topic or word acts only in texts that contain one of its phrases. The older
version's folded texts show which these are; all other rows are taken over under the new version,
as computed then. Where the engine or its own lists changed, nothing is (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from enrichment import Lexicon
from enrichment.joined import join
from enrichment.phrases import PhraseList
from enrichment.script import lower
from tingchao.enriching.files import EnrichedFiles


def carry_over(lexicon: Lexicon, files: EnrichedFiles) -> int:
    """Take over what an older version holds and this one would not change; return how many rows.

    May be killed at any moment: what is there already is not taken over twice.
    """
    older = files.predecessor(lexicon)
    if older is None:
        return 0
    finder = _finder(_changed(lexicon.parts, older.parts()))
    known = pa.array(files.hashes(), pa.string())
    count = 0
    for table in older.tables():
        fresh = table.filter(pc.invert(pc.is_in(table.column("text_hash"), known)))
        kept = fresh.filter(_is_untouched(fresh, finder))
        if kept.num_rows:
            place = kept.schema.get_field_index("version")
            versions = pa.repeat(lexicon.version, kept.num_rows)
            files.write(kept.set_column(place, kept.schema.field(place), versions))
            count += kept.num_rows
    return count


def _changed(new: dict[str, tuple[str, ...]], old: dict[str, tuple[str, ...]]) -> set[str]:
    """Return the phrases of every part that only one of two lexicons has."""
    keys = new.keys() ^ old.keys()
    return {phrase for key in keys for phrase in (new.get(key) or old[key])}


def _finder(phrases: Iterable[str]) -> PhraseList | None:
    entries = sorted(phrases)
    return PhraseList(entries) if entries else None


def _is_untouched(table: pa.Table, finder: PhraseList | None) -> pa.Array:
    texts = join([lower(text) for text in table.column("folded_text").to_pylist()])
    flags = [True] * table.num_rows
    if finder and table.num_rows:
        for i in np.unique(texts.owners(finder.places(texts))).tolist():
            flags[i] = False
    return pa.array(flags, pa.bool_())
