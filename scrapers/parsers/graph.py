"""Answers of Meta's Graph API (Facebook, Instagram, Threads) as plain values.

Times print their offset without a colon. Errors bear a number that says what they are. Day values
of insights stand at the end of a day in Pacific time, whose length changes twice a year.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lake.counters import Counter, parse_counter
from lake.times import Instant, localize, parse_rfc3339
from scrapers.access.calls import Problem, Trouble
from scrapers.errors import ParsingFailedError

PACIFIC = ZoneInfo("America/Los_Angeles")  # of every day of insights
LIMITED = frozenset({4, 17, 32, 613, *range(80000, 80015)})
EXPIRED = frozenset({102, 190, 463, 467})
TRANSIENT = frozenset({1, 2})
GONE = frozenset({803})  # some of the aliases you requested do not exist
NOT_FOUND = frozenset({33, 2108006})  # subcodes of 100: no such object; older than the account
TOO_MUCH = "reduce the amount of data"
SLOW_ABOVE = 75  # per cent of what an hour allows
FULL = 100
A_MINUTE = 60.0
SLOWER = 30.0  # seconds to wait above SLOW_ABOVE


class Told(NamedTuple):
    """A value of a metric; `at` is the end of its day, None when it holds for all time."""

    name: str
    value: int
    at: datetime | None


def read_error(data: Any, headers: Mapping[str, str]) -> Problem | None:
    """Return what an answer complains of, by its number; None when it does not."""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return None
    number, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = str(error.get("message") or "without a word")
    code = f"{number}/{subcode}" if subcode else str(number)
    kind = _kind(number, subcode, said, is_transient=error.get("is_transient") is True)
    wait = regain_seconds(headers) if kind is Trouble.LIMITED else None
    return Problem(kind, code, said, wait)


def _kind(number: int, subcode: int, said: str, *, is_transient: bool) -> Trouble:
    if TOO_MUCH in said.lower():
        return Trouble.TOO_MUCH
    if number in GONE or (number == 100 and subcode in NOT_FOUND):
        return Trouble.GONE
    for kind, numbers in (
        (Trouble.LIMITED, LIMITED),
        (Trouble.EXPIRED, EXPIRED),
        (Trouble.TRANSIENT, TRANSIENT),
    ):
        if number in numbers:
            return kind
    return Trouble.TRANSIENT if is_transient else Trouble.REFUSED


def is_of_a_metric(problem: Problem) -> bool:
    """Whether an error is about a metric that was asked for, not about whom it was asked of."""
    number, _, subcode = problem.code.partition("/")
    if number == "3001":
        return True
    return number == "100" and not subcode and "metric" in problem.message.lower()


def regain_seconds(headers: Mapping[str, str]) -> float | None:
    """Return for how long the platform wants to be left alone; None when it does not say."""
    minutes = [_number(usage.get("estimated_time_to_regain_access")) for usage in usages(headers)]
    return max(minutes, default=0) * A_MINUTE or None


def pause(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait by what the usage headers say is left; 0 when there is plenty."""
    regain = regain_seconds(headers)
    if regain is not None:
        return regain
    used = max(
        (
            _number(usage.get(name))
            for usage in usages(headers)
            for name in ("call_count", "total_time", "total_cputime")
        ),
        default=0,
    )
    if used >= FULL:
        return 60 * A_MINUTE  # of a rolling hour
    return SLOWER if used > SLOW_ABOVE else 0


def usages(headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Yield what X-App-Usage, X-Page-Usage and X-Business-Use-Case-Usage say, in per cent."""
    for name in ("x-app-usage", "x-page-usage", "x-business-use-case-usage"):
        try:
            said = json.loads(headers.get(name) or "{}")
        except (ValueError, RecursionError):
            continue
        if not isinstance(said, dict):
            continue
        if name != "x-business-use-case-usage":
            yield said
            continue
        for cases in said.values():
            entries = cases if isinstance(cases, list) else []
            yield from (case for case in entries if isinstance(case, dict))


def read_time(printed: str | None) -> Instant | None:
    return parse_rfc3339(printed, UTC) if printed else None


def days_ending_in(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield start and end of each Pacific day that ends after `since` and not after `until`."""
    day = since.astimezone(PACIFIC).date()
    start = localize(datetime.combine(day, time()), PACIFIC)
    while True:
        day += timedelta(days=1)
        end = localize(datetime.combine(day, time()), PACIFIC)
        if end > until:
            return
        if end > since:
            yield start, end
        start = end


def read_insights(data: Any) -> Iterator[Told]:
    """Yield the values of an answer; a metric that is not told, or not yet, yields nothing.

    A value that is an object becomes a counter for each of its keys: `name.key`; so does each part
    of a total that is broken down. Of clicks on several links the sum is told.
    """
    for metric in data.get("data") or []:
        name = metric["name"]
        values, total = metric.get("values"), metric.get("total_value")
        for value in values if isinstance(values, list) else []:
            at = read_time(value.get("end_time"))
            yield from _told(name, value.get("value"), at.at if at else None)
        if not isinstance(values, list) and isinstance(total, dict):
            yield from _told(name, total.get("value"), None)
            yield from _parts(name, total)
        links = metric.get("link_total_values")
        if isinstance(links, list) and links:
            clicks = [told.value for one in links for told in _told(name, one.get("value"), None)]
            yield Told(name, sum(clicks), None)


def _parts(name: str, total: Mapping[str, Any]) -> Iterator[Told]:
    for breakdown in total.get("breakdowns") or []:
        for result in breakdown.get("results") or []:
            part = ".".join(map(str, result["dimension_values"]))
            yield from _told(f"{name}.{part}", result.get("value"), None)


def _told(name: str, value: Any, at: datetime | None) -> Iterator[Told]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _told(f"{name}.{key}", part, at)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield Told(name, value, at)
    elif value is not None:
        raise ParsingFailedError("wrong_kind", f"{name}: expected a number, found {value!r:.60}")


def counters_of(told: Mapping[str, int]) -> tuple[Counter, ...]:
    """Return values as counters, by name."""
    return tuple(parse_counter(name, told[name]) for name in sorted(told))


def _number(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value == value and abs(value) < 2**53 else 0
