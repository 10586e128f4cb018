"""Cutting folded text into words: jieba's algorithm and dictionary, guarded against hostile text.

Two backends give the same words. `rjieba` (Rust) is the one in use, jieba itself is the reference:
it sets the frequencies of the lexicon's words, and the tests hold both against each other. Words
partition the text: joined, they give it back.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np

from enrichment.characters import Kind, kinds
from enrichment.joined import Flags, Joined, Places, decode, encode, long_runs

MAX_GUESSED: Final = 10_000
"""Code points of one text in which unknown words are guessed; behind them the dictionary decides
alone. jieba's guessing is quadratic: 100,000 times the same character take it 24 s."""
MAX_CHUNK: Final = 2_000
MAX_RUN: Final = 10
MAX_WORD: Final = 65_535
"""Length of a word, so that two bytes hold it; only runs of one character come near."""

WordFrequency = tuple[str, int]

_LONG_RUN: Final = re.compile(rf"([^0-9A-Za-z])\1{{{MAX_RUN},}}")
_SEAM: Final = re.compile(r"[^一-鿕a-zA-Z0-9+#&._%\-\s]")  # jieba never joins over these
_HAN_WORD: Final = re.compile(r"[一-鿕]{2,}")
_JOINING: Final = frozenset("+#&._%-")
_ASCII_PARTS: Final = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")


class Segmenter(Protocol):
    """A backend: cuts one chunk; `guess` says whether unknown words may be put together."""

    def cut(self, text: str, *, guess: bool) -> Iterable[str]: ...

    def starts(self, text: str) -> Places:
        """Return where words begin in a text that `cut` would cut with guessing."""
        ...


class RustSegmenter:
    """jieba-rs, made to cut Latin text the way jieba does."""

    def __init__(self, words: Iterable[WordFrequency]) -> None:
        import rjieba

        self._jieba = rjieba.Jieba()
        for word, frequency in words:
            self._jieba.add_word(word, frequency, "n")

    def cut(self, text: str, *, guess: bool) -> Iterable[str]:
        words: list[str] = self._jieba.cut(text, guess)
        if not guess or not (joined := set(filter(self._is_joined, set(words)))):
            return words
        parts = {word: _parts_of(word) for word in joined}
        return chain.from_iterable(parts.get(word, (word,)) for word in words)

    def starts(self, text: str) -> Places:
        """Return the same as of the words of `cut`; looks only at those that hold a sign."""
        words: list[str] = self._jieba.cut(text, True)
        starts = _starts_of(words)
        signs = np.flatnonzero((kinds().take(encode(text)) & np.uint16(Kind.JOINING)) != 0)
        signed = np.unique(np.searchsorted(starts, signs, side="right") - 1).tolist()
        inner = [
            starts[at] + _starts_of(_parts_of(words[at]))[1:]
            for at in signed
            if self._is_joined(words[at])
        ]
        return np.sort(np.concatenate((starts, *inner))) if inner else starts

    def _is_joined(self, word: str) -> bool:
        """Whether a Latin word is several to jieba: it takes no sign into one but of its list."""
        if len(word) < 2 or not word.isascii() or _JOINING.isdisjoint(word):
            return False
        return not self._jieba.has_word(word)


class ReferenceSegmenter:
    """jieba itself: slower by a factor of 16, and the definition of what is right."""

    def __init__(self, words: Iterable[WordFrequency]) -> None:
        self._jieba = _load_jieba()
        for word, frequency in words:
            self._jieba.add_word(word, frequency)

    def cut(self, text: str, *, guess: bool) -> Iterable[str]:
        words: Iterable[str] = self._jieba.cut(text, HMM=guess)
        return words

    def starts(self, text: str) -> Places:
        return _starts_of(list(self.cut(text, guess=True)))


def _parts_of(word: str) -> list[str]:
    """Return the words that a joined Latin one is to jieba."""
    return list(filter(None, _ASCII_PARTS.split(word)))


def _starts_of(words: list[str]) -> Places:
    """Return where words begin in the text that they make up."""
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    return np.cumsum(lengths) - lengths


def open_segmenter(words: Iterable[WordFrequency]) -> Segmenter:
    """Return the quickest backend that is installed; both give the same words."""
    return RustSegmenter(words) if find_spec("rjieba") else ReferenceSegmenter(words)


def cut_all(segmenter: Segmenter, texts: Joined) -> Flags:
    """Cut folded texts; say, position by position, whether a word begins there.

    A separator is a word, too, so every text begins with one. One position more than there are
    characters, for what would begin behind the last.
    """
    begins = np.zeros(len(texts.codes) + 1, np.bool_)
    begins[texts.offsets] = True
    begins[texts.offsets[1:] - 1] = True
    is_guarded = (texts.lengths > MAX_CHUNK) | _has_long_run(texts)
    guarded = np.flatnonzero(is_guarded).tolist()
    if len(guarded) < len(texts):
        easy = np.flatnonzero(~texts.each(is_guarded)) if guarded else None
        said = decode(texts.codes[easy]) if easy is not None else texts.text
        starts = segmenter.starts(said)
        begins[starts if easy is None else easy[starts]] = True
    for i in guarded:
        start, end = texts.span(i)
        lengths = list(map(len, cut_words(segmenter, texts.text[start:end])))
        begins[start + np.cumsum(lengths, dtype=np.int64)] = True  # of no words, too
    return begins


def _has_long_run(texts: Joined) -> Flags:
    """Say, text by text, whether it may hold a run that is no Latin word and no number."""
    found = np.zeros(len(texts), np.bool_)
    starts, _ = long_runs(texts.codes, MAX_RUN + 1)
    found[texts.owners(starts)] = True
    return found


def cut_words(segmenter: Segmenter, text: str) -> list[str]:
    """Cut a folded text; a run of more than `MAX_RUN` equal characters is one word.

    Time is linear in the text, whatever it is.
    """
    if len(text) <= MAX_CHUNK and not _LONG_RUN.search(text):
        return list(segmenter.cut(text, guess=True))
    words: list[str] = []
    position = 0
    for piece, is_run in _split_runs(text):
        if is_run:
            words += (piece[at : at + MAX_WORD] for at in range(0, len(piece), MAX_WORD))
        else:
            for chunk in _chunks(piece):
                words += segmenter.cut(chunk, guess=position < MAX_GUESSED)
                position += len(chunk)
    return words


def _split_runs(text: str) -> Iterator[tuple[str, bool]]:
    end = 0
    for run in _LONG_RUN.finditer(text):
        if run.start() > end:
            yield text[end : run.start()], False
        yield run.group(), True
        end = run.end()
    if end < len(text):
        yield text[end:], False


def _chunks(text: str) -> Iterator[str]:
    """Split at a character that belongs to no word where there is one, so no word is cut."""
    start = 0
    while len(text) - start > MAX_CHUNK:
        seams = list(_SEAM.finditer(text, start, start + MAX_CHUNK))
        end = seams[-1].end() if seams else start + MAX_CHUNK
        yield text[start:end]
        start = end
    yield text[start:]


def join_frequencies(words: Iterable[str]) -> tuple[WordFrequency, ...]:
    """Return each Han word with the frequency at which jieba keeps it in one piece.

    Every word is weighed against the plain dictionary, so the order does not matter. Words that
    hold anything but Han characters are left out: `LG` as a word would cut `MLGB` apart.
    """
    han = sorted({word for word in words if _HAN_WORD.fullmatch(word)})
    if not han:
        return ()
    dictionary = _load_jieba()
    return tuple((word, dictionary.suggest_freq(word)) for word in han)


@cache
def _dictionary() -> tuple[dict[str, int], int]:
    tokenizer = _import_jieba().Tokenizer()
    frequencies, total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    return frequencies, total


def _load_jieba() -> Any:
    """Return a tokenizer of its own, ready at once.

    jieba would keep its dictionary as a marshalled file of a fixed name in the shared temporary
    folder, where anybody may lay another one; reading the dictionary takes as long.
    """
    frequencies, total = _dictionary()
    tokenizer = _import_jieba().Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = frequencies.copy(), total, True
    return tokenizer


@cache
def _import_jieba() -> Any:
    """Import jieba without its SyntaxWarnings, its pkg_resources warning and its log on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    return jieba
