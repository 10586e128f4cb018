"""Numbers that copies and near-copies of a text share, whatever was put around them.

`fingerprints` are equal for texts that say the same letters and digits. `bands` and `sketches` are
for near-copies: MinHash over all three-character stretches, sixteen minima taken two by two (Broder
1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). All arithmetic is on
whole numbers modulo a power of two, so every machine gets the same.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enrichment.characters import Kind
from enrichment.columns import from_counts
from enrichment.heard import Heard
from enrichment.joined import Flags

MIN_LENGTH: Final = 8
"""Letters and digits that a text must keep; shorter ones (推, 謝謝) are equal without copying."""
BANDS: Final = 8
ROWS: Final = 2
SHINGLE: Final = 3

_EMOTICON: Final = re.compile(r"\[[^\[\]\s]{1,8}\]")
_GOLDEN: Final = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: odd, and well mixed


class Prints:
    """Fingerprints and bands of a batch."""

    def __init__(self, heard: Heard) -> None:
        said = heard.is_spoken & ~_in_emoticons(heard)
        self._counts = heard.speech.count(said)
        self._is_long = self._counts >= MIN_LENGTH
        kept = said & heard.speech.each(self._is_long)
        codes = heard.speech.codes[kept].astype(np.uint64)
        self._long_counts = self._counts[self._is_long]
        self._starts = np.concatenate(([0], np.cumsum(self._long_counts)))[:-1].astype(np.int64)
        self._codes = codes

    def fingerprints(self) -> pa.Array:
        """Return 64 bits for each text; NULL where it says too little."""
        values = np.zeros(len(self._counts), np.uint64)
        if len(self._starts):
            places = np.arange(len(self._codes)) - np.repeat(self._starts, self._long_counts)
            terms = _mixed(self._codes) * _mixed(places.astype(np.uint64) + np.uint64(1))
            values[self._is_long] = _mixed(np.add.reduceat(terms, self._starts))
        return pa.array(values.view(np.int64), pa.int64(), mask=~self._is_long)

    def bands(self) -> pa.Array:
        """Return `BANDS` numbers of 32 bits for each text; none where it says too little."""
        rows = np.zeros((len(self._starts), BANDS), np.uint32)
        if len(self._starts):
            shingles = self._shingles
            for band in range(BANDS):
                minima = [self._minima(shingles, band * ROWS + row) for row in range(ROWS)]
                rows[:, band] = (minima[0] * np.uint32(0x85EBCA6B)) ^ _turned(minima[1])
        counts = np.where(self._is_long, BANDS, 0)
        return from_counts("bands", counts, pa.array(rows.reshape(-1).view(np.int32)))

    def sketches(self) -> dict[str, pa.Array]:
        """Return 128 bits for each text, one or more of them set by each shingle's hash."""
        halves = np.zeros((2, len(self._counts)), np.uint64)
        if len(self._starts):
            places = self._shingles >> np.uint32(25)
            bits = np.uint64(1) << (places & np.uint32(63)).astype(np.uint64)
            for half in range(2):
                mine = np.where(places >> np.uint32(6) == half, bits, np.uint64(0))
                halves[half, self._is_long] = np.bitwise_or.reduceat(mine, self._starts)
        names = ("sketch_low", "sketch_high")
        values = zip(names, halves.view(np.int64), strict=True)
        return {name: pa.array(half, pa.int64(), mask=~self._is_long) for name, half in values}

    @cached_property
    def _shingles(self) -> NDArray[np.uint32]:
        """Hash each three characters in a row; the last two places of a text repeat the third."""
        codes = self._codes
        hashes = codes.copy()
        for distance in range(1, SHINGLE):
            hashes *= np.uint64(_GOLDEN)
            hashes[:-distance] += codes[distance:]
        ends = self._starts + self._long_counts
        for back in range(1, SHINGLE):
            hashes[ends - back] = hashes[ends - SHINGLE]
        return (_mixed(hashes) >> np.uint64(32)).astype(np.uint32)

    def _minima(self, shingles: NDArray[np.uint32], number: int) -> NDArray[np.uint32]:
        """Return each text's least hash under one of the hash functions."""
        odd = np.uint32((_GOLDEN * (2 * number + 3) >> 20) & 0xFFFFFFFF | 1)
        mixed = shingles * odd
        mixed ^= mixed >> np.uint32(15)
        return np.asarray(np.minimum.reduceat(mixed, self._starts), np.uint32)


def _in_emoticons(heard: Heard) -> Flags:
    inside = np.zeros(len(heard.kinds), np.bool_)
    if (heard.kinds & Kind.BRACKET).any():
        for found in _EMOTICON.finditer(heard.speech.text):
            inside[found.start() : found.end()] = True
    return inside


def _turned(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.asarray((values << np.uint32(13)) | (values >> np.uint32(19)), np.uint32)


def _mixed(values: NDArray[np.uint64]) -> NDArray[Any]:
    """Spread every bit over all others (SplitMix64's last step, Steele, Lea and Flood 2014)."""
    mixed = values + np.uint64(_GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
