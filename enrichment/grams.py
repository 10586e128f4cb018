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
    lasts = codes != _BLANK
    hashes = np.zeros(len(codes), np.uint32)
    found: list[tuple[Buckets, Places, int]] = []
    is_open = lasts
    for length in range(1, min(LONGEST, len(codes)) + 1):
        size = len(codes) - length + 1
        hashes = hashes[:size] + codes[length - 1 :] * _FACTORS[length - 1]
        lasts = lasts[:size] & is_open[length - 1 :]
        buckets = _buckets(hashes, length)
        at = np.flatnonzero(lasts if wanted is None else lasts & wanted[buckets])
        found.append((buckets[at], at, length))
    return _by_text(batch, found)


def count_open(batch: FoldedBatch) -> Places:
    """Count, text by text, the characters that n-grams are made of."""
    return batch.joined.count(plain_forms()[batch.codes] != _BLANK)


def _plain(batch: FoldedBatch) -> Codes:
    """Return plain forms; of a number only the last digit is left."""
    codes = plain_forms()[batch.codes]
    codes[:-1][(codes[:-1] == _DIGIT) & (codes[1:] == _DIGIT)] = _BLANK
    return codes


def _buckets(hashes: Buckets, length: int) -> Buckets:
    mixed = (hashes ^ (hashes >> np.uint32(15))) * _MIX + np.uint32(length)
    mixed ^= mixed >> np.uint32(13)
    return np.asarray((mixed * _FACTORS[0]) >> np.uint32(32 - BITS), np.uint32)


def _by_text(batch: FoldedBatch, found: list[tuple[Buckets, Places, int]]) -> Grams:
    none = np.zeros(0, np.int64)
    buckets = np.concatenate([b for b, _, _ in found] or [none.astype(np.uint32)])
    starts = np.concatenate([at for _, at, _ in found] or [none])
    ends = np.concatenate([at + length for _, at, length in found] or [none])
    owners = np.repeat(np.arange(len(batch)), np.diff(batch.offsets))[starts]
    order = np.argsort(owners, kind="stable")
    return Grams(buckets[order], owners[order], starts[order], ends[order])
