"""Cells as people and spreadsheets leave them: ids, times, amounts, flags.

Each reader returns None for a cell that says nothing and raises `ParsingFailedError` for one that
says something else than expected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from lake import Precision
from lake.schemas import POST_KINDS
from lake.times import Instant, TimeFormatError, localize, parse_time
from scrapers.errors import ParsingFailedError

NOTHING = frozenset({"", "null", "none", "nan", "n/a", "na", "\\n", "-", "--", "nil", "undefined"})
SPREADSHEET_ID = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.I)
QUOTED_FORMULA = re.compile(r'="(.*)"')
MONEY_MARKS = re.compile(
    r"NT\$|HK\$|US\$|RMB|TWD|CNY|HKD|USD|JPY|[$¥￥元圓円]", re.I
)  # what currency it is, its own column or constant says
AMOUNT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "y", "t", "是", "有", "真", "✓"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f", "否", "無", "无", "假", "✗"), False),
}
KINDS = {
    **{kind: kind for kind in POST_KINDS},
    **dict.fromkeys(("貼文", "帖子", "發文", "发文", "微博", "動態", "动态"), "post"),
    **dict.fromkeys(("文章", "主文"), "article"),
    **dict.fromkeys(("主題", "主题", "主題帖", "主题帖"), "thread"),
    **dict.fromkeys(("留言", "評論", "评论", "回覆", "回复", "回應", "reply"), "comment"),
    **dict.fromkeys(("推文", "推噓"), "push"),
    **dict.fromkeys(("轉發", "转发", "轉貼", "分享", "share"), "repost"),
}
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def read_text(cell: Any) -> str | None:
    """Return a text as it stands; an empty cell is NULL, not an empty text."""
    if cell is None or cell == "":
        return None
    return cell if isinstance(cell, str) else str(cell)


def read_word(cell: Any) -> str | None:
    """Return a code or a status: one word, or None where a word says that there is none."""
    text = read_id(cell)
    return None if text is None or text.casefold() in NOTHING else text


def read_kind(cell: Any) -> str | None:
    """Return what a post is, in our words; an unknown word is refused, never guessed."""
    word = read_word(cell)
    if word is None:
        return None
    kind = KINDS.get(unicodedata.normalize("NFKC", word).casefold())
    if kind is None:
        raise ParsingFailedError(
            "unknown_kind", f"expected one of {', '.join(POST_KINDS)}, found {word!r:.80}"
        )
    return kind


def read_id(cell: Any) -> str | None:
    """Return an id as text; only an empty cell is none, for NA and null can be somebody's.

    What a spreadsheet rounded cannot be repaired and is refused.
    """
    text = _squeezed(cell)
    if not text:
        return None
    formula = QUOTED_FORMULA.fullmatch(text)
    text = formula[1] if formula else text.removeprefix("'")
    if SPREADSHEET_ID.fullmatch(text):
        raise ParsingFailedError(
            "damaged_id",
            "a spreadsheet rounded this id (1.22E+17 style), which cannot be undone; export again "
            "with the column as text",
        )
    if re.fullmatch(r"\d+\.0", text):
        if len(text) > 17:
            raise ParsingFailedError(
                "damaged_id", "an id that went through a floating-point number lost digits"
            )
        text = text.removesuffix(".0")
    return text


def read_time(cell: Any, zone: tzinfo, formats: Sequence[str]) -> Instant | None:
    """Read a time in one of the formats, or, without formats, in any unambiguous one."""
    text = _plain(cell)
    if text is None:
        return None
    for form in formats:
        try:
            naive = datetime.strptime(text, form)  # noqa: DTZ007  the zone follows
        except ValueError:
            continue
        at = naive.astimezone(UTC) if naive.tzinfo else localize(naive, zone)
        return Instant(at, _precision(form), text)
    if formats:
        raise ParsingFailedError(
            "time_format", f"expected a time like {' or '.join(formats)}, found {text[:60]!r}"
        )
    try:
        return parse_time(text, zone)
    except TimeFormatError as error:
        raise ParsingFailedError("time_format", f"{error}; say how with `time_formats`") from None


def read_amount(cell: Any) -> Decimal | None:
    """Read money exactly: `NT$1,200`, `￥88.50`, `(30.00)` as a negative."""
    text = _plain(cell)
    if text is None:
        return None
    bare = MONEY_MARKS.sub("", text).replace(" ", "")
    is_negative = bare.startswith("(") and bare.endswith(")")
    bare = bare.strip("()") if is_negative else bare
    if not AMOUNT.fullmatch(bare):
        raise ParsingFailedError(
            "amount_format", f"expected an amount such as NT$1,200.50, found {text[:40]!r}"
        )
    amount = Decimal(bare.replace(",", ""))
    return -amount if is_negative else amount


def read_day(cell: Any, formats: Sequence[str]) -> date | None:
    """Read a calendar day; where it begins, the reader's zone says."""
    read = read_time(cell, UTC, formats)
    return None if read is None else read.at.date()


def read_count(cell: Any) -> int | None:
    """Read a whole number, `1,234`."""
    amount = read_amount(cell)
    if amount is None:
        return None
    if amount != int(amount):
        raise ParsingFailedError(
            "amount_format", f"expected a whole number, found {str(cell)[:40]!r}"
        )
    return int(amount)


def read_flag(cell: Any) -> bool | None:
    """Read yes or no in the usual words."""
    if isinstance(cell, bool):
        return cell
    text = _plain(cell)
    if text is None:
        return None
    try:
        return FLAGS[text.casefold()]
    except KeyError:
        raise ParsingFailedError(
            "flag_format", f"expected yes or no, true or false, found {text[:40]!r}"
        ) from None


def read_tags(cell: Any) -> list[str] | None:
    """Read a list: a JSON array as it is, a text cut at commas and their like."""
    if isinstance(cell, list):
        return [str(tag) for tag in cell] or None
    text = _plain(cell)
    tags = [t.strip() for t in re.split(r"[,，、;；|]", text)] if text else []
    return [tag for tag in tags if tag] or None


def without_query(url: str | None) -> tuple[str | None, dict[str, str]]:
    """Return an address without query and fragment, and the utm fields that were in it."""
    if not url:
        return None, {}
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # visitors send anything, `http://[` too; an order is not refused for that
        return None, {}
    given = parse_qs(parts.query)
    utm = {name: given[name][0] for name in UTM if name in given}
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")), utm


def _plain(cell: Any) -> str | None:
    text = _squeezed(cell)
    return None if text.casefold() in NOTHING else text


def _squeezed(cell: Any) -> str:
    if cell is None or cell != cell:  # NaN, as some JSON has it, is a number and no text
        return ""
    return " ".join(unicodedata.normalize("NFKC", str(cell)).split())


def _precision(form: str) -> Precision:
    if any(mark in form for mark in ("%S", "%X", "%c", "%T")):
        return Precision.SECOND
    return Precision.MINUTE if "%M" in form or "%R" in form else Precision.DAY
