"""Finding the phrases of our lists in a whole batch at once, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from enrichment.folded import FoldedBatch
from enrichment.joined import Flags, Places
from enrichment.phrases import PhraseList, ranges

__all__ = ["CueFinder", "Cues", "places_of", "ranges"]


class Cues(NamedTuple):
    """Where phrases stand in a batch: [start, end), the text, and the entry of the list."""

    starts: Places
    ends: Places
    owners: Places
    entries: Places

    def only(self, holds: Flags | Places) -> Cues:
        """Return those for which a flag is up, or those at these places."""
        return Cues(*(column[holds] for column in self))


class CueFinder:
    """All occurrences of the phrases of a list, in either script; build once per process.

    `longest`: of phrases that overlap only the leftmost, then longest one; of two entries with one
    phrase only the first. Otherwise every occurrence of every entry.
    """

    def __init__(self, phrases: Iterable[str], *, longest: bool = False) -> None:
        self._list = PhraseList(phrases, first_only=longest)
        self._longest = longest

    def find(self, batch: FoldedBatch) -> Cues:
        """Return what stands in the batch, by place.

        Latin letters and digits are no part of a longer word or number, and a phrase of one Han
        character is a word of its own.
        """
        find = self._list.find_longest if self._longest else self._list.find
        starts, ends, entries = find(batch.joined, batch.lone_words)
        return Cues(starts, ends, batch.joined.owners(starts), entries)


def places_of(keys: Places, wanted: Places) -> tuple[Places, Places]:
    """Return where in sorted keys each wanted one lies first, and how often it is there."""
    firsts = np.searchsorted(keys, wanted, side="left")
    return firsts, np.searchsorted(keys, wanted, side="right") - firsts
