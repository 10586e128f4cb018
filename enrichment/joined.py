"""Many texts as one: one long string and its code points, so that one call works on all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import Kind, kinds

SEPARATOR: Final = "\0"
"""Stands behind every text. No word, phrase or address contains it, so nothing crosses it."""

PAIR_BITS: Final = 18
"""Of a bucket of two characters: 256 kB of flags, which a processor keeps at hand."""

Codes = NDArray[np.uint32]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Joined:
    """Texts one after the other: text `i` is `codes[offsets[i] : offsets[i + 1] - 1]`.

    `codes` are Unicode code points, a `SEPARATOR` behind each text; a text may hold that
    character, too, so only `offsets` say where texts end.
    """

    codes: Codes
    offsets: Places

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def starts(self) -> Places:
        """Where each text begins; every text has at least its separator, so `reduceat` is safe."""
        return self.offsets[:-1]

    @property
    def lengths(self) -> Places:
        """Code points of each text, without its separator."""
        return np.diff(self.offsets) - 1

    @cached_property
    def text(self) -> str:
        """All texts as one string, separators among them; positions are those of `codes`."""
        return decode(self.codes)

    @cached_property
    def texts(self) -> list[str]:
        """The texts one by one."""
        return [self.text[start:end] for start, end in self.spans()]

    @cached_property
    def kinds(self) -> NDArray[np.uint16]:
        """The `Kind` of each character."""
        return kinds().take(self.codes)

    def are(self, kind: Kind) -> Flags:
        """Say, position by position, whether a character is of a kind, or of one of several."""
        return np.asarray((self.kinds & np.uint16(kind)) != 0)

    def places(self, kind: Kind) -> Places:
        """Return where such characters are."""
        return np.flatnonzero(self.are(kind))

    @cached_property
    def low_codes(self) -> NDArray[np.uint16]:
        """The lower half of each code point: a small index that few characters share."""
        return self.codes.astype(np.uint16)

    @cached_property
    def pairs(self) -> Places:
        """The bucket of each character with the one behind it; the last has none behind it."""
        return pair_buckets(self.codes[:-1], self.codes[1:])

    @cached_property
    def _owner_of(self) -> Places:
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield where each text lies in `text`."""
        return zip(self.starts.tolist(), (self.offsets[1:] - 1).tolist(), strict=True)

    def span(self, i: int) -> tuple[int, int]:
        """Return where one text lies in `text`."""
        return int(self.offsets[i]), int(self.offsets[i + 1]) - 1

    def owners(self, positions: Sequence[int] | Places) -> Places:
        """Return which text each position belongs to."""
        return self._owner_of[np.asarray(positions, np.int64)]

    def is_separator(self) -> Flags:
        """Return, position by position, whether a text ends there."""
        flags = np.zeros(len(self.codes), np.bool_)
        flags[self.offsets[1:] - 1] = True
        return flags

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Spread one value per text over its positions, the separator's among them."""
        return np.repeat(values, np.diff(self.offsets))

    def count(self, flags: Flags) -> Places:
        """Count, text by text, the positions where a flag is up."""
        return np.add.reduceat(flags.view(np.int8), self.starts, dtype=np.int64)

    def count_places(self, places: Places) -> Places:
        """Count, text by text, how many of these positions are in it."""
        return np.bincount(self.owners(places), minlength=len(self))

    def cut(self, starts: Places, ends: Places) -> Joined:
        """Return spans as texts of their own; none may hold the end of a text."""
        lengths = ends - starts + 1
        offsets = np.append(0, np.cumsum(lengths))
        codes = self.codes[np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)]
        codes[offsets[1:] - 1] = ord(SEPARATOR)
        return Joined(codes, offsets)

    def with_codes(self, codes: Codes) -> Joined:
        """Return texts of the same lengths in other characters."""
        return Joined(codes, self.offsets)


def join(texts: Sequence[str]) -> Joined:
    """Put texts together; an empty list gives nothing at all."""
    codes = encode(SEPARATOR.join((*texts, ""))) if texts else np.zeros(0, np.uint32)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=offsets[1:])
    return Joined(codes, offsets)


def encode(text: str) -> Codes:
    """Return the code points of a string."""
    raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    return raw.astype(np.uint32, copy=False)


def decode(codes: Codes) -> str:
    """Return the string of these code points."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def are_free(starts: Places, ends: Places, signs: Places) -> Flags:
    """Say of each span [start, end) whether none of the places, sorted, lies in it."""
    return np.asarray(np.searchsorted(signs, starts) == np.searchsorted(signs, ends))


def pair_buckets(firsts: Codes, seconds: Codes) -> Places:
    """Return a bucket of `PAIR_BITS` for each two characters."""
    mixed = firsts * np.uint32(0x9E3779B1) + seconds * np.uint32(0x85EBCA77)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x27D4EB2F)
    return (mixed >> np.uint32(32 - PAIR_BITS)).astype(np.int64)


def long_runs(codes: Codes, at_least: int) -> tuple[Places, Places]:
    """Return where runs of one character begin and end, of those that are `at_least` so long: two
    or more."""
    doubled = np.flatnonzero(codes[1:] == codes[:-1])
    edges = np.flatnonzero(np.diff(doubled) > 1)
    firsts = doubled[np.append(0, edges + 1)[: len(doubled)]]
    ends = doubled[np.append(edges, -1)[: len(doubled)]] + 2
    is_long = ends - firsts >= at_least
    return firsts[is_long], ends[is_long]
