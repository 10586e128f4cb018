"""Answers of Weibo's open platform as plain values.

Ids have up to 19 digits and are read as text. Times print their offset before the year. Errors come
with HTTP 200 as often as with 400 or 403; their number says what they are.
"""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from lake.counters import Counter, parse_counter
from lake.times import Instant, parse_ctime
from scrapers.access.calls import Problem, Trouble
from scrapers.parsers.json_record import JsonRecord

# Keys that name somebody.
PEOPLE = frozenset(
    {
        *("user", "screen_name", "name", "domain", "profile_image_url", "profile_url", "url"),
        *("avatar_large", "avatar_hd", "cover_image_phone", "cover_image", "remark", "location"),
        *("description", "verified_reason", "verified_source", "verified_source_url"),
        *("verified_trade", "reply_original_text", "in_reply_to_screen_name"),
    }
)
AN_HOUR = 3600.0  # rates are counted by the hour
CAP = 1_000_000  # no counter is told beyond it
COUNTERS = ("reposts_count", "comments_count", "attitudes_count")
AUDIENCE = ("followers_count", "friends_count", "statuses_count")
SHANGHAI = ZoneInfo("Asia/Shanghai")
TOPIC = re.compile(r"#([^#\n]{1,100})#")
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
TRANSIENT, LIMITED = Trouble.TRANSIENT, Trouble.LIMITED
KINDS = {
    10001: TRANSIENT,  # system error
    10002: TRANSIENT,  # service unavailable
    10009: TRANSIENT,  # too many pending tasks
    10010: TRANSIENT,  # job expired
    10011: TRANSIENT,  # rpc error
    10022: LIMITED,  # of the IP address, an hour
    10023: LIMITED,  # of the user
    10024: LIMITED,  # of the user and this call
    20003: Trouble.GONE,  # user does not exist
    20101: Trouble.GONE,  # status does not exist
    20112: Trouble.GONE,  # status is private now
    20132: Trouble.GONE,  # status was closed by the platform
    **dict.fromkeys([10006, *range(21314, 21320), 21321, 21327, 21332], Trouble.EXPIRED),
}


def read_error(data: Any) -> Problem | None:
    """Return the error of an answer, whatever its status; None when it has none."""
    if not isinstance(data, dict) or "error_code" not in data:
        return None
    try:
        number = int(data["error_code"])
    except (TypeError, ValueError):
        number = 0
    kind = KINDS.get(number, Trouble.REFUSED)
    wait = AN_HOUR if kind is LIMITED else None
    return Problem(kind, str(data["error_code"]), str(data.get("error") or "no word"), wait)


def read_time(printed: str | None) -> Instant | None:
    return parse_ctime(printed, SHANGHAI) if printed else None


def counters(status: JsonRecord) -> tuple[Counter, ...]:
    return tuple(parse_counter(name, status.take(name), cap=CAP) for name in COUNTERS)


def topics(text: str | None) -> tuple[str, ...] | None:
    """Return what stands between two number signs."""
    return tuple(dict.fromkeys(TOPIC.findall(text or ""))) or None


def short_id(mid: str) -> str:
    """Return the id that stands in a status's address: seven digits become four letters."""
    groups = [mid[max(end - 7, 0) : end] for end in range(len(mid), 0, -7)][::-1]
    head, *rest = (_base62(int(group)) for group in groups)
    return head + "".join(letters.rjust(4, "0") for letters in rest)


def _base62(number: int) -> str:
    letters = ""
    while number:
        number, digit = divmod(number, 62)
        letters = ALPHABET[digit] + letters
    return letters or "0"
