"""Phrases are found as a plain search finds them, whatever overlaps, and however strange."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from enrichment.joined import Joined, are_free, join, long_runs
from enrichment.phrases import PhraseList, lone_words
from enrichment.tree import Occurrences, PhraseTree, leftmost_longest

LETTERS = st.sampled_from("ab好\N{SMILING FACE WITH SUNGLASSES}\U00020597")
PHRASES = st.lists(st.text(LETTERS, min_size=1, max_size=6), unique=True, max_size=12)
TEXTS = st.lists(st.text(LETTERS, max_size=40), min_size=1, max_size=6)


def spans(found: Occurrences) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in found), strict=True))


def searched(texts: Joined, phrases: list[str]) -> list[tuple[int, ...]]:
    """What one would find by looking for every phrase at every place."""
    return sorted(
        (at, at + len(phrase), number)
        for number, phrase in enumerate(phrases)
        for at in range(len(texts.text))
        if texts.text.startswith(phrase, at)
    )


@given(phrases=PHRASES, texts=TEXTS)
def test_every_occurrence_is_found_by_place(phrases: list[str], texts: list[str]) -> None:
    joined = join(texts)
    assert spans(PhraseTree(phrases).find(joined)) == searched(joined, phrases)


@given(phrases=PHRASES, texts=TEXTS)
def test_the_leftmost_then_longest_remain(phrases: list[str], texts: list[str]) -> None:
    joined = join(texts)
    found = leftmost_longest(PhraseTree(phrases).find(joined))
    assert spans(found) == longest_of(searched(joined, phrases))


def test_long_chains_of_overlaps_are_followed_to_their_end() -> None:
    """More of them than are followed one by one, and longer than a few steps."""
    phrases, joined = ["abc", "cab", "bca"], join(["abc" * 30] * 20)
    found = leftmost_longest(PhraseTree(phrases).find(joined))
    assert len(found.starts) == 20 * 30
    assert spans(found) == longest_of(searched(joined, phrases))


def longest_of(found: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    kept: list[tuple[int, ...]] = []
    for span in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def test_characters_with_the_same_lower_half_are_not_mixed_up() -> None:
    above = chr(ord("好") + 0x10000)
    assert spans(PhraseTree(["好"]).find(join([above + "好"]))) == [(1, 2, 0)]
    assert spans(PhraseTree([above]).find(join([above + "好"]))) == [(0, 1, 0)]


def test_no_phrase_is_found_in_none_and_none_in_nothing() -> None:
    assert spans(PhraseTree([]).find(join(["好喝"]))) == []
    assert spans(PhraseTree(["好喝"]).find(join([""]))) == []
    assert spans(PhraseTree(["好喝", "好"]).find(join(["", "好"]))) == [(1, 2, 1)]


def test_many_phrases_share_a_table_without_loss() -> None:
    phrases = [chr(0x4E00 + i % 600) + chr(0x4E00 + i // 600) for i in range(20_000)]
    texts = join(phrases)
    found = PhraseTree(phrases).find(texts)
    own = found.starts % 3 == 0  # others begin inside one and end at a separator: none does
    assert found.entries[own].tolist() == list(range(20_000))


def test_one_han_character_counts_where_it_is_a_word() -> None:
    texts = join(["好贵贵宾", "贵"])
    begins = np.array([True, True, True, False, True, True, True, True])
    is_word = lone_words(texts, begins)
    assert PhraseList(["贵"]).find(texts, is_word).starts.tolist() == [1, 5]
    assert PhraseList(["贵"]).find(texts).starts.tolist() == [1, 2, 5]


def test_latin_phrases_cut_no_word_and_no_number() -> None:
    texts = join(["lg8080 mlgb 7-11 2027-11", "lg"])
    found = PhraseList(["LG", "7-11"]).find(texts)
    assert found.starts.tolist() == [0, 12, 25]


@given(text=st.text(st.sampled_from("aab"), max_size=40), at_least=st.integers(2, 4))
def test_runs_are_those_of_one_character(text: str, at_least: int) -> None:
    bounds = [0, *(i for i in range(1, len(text)) if text[i] != text[i - 1]), len(text)]
    runs = [(a, b) for a, b in pairwise(bounds) if b - a >= at_least]
    starts, ends = long_runs(join([text]).codes[:-1], at_least)
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == runs


def test_a_span_is_free_of_what_stands_behind_it() -> None:
    starts, ends, signs = np.array([0, 2, 3]), np.array([2, 3, 5]), np.array([2, 5])
    assert are_free(starts, ends, signs).tolist() == [True, False, True]


def test_spans_are_cut_out_as_texts() -> None:
    texts = join(["真的好喝", "難喝"])
    assert texts.cut(np.array([2, 5]), np.array([4, 7])).texts == ["好喝", "難喝"]
    assert texts.cut(np.zeros(0, np.int64), np.zeros(0, np.int64)).texts == []
