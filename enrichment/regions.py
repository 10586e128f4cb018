"""Places that texts name: Taiwan's counties and cities, provinces and cities of the PRC.

What a text names is no statement about who wrote it: the region that an account declares, and the
one that a platform derives from an IP address, are other columns of other tables.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from enrichment.columns import distinct_column
from enrichment.fitting import fits_words
from enrichment.heard import Heard
from enrichment.phrases import PhraseList
from enrichment.tables import read_table
from enrichment.tree import leftmost_longest

NOT_A_PLACE: Final = "-"
_STREET: Final = re.compile(
    r"[东西南北中前后环]{0,2}(?:[一二三四五六七八九十0-9]{1,3}段?)?(?:路|街|大道|巷|捷运站)"
)


class RegionFinder:
    """Finds the regions of data/regions.tsv; build once per process."""

    def __init__(self) -> None:
        rows = read_table("regions")
        told = [(form, row[0]) for row in rows for form in row[4].split("|")]
        names = sorted({name for _, name in told} - {NOT_A_PLACE})
        self._phrases = PhraseList(form for form, _ in told)
        self._names = pa.array(names)
        self._region_of = np.array(
            [-1 if name == NOT_A_PLACE else names.index(name) for _, name in told], np.int64
        )

    def find(self, heard: Heard) -> pa.Array:
        """Return a column of distinct region ids, sorted.

        No place of its own is a name inside another word (平台中), or that a street bears: 中山路,
        南京東路, 重慶南路一段 are addresses in whatever city.
        """
        found = leftmost_longest(self._phrases.find(heard.speech))
        regions = self._region_of[found.entries]
        text, begins = heard.speech.text, heard.word_begins
        spans = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
        holds = regions >= 0
        holds &= np.fromiter(
            (
                fits_words(text, *span, begins) and not _STREET.match(text, span[1])
                for span in spans
            ),
            np.bool_,
            len(regions),
        )
        owners = heard.speech.owners(found.starts[holds])
        return distinct_column("regions", owners, regions[holds], self._names, len(heard))
