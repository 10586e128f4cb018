"""A printed counter, as the interval of values it can stand for.

`1.2万` is no 12,000: the platform rounded or cut, and does not say which. So the interval holds the
truth for both. Missing is not zero, and hidden is neither. How it is read:

=====================  ==============================  =====================================
printed                lo … hi                         how
=====================  ==============================  =====================================
``1,234`` ``１２３４``  1234 … 1234                     exact
``1.2万`` ``12K``      half a step below … one above   rounded (1.2万: 11500 … 12999)
``100万+`` ``1万多``    1000000 …                       at_least
``爆``                 100 …                           at_least (PTT, pushes minus boos)
``X3``                 -39 … -30                       rounded (PTT prints the tens alone)
``XX``                 … -100                          at_most (PTT)
empty, name ``nrec``   -9 … 0                          rounded (PTT prints nothing there)
``赞`` ``评论`` ``-``   –                               hidden: a word stands for the number
empty, None            –                               missing
=====================  ==============================  =====================================
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, TypedDict

from lake.schemas import CounterKind

PTT_SCORE: Final = "nrec"
PTT_CEILING: Final = 100
MAX_VALUE: Final = 2**63 - 1

_HIDDEN: Final = re.compile(
    r"-{1,2}|[–—]|[赞讚]|点赞|按讚|喜欢|喜歡|评论|評論|留言|回复|回覆|转发|轉發|分享|收藏|播放|"
    r"浏览|瀏覽|观看|觀看|已?隐藏|已?隱藏|抢首评|抢沙发|搶沙發|"
    r"hidden|private|likes?|comments?|shares?|reposts?|views?",
    re.IGNORECASE,
)
_UNITS: Final = {
    "k": 10**3,
    "千": 10**3,
    "w": 10**4,
    "万": 10**4,
    "萬": 10**4,
    "十万": 10**5,
    "十萬": 10**5,
    "百万": 10**6,
    "百萬": 10**6,
    "m": 10**6,
    "千万": 10**7,
    "千萬": 10**7,
    "亿": 10**8,
    "億": 10**8,
    "b": 10**9,
}
_PRINTED: Final = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?P<whole>\d{1,3}(?:[ ,]\d{3})+|\d{1,25})"
    r"(?:\.(?P<fraction>\d{1,9}))? ?"
    rf"(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})? ?"
    r"(?P<more>\+|余|餘|多|以上)?",
    re.IGNORECASE | re.ASCII,
)


class Counter(TypedDict):
    """One counter of the `counters` column: lo ≤ truth ≤ hi, NULL where nothing bounds it."""

    name: str
    lo: int | None
    hi: int | None
    how: str


class CounterFormatError(ValueError):
    """What was printed is no counter; the message says what was found."""


def parse_counter(name: str, raw: object, *, cap: int | None = None) -> Counter:
    """Read what a platform printed for one counter.

    `name` is the platform's own word and is kept. With `cap`, a number that reaches it means "at
    least so many". Raises `CounterFormatError` when it is nonsense, never guesses.
    """
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return _counter(name, CounterKind.MISSING)
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal | str):
        raise CounterFormatError(
            f"counter {name}: expected a number or text, found {type(raw).__name__}"
        )
    counter = _parse_text(name, raw) if isinstance(raw, str) else _parse_number(name, raw)
    if cap is not None and counter["how"] == CounterKind.EXACT and (counter["lo"] or 0) >= cap:
        return _counter(name, CounterKind.AT_LEAST, lo=cap)
    return counter


def parse_significant(name: str, value: int | str, digits: int = 3) -> Counter:
    """Read a whole number that the platform rounded to so many significant digits.

    YouTube's subscriber count: 12,300 stands for 12,250 … 12,399, and 999 for itself.
    """
    exact = parse_counter(name, value)
    if exact["how"] != CounterKind.EXACT or exact["lo"] is None:
        return exact
    step = 10 ** max(0, len(str(abs(exact["lo"]))) - digits)
    if step == 1:
        return exact
    return _rounded(name, Decimal(exact["lo"]), step)


def _parse_number(name: str, value: float | Decimal) -> Counter:
    if not math.isfinite(value) or value != int(value):
        raise CounterFormatError(f"counter {name}: expected a whole number, found {value!r}")
    return _exact(name, int(value))


def _parse_text(name: str, raw: str) -> Counter:
    text = " ".join(unicodedata.normalize("NFKC", raw).split())
    if not text:
        if name == PTT_SCORE:
            return _counter(name, CounterKind.ROUNDED, lo=-9, hi=0)
        return _counter(name, CounterKind.MISSING)
    if _HIDDEN.fullmatch(text):
        return _counter(name, CounterKind.HIDDEN)
    return _parse_ptt_score(name, text) or _parse_printed(name, text)


def _parse_ptt_score(name: str, text: str) -> Counter | None:
    if text == "爆":
        return _counter(name, CounterKind.AT_LEAST, lo=PTT_CEILING)
    if text == "XX":
        return _counter(name, CounterKind.AT_MOST, hi=-PTT_CEILING)
    if re.fullmatch(r"X[1-9]", text):
        tens = -10 * int(text[1])
        return _counter(name, CounterKind.ROUNDED, lo=tens - 9, hi=tens)
    return None


def _parse_printed(name: str, text: str) -> Counter:
    found = _PRINTED.fullmatch(text)
    if found is None:
        raise CounterFormatError(
            f"counter {name}: expected a number such as 1,234, 1.2万 or 100万+, found {text!r:.60}"
        )
    fraction = found["fraction"] or ""
    unit = _UNITS[found["unit"].lower()] if found["unit"] else 1
    whole = re.sub(r"[ ,]", "", found["whole"])
    value = Decimal(f"{found['sign']}{whole}.{fraction or 0}") * unit
    if found["more"]:
        return _counter(name, CounterKind.AT_LEAST, lo=math.floor(value))
    if found["unit"] is None:
        return _parse_number(name, value)
    return _rounded(name, value, Decimal(unit) / 10 ** len(fraction))


def _rounded(name: str, value: Decimal, step: Decimal | int) -> Counter:
    """Bound a value that was rounded or cut to a multiple of `step`, away from zero or not."""
    if step <= 1:
        return _exact(name, math.floor(value))
    near = (abs(value) - Decimal(step) / 2).to_integral_value(ROUND_CEILING)
    far = (abs(value) + step - 1).to_integral_value(ROUND_FLOOR)
    ends = sorted(int(end) * (-1 if value < 0 else 1) for end in (max(near, Decimal(0)), far))
    return _counter(name, CounterKind.ROUNDED, lo=ends[0], hi=ends[1])


def _exact(name: str, value: int) -> Counter:
    return _counter(name, CounterKind.EXACT, lo=value, hi=value)


def _counter(
    name: str, how: CounterKind, *, lo: int | None = None, hi: int | None = None
) -> Counter:
    if any(end is not None and abs(end) > MAX_VALUE for end in (lo, hi)):
        raise CounterFormatError(f"counter {name}: expected at most 64 bits, found more")
    return {"name": name, "lo": lo, "hi": hi, "how": how.value}
