"""Brands and topics that texts speak of, with their place and the rule by which they count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum, StrEnum, auto
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from enrichment.columns import distinct_column, from_counts
from enrichment.fitting import is_inside, is_whole
from enrichment.heard import Heard
from enrichment.joined import Flags, Places
from enrichment.lexicon import Alias, Brand, Lexicon
from enrichment.phrases import (
    Hit,
    PhraseList,
    are_whole,
    by_text,
    lies_within,
    lone_words,
    longest,
    overlap,
)
from enrichment.schema import ENRICHED
from enrichment.script import fold_variants
from enrichment.tree import Occurrences

KINDS_OF_THING: Final = frozenset("车店牌机粉")
"""Folded characters that jieba joins with a brand's name: 宝马车, 全家店."""


class Rule(StrEnum):
    """Why an alias counts at its place."""

    WORD = "word"  # words begin and end there
    INSIDE_WORD = "inside_word"  # three characters or more, part of one longer word
    KIND_OF_THING = "kind_of_thing"  # one word with what it is: 宝马车
    HASHTAG = "hashtag"  # all that a hashtag says
    CONTEXT = "context"  # stands as a word, and a phrase that it needs is in the text
    BEHIND_BRAND = "behind_brand"  # a product right behind a mention of its brand


_RULES: Final = tuple(Rule)


class Mention(NamedTuple):
    """A brand at [start, end) of the text it was found in."""

    brand_id: str
    product_id: str | None
    alias: str
    rule: str
    is_quoted: bool
    start: int
    end: int


class _Role(IntEnum):
    ALIAS = auto()
    REQUIRED = auto()
    DENIED_HERE = auto()
    DENIED = auto()
    BLOCKED = auto()


class _Clue(NamedTuple):
    role: _Role
    alias: int


class _Ruled(NamedTuple):
    alias: int
    rule: Rule


_Hits = list[Hit[_Clue]]


class MentionFinder:
    """Finds the brands of a lexicon; build once per process."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._aliases = [(b.brand_id, alias) for b in lexicon.brands for alias in b.aliases]
        self._is_plain = [not any(alias.conditions) for _, alias in self._aliases]
        told = list(_clues(lexicon.brands))
        self._phrases = PhraseList(phrase for phrase, _ in told)
        self._clues = [clue for _, clue in told]
        self._alias_of = np.array([clue.alias for clue in self._clues], np.int64)
        self._is_plain_clue = np.array(self._is_plain, np.bool_)[self._alias_of]
        columns = zip(*((b, a.product_id, a.text) for b, a in self._aliases), strict=True)
        self._columns = [pa.array(list(c), pa.string()) for c in columns if self._aliases]

    def find(self, heard: Heard) -> pa.Array:
        """Return a column of the longest aliases that hold, by position, without overlap.

        An alias that does not hold (inside another word, context missing, denied) does not hide a
        shorter one that does. Spans are those of the text as written.
        """
        found = self._phrases.find(heard.speech)
        owners = heard.speech.owners(found.starts)
        is_easy = self._are_alone(heard, found, owners)
        easy, others = found.only(is_easy), np.flatnonzero(~is_easy)
        held = self._hold(heard, found.only(others), owners[others])
        starts, ends, aliases, rules = (
            np.concatenate(pair) for pair in zip(self._as_words(easy), held, strict=True)
        )
        order = np.argsort(starts)
        return self._column(heard, starts[order], ends[order], aliases[order], rules[order])

    def _are_alone(self, heard: Heard, found: Occurrences, owners: Places) -> Flags:
        """Say which is the only one of its text, a word, and nothing bears on it, as usual."""
        counts = np.bincount(owners, minlength=len(heard))
        is_alone = (counts[owners] == 1) & self._is_plain_clue[found.entries]
        return np.asarray(is_alone & are_whole(heard.speech, heard.begins, found))

    def _as_words(self, found: Occurrences) -> tuple[Places, ...]:
        rules = np.full(len(found.starts), _RULES.index(Rule.WORD))
        return found.starts, found.ends, self._alias_of[found.entries], rules

    def _hold(self, heard: Heard, found: Occurrences, owners: Places) -> tuple[Places, ...]:
        """Weigh the aliases of each text against each other, and what bears on them."""
        text, begins = heard.speech.text, heard.word_begins
        clues = [self._clues[entry] for entry in found.entries.tolist()]
        hits = list(map(Hit, found.starts.tolist(), found.ends.tolist(), clues))
        holding = [
            (start, end, ruled.alias, _RULES.index(ruled.rule))
            for _, of_text in by_text(hits, owners)
            for start, end, ruled in longest(self._holding(of_text, text, begins))
        ]
        return tuple(np.array(holding, np.int64).reshape(-1, 4).T)

    def _column(
        self, heard: Heard, starts: Places, ends: Places, aliases: Places, rules: Places
    ) -> pa.Array:
        owners = heard.speech.owners(starts)
        spans = heard.in_originals(owners, starts, ends)
        told = [column.take(pa.array(aliases)) for column in self._columns] or [
            pa.array([], pa.string())
        ] * 3
        fields = [
            *told,
            pa.array(_RULES).take(pa.array(rules)),
            pa.array(heard.is_quoted[starts]),
            *(pa.array(places.astype(np.int32)) for places in spans),
        ]
        kinds = list(ENRICHED.field("mentions").type.value_type)
        counts = np.bincount(owners, minlength=len(heard))
        return from_counts("mentions", counts, pa.StructArray.from_arrays(fields, fields=kinds))

    def _holding(self, hits: _Hits, text: str, begins: bytes) -> list[Hit[_Ruled]]:
        clues: defaultdict[_Clue, _Hits] = defaultdict(list)
        if not all(self._is_plain[hit.payload.alias] for hit in hits):
            for hit in hits:
                clues[hit.payload].append(hit)
        holding: list[Hit[_Ruled]] = []
        cut: _Hits = []
        for hit in hits:
            if self._may_count(hit, clues):
                if rule := self._rule(hit, text, begins):
                    holding.append(_ruled(hit, rule))
                else:
                    cut.append(hit)
        return holding + self._behind_brands(cut, holding, begins) if cut else holding

    def _may_count(self, hit: Hit[_Clue], clues: dict[_Clue, _Hits]) -> bool:
        """Whether a hit is an alias that its own conditions let count here."""
        role, index = hit.payload
        if self._is_plain[index]:
            return True
        if role is not _Role.ALIAS or _Clue(_Role.DENIED, index) in clues:
            return False
        alias = self._aliases[index][1]
        if alias.require_context and _Clue(_Role.REQUIRED, index) not in clues:
            return False
        if alias.deny and _is_covered(hit, clues.get(_Clue(_Role.DENIED_HERE, index), ())):
            return False
        return not (alias.blockers and _is_touched(hit, clues.get(_Clue(_Role.BLOCKED, index), ())))

    def _rule(self, hit: Hit[_Clue], text: str, begins: bytes) -> Rule | None:
        rule = _standing(text, hit.start, hit.end, begins)
        needs_context = self._aliases[hit.payload.alias][1].require_context
        return Rule.CONTEXT if rule is Rule.WORD and needs_context else rule

    def _behind_brands(
        self, cut: _Hits, holding: list[Hit[_Ruled]], begins: bytes
    ) -> list[Hit[_Ruled]]:
        """Return the products whose end a word cuts, right behind a mention of their brand.

        In 松風輕語氣炸鍋 jieba reads 語氣; who has just named 松風 means its 輕語.
        """
        ends = {(hit.end, self._aliases[hit.payload.alias][0]) for hit in holding}
        return [
            _ruled(hit, Rule.BEHIND_BRAND)
            for hit in cut
            if self._aliases[hit.payload.alias][1].product_id
            and begins[hit.start]
            and hit.end - hit.start > 1
            and (hit.start, self._aliases[hit.payload.alias][0]) in ends
        ]


def _ruled(hit: Hit[_Clue], rule: Rule) -> Hit[_Ruled]:
    return Hit(hit.start, hit.end, _Ruled(hit.payload.alias, rule))


def _standing(text: str, start: int, end: int, begins: bytes) -> Rule | None:
    """Return by which rule an alias stands where it stands; None when it is a part of a word."""
    if is_whole(text, start, end, begins):
        return Rule.WORD
    if is_inside(start, end, begins):
        return Rule.INSIDE_WORD
    if begins[start] and text[end] in KINDS_OF_THING and begins[end + 1]:
        return Rule.KIND_OF_THING
    if start and text[start - 1] == "#" and text[end] in "# \n\0":
        return Rule.HASHTAG
    return None


def _is_covered(hit: Hit[_Clue], others: Iterable[Hit[_Clue]]) -> bool:
    return any(lies_within(hit, other) for other in others)


def _is_touched(hit: Hit[_Clue], others: Iterable[Hit[_Clue]]) -> bool:
    return any(overlap(hit, other) for other in others)


def _clues(brands: Sequence[Brand]) -> Iterator[tuple[str, _Clue]]:
    aliases = (alias for brand in brands for alias in brand.aliases)
    for index, alias in enumerate(aliases):
        yield alias.text, _Clue(_Role.ALIAS, index)
        yield from ((phrase, _Clue(role, index)) for role, phrase in _conditions(alias))


def _conditions(alias: Alias) -> Iterator[tuple[_Role, str]]:
    for phrase in alias.require_context:
        yield _Role.REQUIRED, phrase
    for phrase in alias.deny:
        yield _Role.DENIED_HERE if _contains(phrase, alias.text) else _Role.DENIED, phrase
    for phrase in alias.blockers:
        yield _Role.BLOCKED, phrase


def _contains(phrase: str, alias: str) -> bool:
    """Whether any written form of the phrase holds any form of the alias, and more."""
    forms = [(p, a) for p in fold_variants(phrase) for a in fold_variants(alias)]
    return any(a in p and a != p for p, a in forms)


class TopicFinder:
    """Finds the topics of a lexicon; topics may share words."""

    def __init__(self, lexicon: Lexicon) -> None:
        told = [(phrase, topic.topic_id) for topic in lexicon.topics for phrase in topic.phrases]
        names = sorted({name for _, name in told})
        self._phrases = PhraseList(phrase for phrase, _ in told)
        self._names = pa.array(names, pa.string())
        self._topic_of = np.array([names.index(name) for _, name in told], np.int64)

    def find(self, heard: Heard) -> pa.Array:
        """Return a column of distinct topic ids, sorted; a topic of one Han character must be a
        whole word."""
        is_word = lone_words(heard.speech, heard.begins) if self._phrases.has_lone_han else None
        found = self._phrases.find(heard.speech, is_word)
        owners = heard.speech.owners(found.starts)
        return distinct_column(
            "topics", owners, self._topic_of[found.entries], self._names, len(heard)
        )
