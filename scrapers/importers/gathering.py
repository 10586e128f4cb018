"""Metrics that a file tells one by one, put together to one observation each.

An export has a row per metric, or per metric and part of the audience; the lake has a row per
channel and instant, or per post. So they are gathered until the file has been read. What counts
things is kept, exactly; what is an average or a share counts nothing and is left to evidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lake.counters import parse_counter
from scrapers.importers.fields import Fields
from scrapers.importers.format import Found, Reading

UNCOUNTED = re.compile(
    r"average|avg|_rate\b|percent|seconds|_time\b|_view_time|estimated|cpm", re.I
)
AUDIENCE = "audience"
POST = "post"
TALLY = "tally"


@dataclass
class Gathered:
    """What was told so far of one channel at one instant, or of one post."""

    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def listed(self) -> list[dict[str, Any]] | None:
        return list(self.counters.values()) or None


def gather_audience(
    reading: Reading,
    channel: str | None,
    at: datetime,
    counters: list[dict[str, Any]],
    *,
    source: str | None = None,
    **columns: Any,
) -> None:
    """Add to what a channel's audience was at an instant."""
    kept = reading.memory.setdefault((AUDIENCE, source, channel, at), Gathered())
    kept.counters.update({counter["name"]: counter for counter in counters})
    kept.columns.update({name: value for name, value in columns.items() if value is not None})


def gather_post(
    reading: Reading, post_id: str, counters: list[dict[str, Any]], *, source: str | None = None
) -> None:
    """Add counters of a post of which this file tells nothing else."""
    kept = reading.memory.setdefault((POST, source, post_id), Gathered())
    kept.counters.update({counter["name"]: counter for counter in counters})


def add_up(
    reading: Reading,
    channel: str | None,
    at: datetime,
    amounts: Mapping[str, int],
    *,
    source: str | None = None,
) -> None:
    """Add parts of a day's numbers, for a file that has a row per country or device."""
    sums = reading.memory.setdefault((TALLY, source, channel, at), {})
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount


def gathered(reading: Reading) -> Iterator[Found]:
    """Yield what was gathered, in the order in which it was begun."""
    told = {name: kept for name, kept in reading.memory.items() if isinstance(name, tuple)}
    for (what, source, *which), kept in told.items():
        if what == TALLY:
            kept = Gathered({name: dict(parse_counter(name, n)) for name, n in kept.items()})
        if what == POST:
            record = {"post_id": which[0], "counters": kept.listed}
            yield Found(table="posts", record=record, source=source, completes=True)
        else:
            channel, at = which
            record = {"observed_at": at, **kept.columns, "counters": kept.listed}
            yield Found(table="channels", record=record, source=source, channel=channel)


def metrics(fields: Fields, *prefixes: str) -> list[dict[str, Any]]:
    """Take every column left that counts something, under its own name; of no value there is none.

    Averages, shares and amounts of time or money count nothing, even where they are whole.
    """
    found = []
    for name in fields.untaken:
        if not name.startswith(prefixes) or UNCOUNTED.search(name):
            continue
        if fields.raw[name] in (None, ""):
            fields.take(name)
        elif _is_count(fields.raw[name]):
            found.append(dict(fields.counter(name, name)))
    return found


def fans_of(counter: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of an audience's size."""
    if counter is None or counter["lo"] is None:
        return {}
    return {"fan_count": counter["lo"], "fan_count_how": counter["how"]}


def unpacked(value: Any) -> Any:
    """Return what a column holds that is JSON written as text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return value
    return value


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or value in (None, ""):
        return False
    try:
        number = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        return False
    return number.is_finite() and number == number.to_integral_value() and abs(number) < 2**63
