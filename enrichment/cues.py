"""Finding the phrases of our lists in a whole batch at once, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import daachorse
import numpy as np
from numpy.typing import NDArray

from enrichment.characters import CODE_POINTS, Kind, kinds
from enrichment.fitting import SCALING
from enrichment.folded import FoldedBatch
from enrichment.joined import Codes, Flags, Places
from enrichment.script import fold_variants

_LATIN_BELOW: Final = 0x250


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
        entries: dict[str, list[int]] = {}
        for entry, phrase in enumerate(phrases):
            for form in fold_variants(phrase):
                entries.setdefault(form, []).append(entry)
        kept = {form: found[:1] if longest else found for form, found in entries.items()}
        self._counts = np.array(list(map(len, kept.values())), np.int64)
        self._entries = np.array(list(chain.from_iterable(kept.values())), np.int64)
        self._firsts = np.cumsum(self._counts) - self._counts
        self._automaton = None
        if kept:
            kind = (
                daachorse.MATCH_KIND_LEFTMOST_LONGEST if longest else daachorse.MATCH_KIND_STANDARD
            )
            self._automaton = daachorse.CharwiseDoubleArrayAhoCorasick(list(kept), kind)
        self._longest = longest

    def find(self, batch: FoldedBatch) -> Cues:
        """Return what stands in the batch, by place.

        Latin letters and digits are no part of a longer word or number, and a phrase of one Han
        character is a word of its own.
        """
        starts, ends, forms = self._matches(batch.text)
        holds = _stands_alone(batch.codes, starts, ends) & _is_word(batch, starts, ends)
        starts, ends, forms = starts[holds], ends[holds], forms[holds]
        counts = self._counts[forms]
        which = ranges(self._firsts[forms], counts)
        starts, ends = np.repeat(starts, counts), np.repeat(ends, counts)
        return Cues(starts, ends, batch.joined.owners(starts), self._entries[which])

    def _matches(self, text: str) -> tuple[Places, Places, Places]:
        if self._automaton is None:
            return (np.zeros(0, np.int64),) * 3
        find = self._automaton.find if self._longest else self._automaton.find_overlapping
        found: Sequence[tuple[int, int, int]] = find(text)
        flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
        starts, ends, forms = flat.reshape(-1, 3).T
        return starts, ends, forms


def ranges(firsts: Places, counts: Places) -> Places:
    """Return `first, first + 1, …` of each, `count` numbers long, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(firsts - before, counts)


def places_of(keys: Places, wanted: Places) -> tuple[Places, Places]:
    """Return where in sorted keys each wanted one lies first, and how often it is there."""
    firsts = np.searchsorted(keys, wanted, side="left")
    return firsts, np.searchsorted(keys, wanted, side="right") - firsts


@cache
def _latin_kinds() -> NDArray[np.uint8]:
    """Return 1 for a Latin letter, 2 for a Latin digit, 0 for all else."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for code in range(_LATIN_BELOW):
        table[code] = 1 if chr(code).isalpha() else 2 * chr(code).isdigit()
    return table


@cache
def _is_scaling() -> Flags:
    table = np.zeros(CODE_POINTS, np.bool_)
    table[list(map(ord, SCALING))] = True
    return table


def _at(codes: Codes, places: Places) -> Codes:
    """Return the characters there; what lies outside is a separator."""
    inside = (places >= 0) & (places < len(codes))
    return np.where(inside, codes[places.clip(0, len(codes) - 1)], 0).astype(np.uint32)


def _stands_alone(codes: Codes, starts: Places, ends: Places) -> Flags:
    """Say of each span whether it cuts no Latin word and no number (`phrases.stands_alone`)."""
    latin = _latin_kinds()
    first, last = latin[codes[starts]], latin[codes[ends - 1]]
    before, after = latin[_at(codes, starts - 1)], latin[_at(codes, ends)]
    return ((first == 0) | (first != before)) & ((last == 0) | (last != after))


def _is_word(batch: FoldedBatch, starts: Places, ends: Places) -> Flags:
    """Say of each span whether it is more than one Han character or fits (`fitting`)."""
    codes, begins = batch.codes, batch.begins
    holds = (ends - starts > 1) | ((kinds()[codes[starts]] & Kind.HAN) == 0)
    single = np.flatnonzero(~holds)
    at = starts[single]
    opens, closes = begins[at], begins[at + 1]
    last = len(begins) - 1
    scales = _is_scaling()[codes[at]] & begins[(at + 2).clip(0, last)]
    scaled = _is_scaling()[_at(codes, at - 1)] & begins[(at - 1).clip(0, last)]
    holds[single] = np.where(opens, closes | scales, closes & scaled)
    return holds
