"""Raw records without people: contacts are masked, fields that name a person are dropped.

The raw record is kept as evidence of what a platform said, not of who said it. `body_text` stays
as written; this is for `raw_record` and quarantine alone. Better one number masked too many than a
telephone kept. Time grows with the length of the text, whatever the text.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from lake.text import make_storable

MAX_DEPTH = 64

# Possessive runs that begin where no such character stands before: every text is read once.
_DOMAIN = r"[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)+"
# Chinese stands right before an address without a space, so the name in ASCII is tried first.
_EMAIL = re.compile(rf"(?<![\w.+%-])[\w.+%-]++@{_DOMAIN}", re.ASCII)
_EMAIL_OF_ANY_SCRIPT = re.compile(rf"(?<![\w.+%-])[\w.+%-]++@{_DOMAIN}")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-F:]++(?:\.\d{1,3}){0,3}(?![\w:])", re.ASCII | re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.(?:\d{1,3}|\*)){3}(?!\w|\.\w)", re.ASCII)
_TAIWAN_ID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Da-d1289]\d{8}(?![A-Za-z0-9])", re.ASCII)
_MAINLAND_ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])", re.ASCII)
_GAP = r"[ \u00a0.-]?"
_PHONE = re.compile(
    rf"""(?<![\d.])(?:
        (?:\+?886{_GAP}|0)9\d{{2}}{_GAP}\d{{3}}{_GAP}\d{{3}}                # Taiwan, mobile
      | (?:\+?86{_GAP})?1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}                  # mainland, mobile
      | (?:\+?886{_GAP}|\(?0)[2-8]\d?\)?{_GAP}\d{{3,4}}{_GAP}\d{{4}}        # Taiwan, fixed
      | (?:\+86{_GAP}|\(?0)(?:10|2\d|[3-9]\d{{2}})\)?{_GAP}\d{{3,4}}{_GAP}\d{{4}}  # mainland, fixed
    )(?!\d)""",
    re.VERBOSE | re.ASCII,
)
_HANDLE = re.compile(r"@[\w.·-]*\w")
# No mark, no number and no handle is without one of these; Chinese prose has none at all.
_SUSPECT = re.compile(r"[0-9@:０-９＠]")
# A full-width telephone number is a telephone number: ０９１２… Punctuation stays as it is.
_ORDINARY_WIDTH = {
    code: code - 0xFEE0
    for code in range(0xFF01, 0xFF5F)
    if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in "@.+-_"
}

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def redact(record: Mapping[str, Any], person_fields: Collection[str] = frozenset()) -> str:
    """Return the record as JSON, without its person fields (at any depth) and contacts.

    Field names are compared without case. What JSON cannot say (a time, NaN) is said as text.
    """
    dropped = frozenset(name.casefold() for name in person_fields)
    return json.dumps(_clean(record, dropped, MAX_DEPTH), ensure_ascii=False)


def mask_text(text: str) -> str:
    """Return the text with e-mail, IP, telephone and identity numbers and @handles masked.

    A text without any comes back as it was; one with some, in ordinary width.
    """
    text = make_storable(text)
    if not _SUSPECT.search(text):
        return text
    narrow = text.translate(_ORDINARY_WIDTH)
    masked = _EMAIL.sub("[email]", narrow)
    masked = _EMAIL_OF_ANY_SCRIPT.sub("[email]", masked)
    masked = _IPV6.sub(_mask_ipv6, masked)
    masked = _IPV4.sub("[ip]", masked)
    masked = _MAINLAND_ID.sub(_mask_mainland_id, masked)
    masked = _TAIWAN_ID.sub("[id]", masked)
    masked = _PHONE.sub("[phone]", masked)
    masked = _HANDLE.sub("@user", masked)
    return text if masked == narrow else masked


def _clean(value: Any, dropped: frozenset[str], depth: int) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if depth == 0:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            _mask_name(str(name)): _clean(inner, dropped, depth - 1)
            for name, inner in value.items()
            if str(name).casefold() not in dropped
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, dropped, depth - 1) for inner in value]
    return _clean_scalar(value)


@lru_cache(4096)
def _mask_name(name: str) -> str:
    """Mask the name of a field, which comes again with every record."""
    return mask_text(name)


def _clean_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        masked = mask_text(str(value))
        return value if masked == str(value) else masked
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, bytes):
        return mask_text(value.decode("utf-8", "replace"))
    return mask_text(str(value))


def _mask_ipv6(match: re.Match[str]) -> str:
    text = match[0]
    if text.count(":") < 2 or text == "::":
        return text
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return text
    return "[ip]"


def _mask_mainland_id(match: re.Match[str]) -> str:
    """Mask only what ends in the right check digit: platforms number posts with 18 digits too."""
    digits = match[0].upper()
    total = sum(int(d) * w for d, w in zip(digits[:17], _ID_WEIGHTS, strict=True))
    return "[id]" if "10X98765432"[total % 11] == digits[17] else match[0]
