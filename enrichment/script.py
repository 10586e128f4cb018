"""Which script a text is in, and one form of it in which either script reads the same.

Folding undoes what does not change the meaning: Traditional characters become Simplified,
full-width and other compatibility letters their plain form, invisible characters inside a word go.
Matching happens on the folded text, spans are told in the original one: `Folded.span` leads back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Final

import opencc

HAN_RANGES: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
# Characters that Traditional text uses, too, with a meaning of their own: they tell nothing.
ALSO_TRADITIONAL: Final = frozenset(
    "丑丰么于云仆伙余佣党凄准几凶划占厘台吁吃后咨咸唇夸尸岩岳峰帘干床征挂斗昵晒朴杠杰柜栖沄洒洼涂涌"
    "淀游灶炖熏瓮痴皂秘筑篱粽群肴腊腌膻苧范蒏蔂虮虱蚝蜡蝎跖辟郁采里雇霉着面只松冲谷"
)
# Characters that Simplified text uses, too (乾隆, 瞭望, 名著).
ALSO_SIMPLIFIED: Final = frozenset("乾吒拚捱摺榘薹袷醣麴著藉瞭覆")
COMPATIBLE_RANGES: Final = (
    (0x00AA, 0x0250),
    (0x02B0, 0x0370),
    (0x1D2C, 0x1DC0),
    (0x2070, 0x209D),
    (0x2100, 0x218C),
    (0x2460, 0x2500),
    (0x2E80, 0x2FD6),
    (0x3130, 0x3190),
    (0x3200, 0x3400),
    (0xF900, 0xFB07),
    (0xFF00, 0xFFF0),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F1AE),
    (0x2F800, 0x2FA20),
)
INVISIBLE: Final = frozenset(
    chain(
        "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\ufeff\uffa0",
        map(chr, range(0x200B, 0x2010)),
        map(chr, range(0x202A, 0x202F)),
        map(chr, range(0x2060, 0x2070)),
        map(chr, range(0xFE00, 0xFE0E)),
        map(chr, range(0xE0100, 0xE01F0)),
    )
)
MAX_MARKS: Final = 8
"""Combining marks taken with one letter; a longer heap is decoration, and ordering it is slow."""
MAX_REPLACED: Final = 8
"""Distinct characters replaced one after the other; beyond it one translation is quicker."""


class Script(StrEnum):
    """Script of a text, told by the characters that only one of the two scripts uses."""

    HANT = "hant"
    HANS = "hans"
    MIXED = "mixed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text and the way back; `starts` and `ends` are None where positions are equal."""

    text: str
    script: Script
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the half-open span of the original for a non-empty one of the folded text."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


@cache
def converter(name: str) -> opencc.OpenCC:
    """Return OpenCC's converter, one per process: building it costs 10 ms, using it 2 µs."""
    return opencc.OpenCC(name)


@cache
def telling_characters() -> tuple[frozenset[str], frozenset[str]]:
    """Return the characters that only Traditional, and those that only Simplified text uses."""
    han = "\n".join(chr(code) for low, high in HAN_RANGES for code in range(low, high))
    traditional = _changed(han, "t2s") - ALSO_SIMPLIFIED
    simplified = _changed(han, "s2t") - ALSO_TRADITIONAL
    return traditional - simplified, simplified - traditional


def _changed(lines: str, name: str) -> frozenset[str]:
    converted = converter(name).convert(lines)
    return frozenset(a for a, b in zip(lines[::2], converted[::2], strict=True) if a != b)


def detect_script(text: str) -> Script:
    """Say which script a text is in; `none` when every character is shared or not Chinese."""
    characters = frozenset(text)
    traditional, simplified = telling_characters()
    if traditional.isdisjoint(characters):
        return Script.NONE if simplified.isdisjoint(characters) else Script.HANS
    return Script.HANT if simplified.isdisjoint(characters) else Script.MIXED


def fold(text: str) -> Folded:
    """Fold a text for matching; linear in its length, every Unicode string is welcome.

    Traditional text goes through OpenCC's tw2s. Mixed text goes through t2s, which knows no
    Taiwanese phrase that could catch a Simplified one; Simplified text stays as it is, because
    tw2s would damage it (题么 → 题幺).
    """
    characters = frozenset(text)
    compatible = compatible_forms()
    if compatible.uneven.isdisjoint(characters):
        plain = _fold_evenly(text, characters & compatible.even.keys())
        script = detect_script(plain)
        return Folded(_simplify(plain, script), script)
    plain, starts, ends = fold_unevenly(text)
    script = detect_script(plain)
    return Folded(_simplify(plain, script), script, starts, ends)


def fold_variants(phrase: str) -> tuple[str, ...]:
    """Return every form in which a phrase can stand in a folded, lower-cased text.

    A phrase alone may fold otherwise than inside a sentence (script unknown, longer OpenCC phrase
    around it), so a lexicon looks for all of its forms.
    """
    plain = fold(phrase).text
    forms = [plain, *(converter(name).convert(plain) for name in ("t2s", "tw2s"))]
    return tuple(dict.fromkeys(lower(form) for form in forms))


def lower(text: str) -> str:
    """Lower-case character by character, without changing a position (İ would become two)."""
    lowered = text.lower()
    if len(lowered) == len(text) and "Σ" not in text:  # its lower form depends on its neighbours
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _simplify(text: str, script: Script) -> str:
    if script is Script.HANT:
        return convert(converter("tw2s"), text)
    return convert(converter("t2s"), text) if script is Script.MIXED else text


def convert(conversion: opencc.OpenCC, text: str) -> str:
    """Convert without moving a position; OpenCC ends at a NUL, so it never sees one."""
    if "\0" in text:
        return "\0".join(convert(conversion, part) if part else "" for part in text.split("\0"))
    converted = conversion.convert(text)
    if len(converted) == len(text):
        return converted
    singly = (conversion.convert(character) for character in text)
    return "".join(b if len(b) == 1 else a for a, b in zip(text, singly, strict=True))


@dataclass(frozen=True, slots=True)
class CompatibleForms:
    """How compatibility characters fold: one to one (`even`), or moving positions (`uneven`)."""

    even: dict[str, str]
    uneven: frozenset[str]


@cache
def compatible_forms() -> CompatibleForms:
    even: dict[str, str] = {}
    uneven = set(INVISIBLE)
    for code in chain.from_iterable(range(low, high) for low, high in COMPATIBLE_RANGES):
        character = chr(code)
        form = _plain_form(character)
        if unicodedata.combining(character) or len(form) != 1 or unicodedata.combining(form):
            uneven.add(character)
        elif form != character:
            even[character] = form
    return CompatibleForms(even, frozenset(uneven))


def _plain_form(character: str) -> str:
    """NFKC for letters, digits and full-width forms; `…` and `™` keep their own shape."""
    form = unicodedata.normalize("NFKC", character)
    is_letter = unicodedata.category(character)[0] in "LN"
    is_form = 0xFF00 <= ord(character) < 0xFFF0
    return form if is_letter or is_form or len(form) == 1 else character


def _fold_evenly(text: str, compatible: Set[str]) -> str:
    """Fold where every position stays; a post has a few such characters (，！), if any."""
    even = compatible_forms().even
    if len(compatible) > MAX_REPLACED:
        return text.translate({ord(character): even[character] for character in compatible})
    for character in compatible:
        text = text.replace(character, even[character])
    return text


def fold_unevenly(text: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Fold where positions move: invisible characters, combining marks, ligatures."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        if text[start] in INVISIBLE and characters and characters[-1].isalnum():
            continue  # inside or after a word it hides the word; elsewhere it shapes an emoji
        for character in _compose(text[start:end]):
            characters.append(character)
            starts.append(start)
            ends.append(end)
    return "".join(characters), tuple(starts), tuple(ends)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield each character with the combining marks that follow it, at most `MAX_MARKS`."""
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and end - start <= MAX_MARKS and _is_mark(text[end]):
            end += 1
        yield start, end
        start = end


def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) > 0 or character in "\uff9e\uff9f"


def _compose(cluster: str) -> Iterable[str]:
    plain = "".join(map(_plain_form, cluster))
    return unicodedata.normalize("NFC", plain)
