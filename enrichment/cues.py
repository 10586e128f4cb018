"""Finding the phrases of our lists in a whole batch at once, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enrichment.folded import FoldedBatch
from enrichment.joined import Flags, Places
from enrichment.phrases import PhraseList
from enrichment.tree import Occurrences, PhraseTree, leftmost_longest


class Cues(NamedTuple):
    """Where phrases stand in a batch: [start, end), the text, and the entry of the list."""

    starts: Places
    ends: Places
    owners: Places
    entries: Places

    def only(self, holds: Flags | Places) -> Cues:
        """Return those for which a flag is up, or those at these places."""
        at = np.flatnonzero(holds) if holds.dtype == np.bool_ else holds
        return Cues(*(column[at] for column in self))


class CueFinder:
    """All occurrences of the phrases of a list, in either script; build once per process.

    `longest`: of phrases that overlap only the leftmost, then longest one; of two entries with one
    phrase only the first. Otherwise every occurrence of every entry.
    """

    def __init__(self, phrases: Iterable[str], *, longest: bool = False) -> None:
        self.phrases = PhraseList(phrases, first_only=longest)
        self._longest = longest

    def find(self, batch: FoldedBatch) -> Cues:
        """Return what stands in the batch, by place.

        Latin letters and digits are no part of a longer word or number, and a phrase of one Han
        character is a word of its own.
        """
        return self._alone.find(batch)[0]

    @cached_property
    def _alone(self) -> CueFinders:
        return CueFinders([self])

    def cues_of(self, batch: FoldedBatch, found: Occurrences) -> Cues:
        """Return what occurrences of `phrases.forms`, by place, come to."""
        kept = leftmost_longest(found) if self._longest else found
        starts, ends, entries = self.phrases.entries_of(batch.joined, kept)
        return Cues(starts, ends, batch.joined.owners(starts), entries)


class CueFinders:
    """Several finders that go through a batch together, which is quicker."""

    def __init__(self, finders: Sequence[CueFinder]) -> None:
        self._finders = finders
        forms = dict.fromkeys(form for finder in finders for form in finder.phrases.forms)
        numbers = {form: number for number, form in enumerate(forms)}
        self._tree = PhraseTree(list(forms))
        self._own_numbers = np.full((len(finders), len(forms)), -1, np.int32)
        for own, finder in zip(self._own_numbers, finders, strict=True):
            own[[numbers[form] for form in finder.phrases.forms]] = range(len(finder.phrases.forms))

    def find(self, batch: FoldedBatch) -> list[Cues]:
        """Return, finder by finder, what stands in the batch (`CueFinder.find`)."""
        found = self._tree.find(batch.joined, batch.lone_words)
        return [
            finder.cues_of(batch, _renumbered(found, own))
            for finder, own in zip(self._finders, self._own_numbers, strict=True)
        ]


def _renumbered(found: Occurrences, numbers: NDArray[np.int32]) -> Occurrences:
    """Return those that have a number, under it."""
    entries = numbers[found.entries].astype(np.int64)
    at = np.flatnonzero(entries >= 0)
    return Occurrences(found.starts[at], found.ends[at], entries[at])


def places_of(keys: Places, wanted: Places) -> tuple[Places, Places]:
    """Return where in sorted keys each wanted one lies first, and how often it is there."""
    firsts = np.searchsorted(keys, wanted, side="left")
    return firsts, np.searchsorted(keys, wanted, side="right") - firsts
