"""Phrases as a tree of characters that is walked from all places of a text at once, as arrays.

The cost is that of a few array operations for each character of the longest phrase, and these act
only on the places that still agree with some phrase; no Python loop touches a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from enrichment.characters import CODE_POINTS, Kind, kinds
from enrichment.joined import PAIR_BITS, Flags, Joined, Places, encode, pair_buckets

_CHARACTER_BITS: Final = 21
_LOW: Final = 0xFFFF
_LOAD: Final = 4
"""Slots of the table for each prefix in it, at least: then nearly all are found at first sight."""
_NONE: Final = -1
_FEW: Final = 8
_HAN, _OTHER = 1, 2
_NO_PLACES: Final = np.zeros(0, np.int64)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth 6.4)


class Occurrences(NamedTuple):
    """Where phrases stand: [start, end), and which phrase of a tree or entry of a list it is."""

    starts: Places
    ends: Places
    entries: Places

    def only(self, which: Flags | Places) -> Occurrences:
        """Return those for which a flag is up, or those at these places."""
        return Occurrences(*(column[which] for column in self))


class PhraseTree:
    """Distinct phrases, none of them empty.

    A prefix has a number: one character its code point, longer ones count on from `CODE_POINTS`. A
    phrase has a rank: the longer, the higher.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        lengths = np.fromiter(map(len, phrases), np.int64, len(phrases))
        codes = encode("".join(phrases)).astype(np.int64)
        self._by_rank = np.argsort(lengths, kind="stable")
        firsts = (np.cumsum(lengths) - lengths)[self._by_rank]
        self._lengths = lengths[self._by_rank]
        self._longest = int(lengths.max(initial=0))
        self._rank_bits = len(phrases).bit_length()
        self._plant_singles(codes[firsts[self._lengths == 1]])
        self._grow(codes, firsts)

    def _plant_singles(self, codes: Places) -> None:
        """Note which characters alone are phrases; these have the lowest ranks."""
        marks = np.where(kinds()[codes] & Kind.HAN, _HAN, _OTHER)
        self._may_be_single = np.zeros(_LOW + 1, np.uint8)
        np.bitwise_or.at(self._may_be_single, codes & _LOW, marks.astype(np.uint8))
        self._has_singles = len(codes) > 0
        # One more than the rank; 0 where there is none, and for all that come after.
        self._rank_after = np.zeros(int(codes.max(initial=0)) + 2, np.int32)
        self._rank_after[codes] = np.arange(1, len(codes) + 1)

    def _grow(self, codes: Places, firsts: Places) -> None:
        """Number the prefixes, one length after the other."""
        keys, ranks, inner = [_NO_PLACES], [_NO_PLACES], [_NO_PLACES.astype(np.bool_)]
        left = np.flatnonzero(self._lengths > 1)
        prefixes, last = codes[firsts[left]], CODE_POINTS
        for length in range(2, self._longest + 1):
            of_length, numbers = np.unique(
                prefixes << _CHARACTER_BITS | codes[firsts[left] + length - 1], return_inverse=True
            )
            ends = self._lengths[left] == length
            ranks.append(np.full(len(of_length), _NONE, np.int64))
            ranks[-1][numbers[ends]] = left[ends]
            inner.append(np.zeros(len(of_length), np.bool_))
            inner[-1][numbers[~ends]] = True
            keys.append(of_length)
            left, prefixes = left[~ends], numbers[~ends] + last
            last += len(of_length)
        self._ranks, self._is_inner = np.concatenate(ranks), np.concatenate(inner)
        self._table = _PrefixTable(np.concatenate(keys))
        self._may_begin = np.zeros(1 << PAIR_BITS, np.bool_)
        pairs = keys[1] if len(keys) > 1 else _NO_PLACES
        begins, seconds = pairs >> _CHARACTER_BITS, pairs & ((1 << _CHARACTER_BITS) - 1)
        self._may_begin[pair_buckets(begins.astype(np.uint32), seconds.astype(np.uint32))] = True

    def find(self, texts: Joined, is_word: Flags | None = None) -> Occurrences:
        """Return every occurrence of every phrase, overlapping ones too, by start, then end.

        `is_word`, if given, says where a phrase of one Han character may stand.
        """
        found = [self._find_singles(texts, is_word)] if self._has_singles else [_NO_PLACES]
        found += (starts << self._rank_bits | ranks for starts, ranks in self._walk(texts))
        keys = np.sort(np.concatenate(found))
        starts, ranks = keys >> self._rank_bits, keys & ((1 << self._rank_bits) - 1)
        return Occurrences(starts, starts + self._lengths[ranks], self._by_rank[ranks])

    def _find_singles(self, texts: Joined, is_word: Flags | None) -> Places:
        """Return the keys by which `find` sorts: the start, then the rank."""
        may = self._may_be_single.take(texts.low_codes)
        if is_word is not None:
            may &= is_word.view(np.uint8) + np.uint8(_OTHER)
        at = np.flatnonzero(may)
        codes = texts.codes[at]
        ranks = self._rank_after.take(codes, mode="clip").astype(np.int64) - 1
        holds = ranks >= 0
        if is_word is not None:
            holds &= is_word[at] | ((kinds()[codes] & Kind.HAN) == 0)
        return (at << self._rank_bits | ranks)[holds]

    def _walk(self, texts: Joined) -> Iterator[tuple[Places, Places]]:
        """Yield starts and ranks of phrases of two characters and more, length by length."""
        codes = texts.codes
        at = np.flatnonzero(self._may_begin.take(texts.pairs))
        prefixes = codes[at].astype(np.int64)
        for length in range(2, self._longest + 1):
            if not len(at):
                break
            if at[-1] > len(codes) - length:
                at = at[at <= len(codes) - length]
                prefixes = prefixes[: len(at)]
            rows, holds = self._table.rows(prefixes << _CHARACTER_BITS | codes[at + (length - 1)])
            known = np.flatnonzero(holds)
            at, rows = at[known], rows[known]
            ranks = self._ranks[rows]
            ends = np.flatnonzero(ranks >= 0)
            yield at[ends], ranks[ends]
            goes_on = np.flatnonzero(self._is_inner[rows])
            at, prefixes = at[goes_on], rows[goes_on] + CODE_POINTS


class _PrefixTable:
    """Finds the rows of many keys at once: a hash table with linear probing."""

    def __init__(self, keys: Places) -> None:
        bits = max(1, int(len(keys) * _LOAD).bit_length())
        self._shift = np.uint64(64 - bits)
        self._last = (1 << bits) - 1
        self._keys = np.full(1 << bits, _NONE, np.int64)
        self._rows = np.zeros(1 << bits, np.int32)
        rows = np.arange(len(keys))
        slots = self._slots(keys)
        while len(rows):
            is_free = self._keys[slots] == _NONE
            _, takes = np.unique(slots[is_free], return_index=True)
            takes = np.flatnonzero(is_free)[takes]
            self._keys[slots[takes]] = keys[rows[takes]]
            self._rows[slots[takes]] = rows[takes]
            stays = np.ones(len(rows), np.bool_)
            stays[takes] = False
            rows, slots = rows[stays], (slots[stays] + 1) & self._last

    def _slots(self, keys: Places) -> Places:
        return ((keys.view(np.uint64) * _GOLDEN) >> self._shift).view(np.int64)

    def rows(self, keys: Places) -> tuple[Places, Flags]:
        """Return the row of each key and whether it is there; a row without is of no meaning."""
        slots = self._slots(keys)
        there = self._keys[slots]
        holds = there == keys
        odd = np.flatnonzero(~holds & (there != _NONE))
        while len(odd):
            slots[odd] = (slots[odd] + 1) & self._last
            there = self._keys[slots[odd]]
            holds[odd] = there == keys[odd]
            odd = odd[(there != keys[odd]) & (there != _NONE)]
        return self._rows[slots].astype(np.int64), holds


def without_overlap(starts: Places, ends: Places) -> Places:
    """Return which of some spans, by start and no two with one, remain: the first, and always the
    next that begins where the one kept before it has ended, or later."""
    kept = np.ones(len(starts), np.bool_)
    kept[1:] = starts[1:] >= np.maximum.accumulate(ends)[:-1]
    if kept.all():
        return np.arange(len(starts))
    nexts = np.append(np.searchsorted(starts, ends), len(starts))
    settled = np.append(kept, True)
    at = np.flatnonzero(settled[:-1] & ~settled[1:])
    while len(at) > _FEW:
        at = nexts[at]
        at = at[~settled[at]]
        kept[at] = True
    if len(at):
        _follow(at.tolist(), nexts.tolist(), settled.tolist(), kept)
    return np.flatnonzero(kept)


def _follow(begun: list[int], nexts: list[int], settled: list[bool], kept: Flags) -> None:
    """Go on one by one: arrays do not pay where a few long chains are left."""
    for place in begun:
        at = nexts[place]
        while not settled[at]:
            kept[at] = True
            at = nexts[at]


def leftmost_longest(found: Occurrences) -> Occurrences:
    """Keep the leftmost, then longest ones, without overlap, the first of several at one place.

    `found` comes by start, then end.
    """
    starts, ends, _ = found
    if not len(starts):
        return found
    is_new = np.append(True, (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1]))
    at = np.flatnonzero(is_new)
    is_last = np.append(starts[at[1:]] != starts[at[:-1]], True)
    at = at[is_last]
    return found.only(at[without_overlap(starts[at], ends[at])])
