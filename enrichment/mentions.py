"""Brands and topics that a text speaks of, with their place in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from enrichment.lexicon import MAX_CHANCE_LENGTH, Brand, Lexicon
from enrichment.phrases import Hit, PhraseFinder, lies_within, longest
from enrichment.script import fold_variants

SCALING: Final = frozenset("不没很好太超真更最挺蛮满够")
"""Folded characters that jieba likes to join with the word they scale."""


class Mention(NamedTuple):
    """A brand at [start, end) of the text it was found in."""

    brand_id: str
    alias: str
    start: int
    end: int


class _Role(Enum):
    ALIAS = auto()
    REQUIRED = auto()
    DENIED_HERE = auto()
    DENIED = auto()


class _Clue(NamedTuple):
    role: _Role
    alias: int


class MentionFinder:
    """Finds the brands of a lexicon; build once per process."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._aliases = [(b.brand_id, alias) for b in lexicon.brands for alias in b.aliases]
        self._finder = PhraseFinder(_clues(lexicon.brands))

    def find(self, text: str, boundaries: frozenset[int]) -> list[Mention]:
        """Return the longest aliases that hold, left to right, without overlap.

        `text` is folded, lower-cased and masked; `boundaries` are the places between its words. An
        alias that does not hold (inside another word, context missing, denied) does not hide a
        shorter one that does.
        """
        hits = self._finder.find(text)
        if not hits:
            return []
        clues: dict[_Clue, list[Hit[_Clue]]] = defaultdict(list)
        for hit in hits:
            clues[hit.payload].append(hit)
        holding = [hit for hit in hits if self._holds(hit, clues, text, boundaries)]
        return [self._mention(hit) for hit in longest(holding)]

    def _holds(
        self,
        hit: Hit[_Clue],
        clues: dict[_Clue, list[Hit[_Clue]]],
        text: str,
        boundaries: frozenset[int],
    ) -> bool:
        role, index = hit.payload
        if role is not _Role.ALIAS or _Clue(_Role.DENIED, index) in clues:
            return False
        if self._aliases[index][1].require_context and _Clue(_Role.REQUIRED, index) not in clues:
            return False
        around = clues.get(_Clue(_Role.DENIED_HERE, index), ())
        is_denied = any(lies_within(hit, other) for other in around)
        return not is_denied and fits_words(text, hit.start, hit.end, boundaries)

    def _mention(self, hit: Hit[_Clue]) -> Mention:
        brand_id, alias = self._aliases[hit.payload.alias]
        return Mention(brand_id, alias.text, hit.start, hit.end)


def fits_words(text: str, start: int, end: int, boundaries: frozenset[int]) -> bool:
    """Whether a phrase stands where words begin and end, as far as its ends are Han characters.

    A phrase of three or more Han characters may lie inside a longer word (a compound of the
    brand), but may not straddle two words: 中華電 is not in 中華｜電影.
    """
    is_start = not _is_han(text[start]) or start in boundaries
    is_end = not _is_han(text[end - 1]) or end in boundaries
    if is_start and is_end:
        return True
    is_short = end - start <= MAX_CHANCE_LENGTH
    return not is_short and not any(inside in boundaries for inside in range(start + 1, end))


def _is_han(character: str) -> bool:
    return character >= "\u3400" and character.isalpha()


def _clues(brands: Sequence[Brand]) -> Iterator[tuple[str, _Clue]]:
    aliases = (alias for brand in brands for alias in brand.aliases)
    for index, alias in enumerate(aliases):
        yield alias.text, _Clue(_Role.ALIAS, index)
        for phrase in alias.require_context:
            yield phrase, _Clue(_Role.REQUIRED, index)
        for phrase in alias.deny:
            role = _Role.DENIED_HERE if _contains(phrase, alias.text) else _Role.DENIED
            yield phrase, _Clue(role, index)


def _contains(phrase: str, alias: str) -> bool:
    """Whether any written form of the phrase holds any form of the alias, and more."""
    forms = [(p, a) for p in fold_variants(phrase) for a in fold_variants(alias)]
    return any(a in p and a != p for p, a in forms)


class TopicFinder:
    """Finds the topics of a lexicon; topics may share words."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._finder = PhraseFinder((p, t.topic_id) for t in lexicon.topics for p in t.phrases)

    def find(self, text: str, boundaries: frozenset[int]) -> list[str]:
        """Return distinct topic ids, sorted; a topic of one Han character must be a whole word."""
        hits = self._finder.find(text)
        return sorted({hit.payload for hit in hits if is_word_or_phrase(text, hit, boundaries)})


def is_word_or_phrase(text: str, hit: Hit[Any], boundaries: frozenset[int]) -> bool:
    """Whether a hit is longer than one Han character or a word of its own.

    Words of two such as 好貴 and 不推 are two words for this purpose: who cuts them cannot know.
    """
    start, end, _ = hit
    if end - start > 1 or not _is_han(text[start]):
        return True
    if start in boundaries:
        return end in boundaries or (end + 1 in boundaries and text[start] in SCALING)
    return end in boundaries and start - 1 in boundaries and text[start - 1] in SCALING
