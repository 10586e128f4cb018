"""Answers of LINE's insight API as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta, timezone
from typing import Any

from lake.counters import Counter, parse_counter
from scrapers.errors import ParsingFailedError
from scrapers.parsers.json_record import JsonRecord

ZONE = timezone(timedelta(hours=9))  # of every date, wherever the account is
READY = "ready"
FOLLOWERS = ("followers", "targetedReaches", "blocks")
DELIVERIES = (
    *("broadcast", "targeting", "autoResponse", "welcomeResponse", "chat", "apiBroadcast"),
    *("apiPush", "apiMulticast", "apiNarrowcast", "apiReply"),
)
# Parts of the audience, and the key by which each entry of a part is named.
PARTS = {
    "genders": "gender",
    "ages": "age",
    "areas": "area",
    "appTypes": "appType",
    "subscriptionPeriods": "subscriptionPeriod",
}


def printed(day: date) -> str:
    return f"{day:%Y%m%d}"


def friends(told: JsonRecord) -> int | None:
    """Return the net friends: who ever added the account, less who blocks it now.

    `followers` counts everybody who ever added it and never decreases; `targetedReaches` leaves
    out whose age or sex LINE does not guess, so it is no audience, only what targeting reaches.
    """
    added, blocked = (parse_counter(n, told.take(n))["lo"] for n in ("followers", "blocks"))
    return None if added is None or blocked is None else added - blocked


def counters(told: JsonRecord, names: tuple[str, ...]) -> tuple[Counter, ...]:
    """Return the counters that an answer has; what it leaves out stays unknown."""
    found = (parse_counter(name, told.take(name)) for name in names)
    return tuple(counter for counter in found if counter["lo"] is not None)


def shares(told: JsonRecord) -> tuple[Counter, ...]:
    """Return the audience's parts in tenths of a per cent: 37.6 % is 376."""
    return tuple(parse_counter(name, tenths) for name, tenths in _tenths(told))


def _tenths(told: JsonRecord) -> Iterator[tuple[str, int]]:
    for part, key in PARTS.items():
        for entry in told.objects(part):
            percentage: Any = entry.get("percentage") if isinstance(entry, dict) else None
            if isinstance(percentage, bool) or not isinstance(percentage, int | float):
                raise ParsingFailedError(
                    "wrong_kind", f"{part}: expected a percentage, found {percentage!r:.60}"
                )
            yield f"{part}.{entry.get(key)}", round(percentage * 10)
