"""Places that texts name: Taiwan's counties and cities, provinces and cities of the PRC.

What a text names is no statement about who wrote it: the region that an account declares, and the
one that a platform derives from an IP address, are other columns of other tables.
"""

from __future__ import annotations

import re
from typing import Final

from enrichment.fitting import fits_words
from enrichment.heard import Heard
from enrichment.phrases import PhraseFinder, by_text, longest
from enrichment.tables import read_table

NOT_A_PLACE: Final = "-"
_STREET: Final = re.compile(
    r"[东西南北中前后环]{0,2}(?:[一二三四五六七八九十0-9]{1,3}段?)?(?:路|街|大道|巷|捷运站)"
)


class RegionFinder:
    """Finds the regions of data/regions.tsv; build once per process."""

    def __init__(self) -> None:
        rows = read_table("regions")
        self._finder = PhraseFinder((form, row[0]) for row in rows for form in row[4].split("|"))

    def find(self, heard: Heard) -> list[list[str]]:
        """Return, text by text, distinct region ids, sorted.

        No place of its own is a name inside another word (平台中), or that a street bears: 中山路,
        南京東路, 重慶南路一段 are addresses in whatever city.
        """
        found: list[list[str]] = [[] for _ in range(len(heard))]
        text, begins = heard.speech.text, heard.word_begins
        for i, hits in by_text(longest(self._finder.find(text)), heard.offsets):
            places = {
                hit.payload
                for hit in hits
                if fits_words(text, hit.start, hit.end, begins) and not _STREET.match(text, hit.end)
            }
            found[i] = sorted(places - {NOT_A_PLACE})
        return found
