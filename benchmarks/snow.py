"""SnowNLP's moods: with the model that it brings, and with one that never saw what is measured.

SnowNLP comes with the reviews that it learned from, so it can learn from them again without those
of a set: then neither side knows the set. It takes part where it can be imported.
"""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from typing import Any, Final

WORKERS: Final = 4
NEUTRAL: Final = (0.4, 0.6)
"""Where a set knows a neutral mood, SnowNLP's answer is that between these."""
SHORTEST_KNOWN: Final = 6
"""Letters from which a text that stands in the training data is not there by chance, …"""
SHORTEST_PIECE: Final = 12
"""… and from which a part of a text is not: long reviews lie there in lines of their own."""

Words = list[str]


@dataclass(frozen=True)
class Line:
    """A line of SnowNLP's training data: its side, its letters and its words."""

    side: str
    letters: str
    words: Words


@dataclass(frozen=True)
class Opponent:
    """A classifier of SnowNLP."""

    classifier: Any

    def moods(self, texts: Sequence[Words], *, has_neutral: bool) -> list[str]:
        """Return `neg`, `neu` or `pos` for texts in words; without a word 0.5 counts."""
        low, high = NEUTRAL if has_neutral else (0.5, 0.5)
        told = [self._positive(words) if words else 0.5 for words in texts]
        return ["neg" if x < low else "pos" if x >= high else "neu" for x in told]

    def _positive(self, words: Words) -> float:
        side, sure = self.classifier.classify(words)
        return float(sure if side == "pos" else 1 - sure)


def shipped() -> Opponent:
    """Return SnowNLP as it comes."""
    return Opponent(importlib.import_module("snownlp.sentiment").classifier.classifier)


def find_known(texts: Sequence[str]) -> tuple[set[int], set[int]]:
    """Return which lines of its data are texts, or pieces of texts; and which texts these are."""
    return find_shared([line.letters for line in _lines()], list(map(_letters, texts)))


def taught_without(lines: set[int]) -> Opponent:
    """Return SnowNLP taught by its own data without some lines of it."""
    bayes = importlib.import_module("snownlp.classification.bayes").Bayes()
    bayes.train([(line.words, line.side) for i, line in enumerate(_lines()) if i not in lines])
    return Opponent(bayes)


def cut(texts: Sequence[str]) -> list[Words]:
    """Cut texts as SnowNLP does; it reads some hundred a second and core."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        return list(pool.map(_cut, texts, chunksize=100))


def _cut(text: str) -> Words:
    handled = importlib.import_module("snownlp.sentiment").classifier.handle(text)
    return list(handled) if text.strip() else []


@cache
def _lines() -> list[Line]:
    folder = files("snownlp").joinpath("sentiment")
    told = [
        (side, line)
        for side in ("neg", "pos")
        for line in folder.joinpath(f"{side}.txt").read_text(encoding="utf-8").splitlines()
    ]
    words = cut([line for _, line in told])
    return [
        Line(side, _letters(line), of_line)
        for (side, line), of_line in zip(told, words, strict=True)
    ]


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def find_shared(lines: Sequence[str], texts: Sequence[str]) -> tuple[set[int], set[int]]:
    """Return which lines and which texts are equal, or one a piece of the other."""
    pairs = set(_equal(lines, texts)) | set(_inside(lines, texts))
    pairs |= {(line, text) for text, line in _inside(texts, lines)}
    return {line for line, _ in pairs}, {text for _, text in pairs}


def _equal(lines: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    at = defaultdict(list)
    for i, line in enumerate(lines):
        at[line].append(i)
    for j, text in enumerate(texts):
        if len(text) >= SHORTEST_KNOWN:
            yield from ((i, j) for i in at.get(text, ()))


def _inside(pieces: Sequence[str], wholes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield (piece, whole) where one stands in the other; a table of beginnings finds them."""
    begin = defaultdict(list)
    for i, piece in enumerate(pieces):
        if len(piece) >= SHORTEST_PIECE:
            begin[piece[:SHORTEST_PIECE]].append(i)
    for j, whole in enumerate(wholes):
        for place in range(len(whole) - SHORTEST_PIECE + 1):
            for i in begin.get(whole[place : place + SHORTEST_PIECE], ()):
                if whole.startswith(pieces[i], place):
                    yield i, j
