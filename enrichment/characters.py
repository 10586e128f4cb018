"""What each Unicode character is to this engine: tables by code point, for whole arrays at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntFlag
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from enrichment.fitting import SCALING
from enrichment.script import compatible_forms, lower, telling_characters

if TYPE_CHECKING:
    from enrichment.joined import Codes

CODE_POINTS: Final = 0x110000
LAST_LETTER: Final = 0x3FFFF
LAST_CASED: Final = 0x1FFFF


class Kind(IntFlag):
    """What a character is, or is a sign of; a character can be several."""

    TRADITIONAL = 1
    SIMPLIFIED = 2
    UNEVEN = 4  # folding it moves positions
    HAN = 8
    SPOKEN = 16  # letter or digit of any script
    DIGIT = 32  # 0 to 9
    LATIN = 64  # a to z, in lower case
    JOINING = 128  # what jieba takes into a Latin word: C++, Wi-Fi
    ADDRESSING = 256  # @
    SPLITTING = 512  # what is put between characters that shall not be found
    QUOTING = 1024  # may begin a quoted line
    BRACKET = 2048  # may begin an emoticon
    SCALING = 4096  # jieba joins it with the word it scales
    PARTING = 8192  # ends a clause, or a text
    ASKING = 16384  # makes a question of a clause


@cache
def kinds() -> NDArray[np.uint16]:
    """Return the `Kind` of every character; 0.2 s to make, once per process."""
    table = np.zeros(CODE_POINTS, np.uint16)
    traditional, simplified = telling_characters()
    _mark(table, traditional, Kind.TRADITIONAL)
    _mark(table, simplified, Kind.SIMPLIFIED)
    _mark(table, compatible_forms().uneven, Kind.UNEVEN)
    _mark(table, "0123456789", Kind.DIGIT)
    _mark(table, map(chr, range(ord("a"), ord("z") + 1)), Kind.LATIN)
    _mark(table, "+#&._%-", Kind.JOINING)
    _mark(table, "@", Kind.ADDRESSING)
    _mark(table, "*^|_~·.丨", Kind.SPLITTING)
    _mark(table, ":>引发/", Kind.QUOTING)
    _mark(table, "[", Kind.BRACKET)
    _mark(table, SCALING, Kind.SCALING)
    _mark(table, ",。!;\n\0", Kind.PARTING)
    _mark(table, "?吗", Kind.ASKING)
    table[_where(str.isalnum)] |= int(Kind.SPOKEN)
    letters = _where(str.isalpha)
    table[letters[letters >= 0x3400]] |= int(Kind.HAN)
    return table


@cache
def even_forms() -> Codes:
    """Return what every character folds to where no position moves; most fold to themselves."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for character, form in compatible_forms().even.items():
        table[ord(character)] = ord(form)
    return table


@cache
def lower_forms() -> Codes:
    """Return every character in lower case, where that is one character."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for code in range(LAST_CASED + 1):
        table[code] = ord(lower(chr(code)))
    return table


def _mark(table: NDArray[np.uint16], characters: Iterable[str], kind: Kind) -> None:
    table[[ord(character) for character in characters]] |= int(kind)


def _where(holds: Callable[[str], bool]) -> NDArray[np.int64]:
    return np.array([code for code in range(LAST_LETTER + 1) if holds(chr(code))], np.int64)
