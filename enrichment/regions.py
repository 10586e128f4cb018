"""Places that texts name: Taiwan's counties and cities, provinces and cities of the PRC.

What a text names is no statement about who wrote it: the region that an account declares, and the
one that a platform derives from an IP address, are other columns of other tables.
"""

from __future__ import annotations

from enrichment.fitting import fits_words
from enrichment.heard import Heard
from enrichment.phrases import PhraseFinder, by_text, longest
from enrichment.tables import read_table


class RegionFinder:
    """Finds the regions of data/regions.tsv; build once per process."""

    def __init__(self) -> None:
        rows = read_table("regions")
        self._finder = PhraseFinder((form, row[0]) for row in rows for form in row[4].split("|"))

    def find(self, heard: Heard) -> list[list[str]]:
        """Return, text by text, distinct region ids, sorted."""
        found: list[list[str]] = [[] for _ in range(len(heard))]
        text, begins = heard.speech.text, heard.word_begins
        for i, hits in by_text(longest(self._finder.find(text)), heard.offsets):
            fitting = {h.payload for h in hits if fits_words(text, h.start, h.end, begins)}
            found[i] = sorted(fitting)
        return found
