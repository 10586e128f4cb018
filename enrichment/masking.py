"""What in a text is not speech, or is nobody's business: addresses, names of accounts, numbers.

All of it is blank for who looks for brands and moods. What tells a person (`PRIVATE`) is masked in
the folded text, too: that goes further than landing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np

from enrichment.characters import Kind
from enrichment.joined import Codes, Joined, Places
from enrichment.tree import PhraseTree

BLANK: Final = ord(" ")
STAR: Final = ord("*")
MIN_DIGITS: Final = 8
"""Digits that the shortest telephone number has."""
MAX_NAME: Final = 64
MIN_JAMMED: Final = 5

_ADDRESS_SIGNS: Final = {"://": ("https", "http"), "www.": ("",)}
"""What is in every address that is not bare, and what may stand before it."""
_VISIBLE: Final = re.compile(r"[!-~]+")
_NAME: Final = re.compile(rf"[\w.\-·]{{1,{MAX_NAME}}}")
_HOST: Final = re.compile(r"[a-z0-9\-]+(?:\.[a-z0-9\-]+)+")
_DOMAIN: Final = re.compile(r"(?<=[a-z0-9])\.(?:com|net|org|tw|cn|hk|cc|io)(?![a-z0-9])")
_REST_OF_HOST: Final = re.compile(r"(?:\.[a-z0-9\-]+)*(?:[:/?#][!-~]*)?")
_IN_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
MAX_HOST: Final = 253
"""Characters that a host name may have (RFC 1035, section 2.3.4, without what only wires see)."""
_BEFORE_AT: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._%+-")
_GAP: Final = r"[ .\-]?"
_PHONE: Final = re.compile(
    rf"""(?<![\d.])(?:
        (?:\+?886{_GAP}|0)9\d\d{_GAP}\d{{3}}{_GAP}\d{{3}}                # Taiwan, mobile
      | (?:\+?86{_GAP})?1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}               # mainland, mobile
      | \(?0[2-8]\d?\)?{_GAP}\d{{3,4}}{_GAP}\d{{4}}                      # Taiwan, fixed
      | \(?0(?:10|2\d|[3-9]\d\d)\)?{_GAP}\d{{3,4}}{_GAP}\d{{4}}          # mainland, fixed
    )(?![\d])""",
    re.VERBOSE,
)
_TAIWAN_ID: Final = re.compile(r"(?<![a-z0-9])[a-z][a-d1289]\d{8}(?![a-z0-9])")
_MAINLAND_ID: Final = re.compile(r"(?<![a-z0-9])\d{17}[\dx](?![a-z0-9])")
_JAMMER: Final = re.compile(rf"(?:[ -;] [?-~]){{{MIN_JAMMED},}}")
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10x98765432"


class Masking(StrEnum):
    """Why a stretch of text is masked."""

    ADDRESS = "address"
    EMAIL = "email"
    PHONE = "phone"
    IDENTITY = "identity"
    ACCOUNT = "account"
    JAMMER = "jammer"


PRIVATE: Final = (Masking.EMAIL, Masking.PHONE, Masking.IDENTITY, Masking.ACCOUNT)


class Stretch(NamedTuple):
    """A stretch [start, end) of joined texts, and why it is masked."""

    start: int
    end: int
    why: Masking


def find_stretches(texts: Joined) -> list[Stretch]:
    """Find what is to be masked in folded, lower-cased texts; time is linear in them."""
    addresses = [*_addresses(texts), *_bare_addresses(texts)]
    return [
        *addresses,
        *_accounts(texts.text, texts.places(Kind.ADDRESSING).tolist()),
        *_outside(addresses, _numbers(texts)),
        *_jammers(texts),
    ]


def cover(codes: Codes, stretches: list[Stretch]) -> Codes:
    """Return the characters with every stretch blank; no position moves."""
    if not stretches:
        return codes
    covered = codes.copy()
    for start, end, _ in stretches:
        covered[start:end] = BLANK
    return covered


def hide(codes: Codes, stretches: list[Stretch]) -> Codes:
    """Return the characters with what is private as stars; no position moves."""
    hidden = codes
    for start, end, why in stretches:
        if why in PRIVATE:
            hidden = codes.copy() if hidden is codes else hidden
            hidden[start + (why is Masking.ACCOUNT) : end] = STAR  # the @ stays
    return hidden


def _addresses(texts: Joined) -> Iterator[Stretch]:
    found = _address_signs().find(texts)
    for sign, before in enumerate(_ADDRESS_SIGNS.values()):
        text, done = texts.text, 0
        for at in found.starts[found.entries == sign].tolist():
            if at < done:
                continue
            scheme = next((s for s in before if text.startswith(s, max(0, at - len(s)))), None)
            seen = _VISIBLE.match(text, at)
            done = seen.end() if seen else at + 1
            if scheme is not None:
                yield Stretch(at - len(scheme), done, Masking.ADDRESS)


@cache
def _address_signs() -> PhraseTree:
    return PhraseTree(tuple(_ADDRESS_SIGNS))


def _bare_addresses(texts: Joined) -> Iterator[Stretch]:
    """Yield addresses that people write without a scheme: shop.example.com.tw/sale."""
    text, done = texts.text, 0
    dots = np.flatnonzero(texts.codes[:-1] == ord("."))
    dots = dots[(texts.kinds[dots + 1] & Kind.LATIN) > 0]
    for at in dots.tolist():
        domain = _DOMAIN.match(text, at) if at >= done else None
        if domain is None:
            continue
        start = _run_before(text, max(done, at - MAX_HOST), at, _IN_HOST)
        rest = _REST_OF_HOST.match(text, domain.end())
        done = rest.end() if rest else domain.end()
        yield Stretch(start, done, Masking.ADDRESS)


def _accounts(text: str, signs: list[int]) -> Iterator[Stretch]:
    """Yield @names, and e-mail addresses with what stands before the @."""
    done = 0
    for at in signs:
        name = _NAME.match(text, at + 1)
        if not name:
            continue
        start = _run_before(text, max(done, at - MAX_NAME), at, _BEFORE_AT)
        host = _HOST.match(text, at + 1, name.end()) if start < at else None
        if host:
            done = host.end()
            yield Stretch(start, done, Masking.EMAIL)
        else:
            done = name.end()
            yield Stretch(at, done, Masking.ACCOUNT)


def _run_before(text: str, earliest: int, at: int, allowed: frozenset[str]) -> int:
    """Return where the run of allowed characters that ends at a place begins."""
    start = at
    while start > earliest and text[start - 1] in allowed:
        start -= 1
    return start


def _numbers(texts: Joined) -> Iterator[Stretch]:
    digit_counts = texts.count_places(texts.places(Kind.DIGIT))
    for i in np.flatnonzero(digit_counts >= MIN_DIGITS).tolist():
        span = texts.span(i)
        for found in _MAINLAND_ID.finditer(texts.text, *span):
            if is_mainland_id(found.group()):
                yield Stretch(*found.span(), Masking.IDENTITY)
        for found in _TAIWAN_ID.finditer(texts.text, *span):
            yield Stretch(*found.span(), Masking.IDENTITY)
        for found in _PHONE.finditer(texts.text, *span):
            yield Stretch(*found.span(), Masking.PHONE)


def _outside(addresses: list[Stretch], numbers: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield the numbers that are no part of an address: files and clicks are numbered, too."""
    spans = sorted((address.start, address.end) for address in addresses)
    starts = [start for start, _ in spans]
    reached = list(accumulate((end for _, end in spans), max))  # a bare one may lie in a full one
    for number in numbers:
        before = bisect_right(starts, number.start) - 1
        if before < 0 or number.start >= reached[before]:
            yield number


def is_mainland_id(number: str) -> bool:
    """Whether the last of 18 digits is the check digit of GB 11643 (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return number[-1] == _ID_CHECKS[total % 11]


def _jammers(texts: Joined) -> Iterator[Stretch]:
    """Yield what Discuz! hides between lines: five to fifteen times `chr(32–59) chr(63–126)`.

    The function `jammer` of its source/function/function_discuzcode.php writes it so.
    """
    pair_counts = texts.count_places(_pairs(texts.codes))
    for i in np.flatnonzero(pair_counts >= MIN_JAMMED).tolist():
        span = texts.span(i)
        for found in _JAMMER.finditer(texts.text, *span):
            yield Stretch(*found.span(), Masking.JAMMER)


def _pairs(codes: Codes) -> Places:
    """Return where a blank is between two of the characters that a jammer is made of."""
    starts = np.flatnonzero(codes[1:-1] == BLANK)
    low, high = codes[starts], codes[starts + 2]
    is_pair = (low >= BLANK) & (low <= ord(";")) & (high >= ord("?")) & (high <= 126)
    return starts[is_pair]
