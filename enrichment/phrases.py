"""Finding the phrases of a list in folded, lower-cased texts, and where a word may begin or end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import CODE_POINTS, Kind, kinds
from enrichment.joined import Flags, Joined, Places
from enrichment.script import fold_variants
from enrichment.tree import Occurrences, PhraseTree

_LATIN_BELOW: Final = 0x250

Payload = TypeVar("Payload")


class Hit(NamedTuple, Generic[Payload]):
    """A phrase at [start, end) and what the lexicon says about it."""

    start: int
    end: int
    payload: Payload


class PhraseList:
    """Phrases in either script; an entry is a place in the list, and several may be of one phrase.

    `first_only`: of these only the first counts.
    """

    def __init__(self, phrases: Iterable[str], *, first_only: bool = False) -> None:
        entries: dict[str, list[int]] = {}
        for entry, phrase in enumerate(phrases):
            for form in fold_variants(phrase):
                entries.setdefault(form, []).append(entry)
        kept = [found[:1] if first_only else found for found in entries.values()]
        self._counts = np.fromiter(map(len, kept), np.int64, len(kept))
        self._firsts = np.cumsum(self._counts) - self._counts
        self._entries = np.fromiter(chain.from_iterable(kept), np.int64)
        self._has_one_each = bool((self._counts == 1).all())
        self._is_latin = np.array([_is_latin(f[0]) or _is_latin(f[-1]) for f in entries], np.bool_)
        self.forms: Final = tuple(entries)
        """Distinct forms in which the phrases can stand."""
        self.has_lone_han: Final = any(len(form) == 1 and _is_han(form) for form in entries)

    @cached_property
    def _tree(self) -> PhraseTree:
        return PhraseTree(self.forms)

    def find(self, texts: Joined, is_word: Flags | None = None) -> Occurrences:
        """Return every occurrence of every entry, by place.

        Latin letters and digits are no part of a longer word or number. `is_word`, if given, says
        where one Han character is a word of its own (`lone_words`); no other one counts then.
        """
        return self.entries_of(texts, self._tree.find(texts, is_word))

    def places(self, texts: Joined) -> Places:
        """Return where any phrase begins, whatever stands around it."""
        return self._tree.find(texts).starts

    def entries_of(self, texts: Joined, found: Occurrences) -> Occurrences:
        """Return the entries of occurrences of `forms` that cut no Latin word and no number."""
        latin = np.flatnonzero(self._is_latin[found.entries])
        if len(latin):
            holds = np.ones(len(found.starts), np.bool_)
            holds[latin] = _stands_alone(texts, found.starts[latin], found.ends[latin])
            found = found.only(np.flatnonzero(holds))
        phrases = found.entries
        if self._has_one_each:
            return found._replace(entries=self._entries[phrases])
        counts = self._counts[phrases]
        which = ranges(self._firsts[phrases], counts)
        starts, ends = np.repeat(found.starts, counts), np.repeat(found.ends, counts)
        return Occurrences(starts, ends, self._entries[which])


def ranges(firsts: Places, counts: Places) -> Places:
    """Return `first, first + 1, …` of each, `count` numbers long, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(firsts - before, counts)


def are_whole(texts: Joined, begins: Flags, found: Occurrences) -> Flags:
    """Say of each whether it begins with a word and ends with one (`fitting.is_whole`)."""
    opens = begins[found.starts] | ((texts.kinds[found.starts] & Kind.HAN) == 0)
    return np.asarray(
        opens & (begins[found.ends] | ((texts.kinds[found.ends - 1] & Kind.HAN) == 0))
    )


def lone_words(texts: Joined, begins: Flags) -> Flags:
    """Say, position by position, whether one Han character there would be a word of its own.

    Words of two such as 好貴 and 不推 are two words for this purpose: who cuts them cannot know.
    """
    scaling = texts.are(Kind.SCALING)
    are_words = begins[:-1].copy()
    are_words[1:] |= scaling[:-1] & begins[:-2]  # 不｜推荐, cut as 不推｜荐
    are_words &= begins[1:]
    are_words[:-1] |= begins[:-2] & scaling[:-1] & begins[2:]  # 好贵, as one word
    return np.asarray(are_words)


@cache
def _latin_kinds() -> NDArray[np.uint8]:
    """Return 1 for a Latin letter, 2 for a Latin digit, 0 for all else."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for code in range(_LATIN_BELOW):
        table[code] = 1 if chr(code).isalpha() else 2 * chr(code).isdigit()
    return table


def _stands_alone(texts: Joined, starts: Places, ends: Places) -> Flags:
    """Say of each span whether it cuts no Latin word and no number.

    A letter is blocked by a letter and a digit by a digit: LG in `LG8080` is a name, in `MLGB` it
    is not; 7-11 in `2027-11` is a date.
    """
    latin, codes = _latin_kinds(), texts.codes
    first, last = latin[codes[starts]], latin[codes[ends - 1]]
    before = np.where(starts > 0, latin[codes[starts - 1]], 0)
    after = np.where(ends < len(codes), latin[codes[np.minimum(ends, len(codes) - 1)]], 0)
    return np.asarray(((first == 0) | (first != before)) & ((last == 0) | (last != after)))


def _is_latin(character: str) -> bool:
    return ord(character) < _LATIN_BELOW


def _is_han(character: str) -> bool:
    return bool(kinds()[ord(character)] & Kind.HAN)


def longest(hits: list[Hit[Payload]]) -> list[Hit[Payload]]:
    """Keep the leftmost, then longest hit, without overlap, by position."""
    if len(hits) < 2:
        return hits
    kept: list[Hit[Payload]] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def by_text(
    hits: Iterable[Hit[Payload]], owners: Places
) -> Iterator[tuple[int, list[Hit[Payload]]]]:
    """Group hits by the text they are in; texts without one are left out."""
    groups: defaultdict[int, list[Hit[Payload]]] = defaultdict(list)
    for owner, hit in zip(owners.tolist(), hits, strict=True):
        groups[owner].append(hit)
    yield from groups.items()


def overlap(hit: Hit[Payload], other: Hit[Payload]) -> bool:
    """Whether two hits share a character."""
    return hit.start < other.end and other.start < hit.end


def lies_within(hit: Hit[Payload], other: Hit[Payload]) -> bool:
    """Whether a hit is inside another one or covers the same place."""
    return other.start <= hit.start and hit.end <= other.end
