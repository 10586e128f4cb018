"""Phrases as a tree of characters that is walked from all places of a text at once, as arrays.

The cost is that of a few array operations for each character of the longest phrase, and these act
only on the places that still agree with some phrase; no Python loop touches a place.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Distinct phrases, none of them empty. A prefix has a number: one character its code point,
    longer ones count on from `CODE_POINTS`."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._longest = max(map(len, phrases), default=0)
        lengths = np.fromiter(map(len, phrases), np.int64, len(phrases))
        codes = encode("".join(phrases)).astype(np.int64)
        firsts = np.cumsum(lengths) - lengths
        singles = np.flatnonzero(lengths == 1)
        order = np.argsort(codes[firsts[singles]])
        self._singles = singles[order]
        self._single_codes = codes[firsts[self._singles]]
        self._is_han = (kinds()[self._single_codes] & Kind.HAN) > 0
        self._may_be_single = np.zeros(_LOW + 1, np.uint8)
        lows, marks = self._single_codes & _LOW, np.where(self._is_han, _HAN, _OTHER)
        np.bitwise_or.at(self._may_be_single, lows, marks.astype(np.uint8))
        self._grow(codes, firsts, lengths)

    def _grow(self, codes: Places, firsts: Places, lengths: Places) -> None:
        """Number the prefixes, one length after the other."""
        keys, phrases, inner = [], [], []
        last = CODE_POINTS
        left = np.flatnonzero(lengths > 1)
        prefixes = codes[firsts[left]]
        for length in range(2, self._longest + 1):
            of_length, numbers = np.unique(
                prefixes << _CHARACTER_BITS | codes[firsts[left] + length - 1], return_inverse=True
            )
            ends = lengths[left] == length
            phrases.append(np.full(len(of_length), _NONE, np.int64))
            phrases[-1][numbers[ends]] = left[ends]
            inner.append(np.zeros(len(of_length), np.bool_))
            inner[-1][numbers[~ends]] = True
            keys.append(of_length)
            left, prefixes = left[~ends], numbers[~ends] + last
            last += len(of_length)
        none = np.zeros(0, np.int64)
        self._phrases = np.concatenate([none, *phrases])
        self._is_inner = np.concatenate([none.astype(np.bool_), *inner])
        self._table = _PrefixTable(np.concatenate([none, *keys]))
        pairs = keys[0] if keys else none
        low = (1 << _CHARACTER_BITS) - 1
        self._may_begin = np.zeros(1 << PAIR_BITS, np.bool_)
        begins = (pairs >> _CHARACTER_BITS).astype(np.uint32)
        self._may_begin[pair_buckets(begins, (pairs & low).astype(np.uint32))] = True

    def find(self, texts: Joined, is_word: Flags | None = None) -> Occurrences:
        """Return every occurrence of every phrase, overlapping ones too, by start, then end.

        `is_word`, if given, says where a phrase of one Han character may stand.
        """
        steps = [self._find_singles(texts, is_word), *self._walk(texts)]
        found = Occurrences(*map(np.concatenate, zip(*steps, strict=True)))
        keys = found.starts * (self._longest + 1) + found.ends - found.starts  # no two are equal
        return found.only(np.argsort(keys))

    def _find_singles(self, texts: Joined, is_word: Flags | None) -> Occurrences:
        if not len(self._singles):
            return Occurrences(*(np.zeros(0, np.int64),) * 3)
        may = self._may_be_single[texts.low_codes]
        if is_word is not None:
            may &= is_word.view(np.uint8) + np.uint8(_OTHER)
        at = np.flatnonzero(may)
        codes = texts.codes[at]
        which = np.searchsorted(self._single_codes, codes).clip(0, len(self._singles) - 1)
        holds = self._single_codes[which] == codes
        if is_word is not None:
            holds &= is_word[at] | ~self._is_han[which]
        at, which = at[holds], which[holds]
        return Occurrences(at, at + 1, self._singles[which])

    def _walk(self, texts: Joined) -> list[Occurrences]:
        """Return the occurrences of two characters and more, one length after the other."""
        codes = texts.codes
        at = np.flatnonzero(self._may_begin[texts.pairs]) if self._longest > 1 else codes[:0]
        prefixes = codes[at].astype(np.int64)
        found = []
        for length in range(2, self._longest + 1):
            inside = int(np.searchsorted(at, len(codes) - length, side="right"))
            at, prefixes = at[:inside], prefixes[:inside]
            if not len(at):
                break
            keys = prefixes << _CHARACTER_BITS | codes[at + (length - 1)]
            rows, holds = self._table.rows(keys)
            at, rows = at[holds], rows[holds]
            phrases = self._phrases[rows]
            ends = np.flatnonzero(phrases >= 0)
            found.append(Occurrences(at[ends], at[ends] + length, phrases[ends]))
            goes_on = self._is_inner[rows]
            at, prefixes = at[goes_on], rows[goes_on] + CODE_POINTS
        return found


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
