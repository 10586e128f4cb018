"""Printed times, as UTC instants that say how exactly they are known.

Nothing here asks the host for its time, zone or locale: the zone in which a platform prints, and
`now` for "three hours ago", are given. Month names are English in every locale.

A local time that a clock change skips (02:30 in a spring gap) is read with the offset of before,
which shifts it forward by the gap; one that occurs twice (an autumn fold) is the first. A time that
is known to the day stands at that day's local midnight. What does not fit raises
`TimeFormatError`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from lake.schemas import Precision

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
# RFC 2822 §4.3; letters that are not here mean that the zone is unknown.
_NAMED_OFFSETS: Final = {
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "z": 0,
    "est": -300,
    "edt": -240,
    "cst": -360,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
}
_EXCEL_DAY_ZERO: Final = date(1899, 12, 30)
_EXCEL_SERIALS: Final = range(20_000, 80_000)  # 1954 … 2119; smaller numbers are something else
_ROC_YEAR_ZERO: Final = 1911
_EPOCH_UNITS: Final = {"s": 10**6, "ms": 10**3, "us": 1}
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_HALF = r"(?P<half>上午|下午|AM|PM|A\.M\.|P\.M\.)"
_TIME_OF_DAY = rf"(?:{_HALF} ?)?{_CLOCK}(?: ?(?P<half_after>AM|PM|A\.M\.|P\.M\.))?"
_OFFSET = r"(?P<offset>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)"
_ORDERS: Final = {
    "ymd": r"(?P<year>\d{4})(?P<sep>[-/.年])(?P<month>\d{1,2})(?:(?P=sep)|月)(?P<day>\d{1,2})日?",
    "mdy": r"(?P<month>\d{1,2})(?P<sep>[-/.])(?P<day>\d{1,2})(?P=sep)(?P<year>\d{4})",
    "dmy": r"(?P<day>\d{1,2})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<year>\d{4})",
    "roc": r"(?:民國|民国)? ?(?P<year>\d{2,3})(?P<sep>[-/.年])(?P<month>\d{1,2})"
    r"(?:(?P=sep)|月)(?P<day>\d{1,2})日?",
    "yearless": r"(?P<month>\d{1,2})(?P<sep>[-/月])(?P<day>\d{1,2})日?",
}
_PRINTED: Final = {
    order: re.compile(rf"{day}(?:[T ]? ?{_TIME_OF_DAY})?(?: ?{_OFFSET})?", re.I | re.A)
    for order, day in _ORDERS.items()
}
_CTIME = re.compile(
    rf"(?:[a-z]{{3}},? )?(?P<month>[a-z]{{3}}) (?P<day>\d{{1,2}}) {_CLOCK}"
    r"(?: (?P<offset>[+-]\d{4}))? (?P<year>\d{4})",
    re.IGNORECASE | re.ASCII,
)
_RFC2822 = re.compile(
    r"(?:[^\d\s,]{1,12},? ?|[^\d\s,]{1,12} )?(?P<day>\d{1,2})[ -](?P<month>[a-z]{3})[a-z]*[- ,]+"
    rf"(?P<year>\d{{4}}|\d{{2}}),? {_CLOCK}"
    r"(?: ?(?P<offset>[+-]\d{4}|(?:gmt|utc|ut)?[+-]\d{1,2}(?::?\d{2})?|[a-z]{1,5}))?(?: \(.*\))?",
    re.IGNORECASE | re.ASCII,
)
_AGO = re.compile(
    r"(?P<number>\d{1,4}|半|an?) ?(?:个|個)?(?P<unit>"
    r"秒钟?|秒鐘|分钟?|分鐘|小时|小時|钟头|鐘頭|天|日|周|週|星期|礼拜|禮拜|月|年|"
    r"sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|weeks?|months?|years?|[smhdw]) ?"
    r"(?P<ago>前|以前|之前|ago)?",
    re.IGNORECASE | re.ASCII,
)
_NOW_WORDS: Final = frozenset({"刚刚", "剛剛", "刚才", "剛才", "just now", "now"})
_DAYS_AGO: Final = {
    "今天": 0,
    "今日": 0,
    "today": 0,
    "昨天": 1,
    "昨日": 1,
    "yesterday": 1,
    "前天": 2,
}
_NAMED_DAY = re.compile(
    rf"(?P<name>{'|'.join(_DAYS_AGO)}) ?(?:at )?(?:{_TIME_OF_DAY})?", re.I | re.A
)
_AGO_UNITS: Final[tuple[tuple[str, str], ...]] = (
    ("秒 sec second s", "second"),
    ("分 min minute m", "minute"),
    ("小时 小時 钟头 鐘頭 hour hr h", "hour"),
    ("天 日 day d", "day"),
    ("周 週 星期 礼拜 禮拜 week w", "week"),
    ("月 month", "month"),
    ("年 year", "year"),
)
_DAYS_IN: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_SECONDS_IN: Final = {"second": 1, "minute": 60, "hour": 3600}


class TimeFormatError(ValueError):
    """What was printed is not a time of the expected format."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment in UTC, how exactly it is known, and how it was printed."""

    at: datetime
    precision: Precision
    raw: str


def localize(naive: datetime, zone: tzinfo) -> datetime:
    """Return the UTC instant of a local time: first of a fold, shifted forward out of a gap."""
    try:
        return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise TimeFormatError(
            f"expected a time within the years 1 to 9999, found {naive}"
        ) from None


def parse_ctime(text: str, zone: tzinfo) -> Instant:
    """Read `Thu Oct  9 16:53:18 2025`, and `Thu Oct 08 21:05:11 +0800 2026` (Weibo).

    `zone` holds when no offset is printed.
    """
    return _from_match(text, _match(_CTIME, text, "Thu Oct  9 16:53:18 2025"), zone)


def parse_rfc2822(text: str, zone: tzinfo) -> Instant:
    """Read a feed's date: `Thu, 08 Oct 2026 13:05:11 +0000`, and its common defects.

    Weekday in any language or absent, two-digit year, `GMT+8`, no seconds, an ISO 8601 date
    instead. Without a readable zone the time is taken in `zone` and marked inferred.
    """
    found = _RFC2822.fullmatch(_tidy(text)) or _match(
        _PRINTED["ymd"], text, "Thu, 08 Oct 2026 13:05:11 +0000"
    )
    instant = _from_match(text, found, zone)
    if _offset(found["offset"]) is None:
        return Instant(instant.at, Precision.INFERRED, text)
    return instant


def parse_rfc3339(text: str, zone: tzinfo | None = None) -> Instant:
    """Read `2026-10-08T13:05:11.123Z`, `2026-10-08 21:05:10 +0800`, `2026-10-08`.

    `zone` holds when no offset is printed; without it an offset must be there.
    """
    found = _match(_PRINTED["ymd"], text, "2026-10-08T13:05:11Z")
    if zone is None and not found["offset"]:
        raise TimeFormatError(f"expected a time with its offset, found {text!r:.60}")
    return _from_match(text, found, zone or UTC)


def parse_epoch(
    value: float | str | Decimal, unit: Literal["s", "ms", "us"] | None = None
) -> Instant:
    """Read seconds, milliseconds or microseconds since 1970, told apart by size if not given."""
    raw = _tidy(str(value))
    try:
        number = Decimal(raw)
        found = unit or _epoch_unit(number)
        microseconds = int((number * _EPOCH_UNITS[found]).quantize(Decimal(1)))
        at = _EPOCH_START + timedelta(microseconds=microseconds)
    except (InvalidOperation, OverflowError, ValueError):
        raise TimeFormatError(f"expected a Unix time, found {raw!r:.60}") from None
    return Instant(at, Precision.SECOND, raw)


def _epoch_unit(number: Decimal) -> Literal["s", "ms", "us"]:
    """Tell the unit by size: seconds stay below their bound until the year 5138."""
    if abs(number) < 10**11:
        return "s"
    return "ms" if abs(number) < 10**14 else "us"


def parse_local(text: str, zone: tzinfo, order: Literal["ymd", "mdy", "dmy"] = "ymd") -> Instant:
    """Read `2026-1-5 09:07[:33]`, `2026/1/5 下午 3:05`, `2026年1月5日`; or `10/08/2026 21:05`.

    Day and month are never guessed: `order` says how the platform writes them.
    """
    found = _match(_PRINTED[order], text, {"ymd": "2026-1-5 09:07"}.get(order, "10/08/2026 21:05"))
    return _from_match(text, found, zone)


def parse_roc(text: str, zone: tzinfo) -> Instant:
    """Read a year of the Republic: `115/10/08`, `民國115年10月8日 下午 3:05`; 115 is 2026."""
    return _from_match(text, _match(_PRINTED["roc"], text, "115/10/08"), zone, _ROC_YEAR_ZERO)


def parse_excel_serial(value: float | str, zone: tzinfo) -> Instant:
    """Read a spreadsheet's day number, 46303.5: days since 1899-12-30, local, to the second."""
    raw = _tidy(str(value))
    try:
        number = Decimal(raw)
        seconds = int((number % 1 * 86_400).to_integral_value())
    except (InvalidOperation, ValueError):
        raise TimeFormatError(f"expected a spreadsheet's day number, found {raw!r:.60}") from None
    if int(number) not in _EXCEL_SERIALS:
        raise TimeFormatError(
            f"expected a spreadsheet's day number from {_EXCEL_SERIALS[0]} to "
            f"{_EXCEL_SERIALS[-1]}, found {raw!r:.60}"
        )
    midnight = datetime.combine(_EXCEL_DAY_ZERO + timedelta(days=int(number)), time())
    precision = Precision.SECOND if seconds else Precision.DAY
    return Instant(localize(midnight + timedelta(seconds=seconds), zone), precision, raw)


def parse_relative(text: str, now: datetime, zone: tzinfo) -> Instant:
    """Read `3 小时前`, `昨天 21:05`, `刚刚`, `5 minutes ago`, `10-08`, as printed at `now`.

    Seconds and minutes are known to the minute, hours are inferred, days and more stand at local
    midnight. A day without a year is the last such day that is not after tomorrow.
    """
    plain = _tidy(text)
    if plain.casefold() in _NOW_WORDS:
        return Instant(now.astimezone(UTC), Precision.MINUTE, text)
    if found := _AGO.fullmatch(plain):
        return _some_time_ago(text, found, now, zone)
    if found := _NAMED_DAY.fullmatch(plain):
        day = now.astimezone(zone).date() - timedelta(days=_DAYS_AGO[found["name"].lower()])
        return _at_clock(text, day, found, zone)
    found = _match(_PRINTED["yearless"], text, "3 小时前, 昨天 21:05 or 10-08")
    latest = now.astimezone(zone).date() + timedelta(days=1)
    return _at_clock(text, _last_such_day(found, latest, text), found, zone)


def parse_time(text: str | float | datetime, zone: tzinfo, now: datetime | None = None) -> Instant:
    """Read a time of any format above, for files whose format nobody told.

    Numbers are Unix times or spreadsheet days. Slashed days without a leading year are refused:
    nothing says which is the month. Relative times need `now`.
    """
    if isinstance(text, datetime):
        return _read_datetime(text, zone)
    plain = _tidy(str(text))
    if re.fullmatch(r"\d+(?:\.\d+)?", plain, re.ASCII):
        is_serial = int(float(plain)) in _EXCEL_SERIALS
        return parse_excel_serial(plain, zone) if is_serial else _parse_digits(plain, zone)
    if re.match(r"\d{2}[-/.]\d{1,2}[-/.]", plain):  # 26/10/08 may be a year of either calendar
        raise TimeFormatError(f"expected a year of three or four digits first, found {plain!r:.60}")
    for read in (parse_rfc3339, parse_ctime, parse_roc, parse_rfc2822):
        try:
            return read(plain, zone)
        except TimeFormatError:
            continue
    if now is not None:
        return parse_relative(plain, now, zone)
    raise TimeFormatError(
        f"expected a time such as 2026-10-08 21:05 or 2026-10-08T13:05:11Z, found {plain!r:.60}"
    )


def _parse_digits(plain: str, zone: tzinfo) -> Instant:
    if re.fullmatch(r"(?:19|20)\d{6}", plain, re.ASCII):
        return parse_local(f"{plain[:4]}-{plain[4:6]}-{plain[6:]}", zone)
    if len(plain.partition(".")[0]) < len("100000000"):
        raise TimeFormatError(f"expected a Unix time or a day, found {plain!r:.60}")
    return parse_epoch(plain)


def _read_datetime(value: datetime, zone: tzinfo) -> Instant:
    at = localize(value, zone) if value.utcoffset() is None else value.astimezone(UTC)
    return Instant(at, Precision.SECOND, value.isoformat())


def _tidy(text: str) -> str:
    """Return the text in ordinary width, single spaces, nothing at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _match(pattern: re.Pattern[str], text: str, example: str) -> re.Match[str]:
    found = pattern.fullmatch(_tidy(text))
    if found is None:
        raise TimeFormatError(f"expected a time such as {example}, found {text!r:.60}")
    return found


def _from_match(raw: str, found: re.Match[str], zone: tzinfo, year_zero: int = 0) -> Instant:
    parts = found.groupdict()
    month = MONTHS.get(parts["month"].lower(), 0) or _number(parts["month"])
    try:
        year = int(parts["year"]) + year_zero if year_zero else _full_year(parts["year"])
        day = date(year, month, int(parts["day"]))
    except ValueError as error:
        raise TimeFormatError(f"no such day: {raw!r:.60} ({error})") from None
    return _at_clock(raw, day, found, _offset(parts.get("offset")) or zone)


def _at_clock(raw: str, day: date, found: re.Match[str], zone: tzinfo) -> Instant:
    """Put the clock of a match, if it has one, on a day."""
    parts = found.groupdict()
    if parts.get("hour") is None:
        return Instant(localize(datetime.combine(day, time()), zone), Precision.DAY, raw)
    half = parts.get("half") or parts.get("half_after")
    second = min(int(parts["second"] or 0), 59)  # a leap second is the second before it
    micro = int(f"{parts['fraction'] or '':0<6}"[:6])
    try:
        clock = time(_hour(int(parts["hour"]), half), int(parts["minute"]), second, micro)
    except ValueError as error:
        raise TimeFormatError(f"no such time of day: {raw!r:.60} ({error})") from None
    precision = Precision.SECOND if parts["second"] else Precision.MINUTE
    return Instant(localize(datetime.combine(day, clock), zone), precision, raw)


def _hour(hour: int, half: str | None) -> int:
    """Return the hour of 24, given the half of the day that is printed beside it."""
    if half is None:
        return hour
    if not 0 <= hour <= 12:
        return hour  # 下午 15:05: already of 24
    name = half.replace(".", "").lower()
    return hour % 12 + (12 if name in {"下午", "pm"} else 0)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _full_year(text: str) -> int:
    """Return the year; of two digits by RFC 2822: 00–49 are 20xx, 50–99 are 19xx."""
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 50 else 1900)


def _offset(text: str | None) -> tzinfo | None:
    """Return the zone of a printed offset; None when there is none or its letters mean nothing."""
    if not text:
        return None
    name = text.lower()
    if name in _NAMED_OFFSETS:
        return timezone(timedelta(minutes=_NAMED_OFFSETS[name]))
    digits = re.fullmatch(r"[a-z]*([+-])(\d{1,2}):?(\d{2})?", name)
    if digits is None:
        return None
    minutes = int(digits[2]) * 60 + int(digits[3] or 0)
    if minutes >= 24 * 60:
        raise TimeFormatError(f"expected an offset below 24 hours, found {text!r}")
    return timezone(timedelta(minutes=-minutes if digits[1] == "-" else minutes))


def _some_time_ago(text: str, found: re.Match[str], now: datetime, zone: tzinfo) -> Instant:
    unit = _unit(found["unit"])
    number = {"半": Decimal("0.5"), "a": Decimal(1), "an": Decimal(1)}.get(
        found["number"].lower()
    ) or Decimal(found["number"])
    if unit in _SECONDS_IN:
        at = now.astimezone(UTC) - timedelta(seconds=int(number * _SECONDS_IN[unit]))
        return Instant(at, Precision.INFERRED if unit == "hour" else Precision.MINUTE, text)
    try:
        day = now.astimezone(zone).date() - timedelta(days=int(number * _DAYS_IN[unit]))
    except OverflowError:
        raise TimeFormatError(f"expected a time within the years 1 to 9999: {text!r:.60}") from None
    precision = Precision.DAY if unit == "day" else Precision.INFERRED
    return Instant(localize(datetime.combine(day, time()), zone), precision, text)


def _unit(text: str) -> str:
    plain = text.lower()
    stem = plain.rstrip("s") if len(plain) > 1 else plain
    stem = stem.removesuffix("钟").removesuffix("鐘") if stem[0] in "秒分" else stem
    return next(unit for names, unit in _AGO_UNITS if stem in names.split())


def _last_such_day(found: re.Match[str], latest: date, raw: str) -> date:
    for year in range(latest.year, latest.year - 9, -1):
        try:
            day = date(year, int(found["month"]), int(found["day"]))
        except ValueError:
            continue
        if day <= latest:
            return day
    raise TimeFormatError(f"no such day: {raw!r:.60}")
