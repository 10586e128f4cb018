"""Whether a phrase stands where words begin and end. `begins[i]` is 1 where a word begins."""

from __future__ import annotations

from typing import Final

MAX_CHANCE_LENGTH: Final = 2
"""Han characters up to which a phrase turns up by chance inside another word (美的 in 最美的)."""
SCALING: Final = frozenset("不没很好太超真更最挺蛮满够")
"""Folded characters that jieba likes to join with the word they scale."""


def fits_words(text: str, start: int, end: int, begins: bytes) -> bool:
    """Whether a phrase stands where words begin and end, as far as its ends are Han characters.

    A phrase of three or more Han characters may lie inside a longer word (a compound of the
    brand), but may not straddle two words: 中華電 is not in 中華｜電影.
    """
    return is_whole(text, start, end, begins) or is_inside(start, end, begins)


def is_whole(text: str, start: int, end: int, begins: bytes) -> bool:
    """Whether a phrase begins with a word and ends with one; Latin ends are judged elsewhere."""
    is_start = begins[start] or not is_han(text[start])
    return bool(is_start and (begins[end] or not is_han(text[end - 1])))


def is_inside(start: int, end: int, begins: bytes) -> bool:
    """Whether a phrase too long for chance is a part of one word."""
    return end - start > MAX_CHANCE_LENGTH and begins.find(1, start + 1, end) < 0


def is_han(character: str) -> bool:
    return character >= "\u3400" and character.isalpha()
