"""Finding many phrases at once in a folded, lower-cased text, and where a word may begin or end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

import daachorse
import numpy as np

from enrichment.joined import Places
from enrichment.script import fold_variants

Payload = TypeVar("Payload")


class Hit(NamedTuple, Generic[Payload]):
    """A phrase at [start, end) and what the lexicon says about it."""

    start: int
    end: int
    payload: Payload


class PhraseFinder(Generic[Payload]):
    """All occurrences of (phrase, payload) entries, in either script, overlapping ones too.

    Linear in the text for a given set of phrases (Aho-Corasick over code points); 100,000 phrases
    cost no more per character than ten.
    """

    def __init__(self, entries: Iterable[tuple[str, Payload]]) -> None:
        payloads: dict[str, list[Payload]] = {}
        for phrase, payload in entries:
            for form in fold_variants(phrase):
                payloads.setdefault(form, []).append(payload)
        self._payloads = [
            (_is_latin(form[0]) or _is_latin(form[-1]), owners) for form, owners in payloads.items()
        ]
        self._automaton = daachorse.CharwiseDoubleArrayAhoCorasick(list(payloads))

    def places(self, text: str) -> Iterator[int]:
        """Yield where any phrase begins, whatever stands around it."""
        return (start for start, _, _ in self._automaton.find_overlapping(text))

    def find(self, text: str) -> list[Hit[Payload]]:
        """Return every hit whose Latin letters and digits are not part of a longer word."""
        hits: list[Hit[Payload]] = []
        for start, end, index in self._automaton.find_overlapping(text):
            is_latin, payloads = self._payloads[index]
            if not is_latin or stands_alone(text, start, end):
                hits += [Hit(start, end, payload) for payload in payloads]
        return hits


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether [start, end) cuts no Latin word and no number.

    A letter is blocked by a letter and a digit by a digit: LG in `LG8080` is a name, in `MLGB` it
    is not; 7-11 in `2027-11` is a date.
    """
    if start > 0 and _continues(text[start - 1], text[start]):
        return False
    return end == len(text) or not _continues(text[end], text[end - 1])


def _is_latin(character: str) -> bool:
    return character < "\u0250"


def _continues(neighbour: str, edge: str) -> bool:
    if not (_is_latin(edge) and _is_latin(neighbour)):
        return False
    return (edge.isalpha() and neighbour.isalpha()) or (edge.isdigit() and neighbour.isdigit())


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
    hits: Iterable[Hit[Payload]], offsets: Places
) -> Iterator[tuple[int, list[Hit[Payload]]]]:
    """Group hits in joined texts by the text they are in; texts without one are left out."""
    listed = list(hits)
    owners = np.searchsorted(offsets, [hit.start for hit in listed], side="right") - 1
    groups: defaultdict[int, list[Hit[Payload]]] = defaultdict(list)
    for owner, hit in zip(owners.tolist(), listed, strict=True):
        groups[owner].append(hit)
    yield from groups.items()


def overlap(hit: Hit[Payload], other: Hit[Payload]) -> bool:
    """Whether two hits share a character."""
    return hit.start < other.end and other.start < hit.end


def lies_within(hit: Hit[Payload], other: Hit[Payload]) -> bool:
    """Whether a hit is inside another one or covers the same place."""
    return other.start <= hit.start and hit.end <= other.end
