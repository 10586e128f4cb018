"""Places that a text names: Taiwan's counties and cities, provinces and large cities of the PRC."""

from __future__ import annotations

from enrichment.mentions import fits_words
from enrichment.phrases import PhraseFinder, longest
from enrichment.tables import read_table


class RegionFinder:
    """Finds regions in folded, lower-cased, masked text; build once per process."""

    def __init__(self) -> None:
        rows = read_table("regions")
        self._finder = PhraseFinder((form, row[0]) for row in rows for form in row[4].split("|"))

    def find(self, text: str, boundaries: frozenset[int]) -> list[str]:
        """Return distinct region ids, sorted; a name inside another word (河南投資) is none."""
        hits = longest(self._finder.find(text))
        return sorted({h.payload for h in hits if fits_words(text, h.start, h.end, boundaries)})
