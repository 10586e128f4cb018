"""Hashed n-grams of characters: what a linear model sees of a text beside the words of our lists.

All is worked out on arrays of a whole batch; no Python loop touches an n-gram. Text of either
script gives the same n-grams, since it comes folded. Hashes are plain arithmetic on integers: the
same on every machine.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import CODE_POINTS, Kind, kinds
from enrichment.folded import FoldedBatch
from enrichment.joined import Codes, Flags, Places

BITS: Final = 20
"""Of a bucket: a million of them, so that n-grams of a small corpus hardly ever meet."""
LONGEST: Final = 3
_FACTORS: Final = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))
_MIX: Final = np.uint32(0x27D4EB2F)
_BLANK: Final = ord(" ")
_DIGIT: Final = ord("0")

Buckets = NDArray[np.uint32]


class Grams(NamedTuple):
    """N-grams of a batch, by text and in no promised order within it."""

    buckets: Buckets
    owners: Places
    starts: Places
    ends: Places

    def only(self, kept: Flags) -> Grams:
        """Return those that are kept."""
        return Grams(self.buckets[kept], self.owners[kept], self.starts[kept], self.ends[kept])


class _OfLength(NamedTuple):
    """N-grams of one length, by place, and how many of them each text has."""

    length: int
    starts: Places
    buckets: Buckets
    counts: Places


@cache
def plain_forms() -> Codes:
    """Return what stands for each character: one digit for all, a blank for what only parts."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    table[(kinds() & Kind.DIGIT) > 0] = _DIGIT
    for character in "\0 \t\r\n,。、;:·…~-—_*#\"'()/|":
        table[ord(character)] = _BLANK
    return table


def find_grams(batch: FoldedBatch, wanted: Flags | None = None) -> Grams:
    """Return the n-grams of one to three characters, or only those in `wanted` buckets.

    None holds a blank, so none lies in two texts.
    """
    codes = _plain(batch)
    is_open = codes != _BLANK
    is_whole = is_open.copy()
    hashes = np.zeros(len(codes), np.uint32)
    found: list[_OfLength] = []
    for length in range(1, min(LONGEST, len(codes)) + 1):
        size = len(codes) - length + 1
        hashes = hashes[:size] + codes[length - 1 :] * _FACTORS[length - 1]
        is_whole[:size] &= is_open[length - 1 :]
        is_whole[size:] = False
        buckets = _buckets(hashes, length)
        holds = is_whole.copy()
        if wanted is not None:
            holds[:size] &= wanted.take(buckets)
        at = np.flatnonzero(holds)
        found.append(_OfLength(length, at, buckets[at], batch.joined.count(holds)))
    return _by_text(batch, found)


def count_open(batch: FoldedBatch) -> Places:
    """Count, text by text, the characters that n-grams are made of."""
    return batch.joined.count(plain_forms().take(batch.codes) != _BLANK)


def _plain(batch: FoldedBatch) -> Codes:
    """Return plain forms; of a number only the last digit is left."""
    codes = plain_forms().take(batch.codes)
    codes[:-1][(codes[:-1] == _DIGIT) & (codes[1:] == _DIGIT)] = _BLANK
    return codes


def _buckets(hashes: Buckets, length: int) -> Buckets:
    mixed = hashes >> np.uint32(15)
    mixed ^= hashes
    mixed *= _MIX
    mixed += np.uint32(length)
    mixed ^= mixed >> np.uint32(13)
    mixed *= _FACTORS[0]
    mixed >>= np.uint32(32 - BITS)
    return mixed


def _by_text(batch: FoldedBatch, found: list[_OfLength]) -> Grams:
    """Put those of each text together, those of one character first: each has its place."""
    counts = sum((grams.counts for grams in found), np.zeros(len(batch), np.int64))
    frees = np.cumsum(counts) - counts
    packed = np.empty(int(counts.sum()), np.int64)  # one number for each, to place it once
    for length, starts, buckets, of_length in found:
        places = np.repeat(frees - np.cumsum(of_length) + of_length, of_length)
        places += np.arange(len(places))
        packed[places] = (starts << (BITS + 2)) | (buckets.astype(np.int64) << 2) | length
        frees += of_length
    starts = packed >> (BITS + 2)
    buckets = ((packed >> 2) & ((1 << BITS) - 1)).astype(np.uint32)
    owners = np.repeat(np.arange(len(batch)), counts)
    return Grams(buckets, owners, starts, starts + (packed & 3))
