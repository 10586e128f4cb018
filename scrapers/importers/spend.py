"""What a row of an advertising report sums up, whatever the platform."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from lake.schemas import Precision, SpendLevel
from lake.times import Instant, localize
from scrapers.errors import ParsingFailedError
from scrapers.parsers.values import read_count, read_id, read_text

# From the finest to the coarsest: what a row is of, told by the finest that has a name or an id.
LEVELS = (
    (SpendLevel.AD, ("ad_id", "ad_name")),
    (SpendLevel.AD_GROUP, ("ad_group_id", "ad_group_name")),
    (SpendLevel.CAMPAIGN, ("campaign_id", "campaign_name")),
)
IDS = ("account_id", "campaign_id", "ad_group_id", "ad_id")
NAMES = ("campaign_name", "ad_group_name", "ad_name")
_CURRENCY = re.compile(r"\(([a-z]{3})\)$")


def level_of(record: Mapping[str, Any]) -> str:
    """Say what a row sums up."""
    told = (level for level, names in LEVELS if any(record.get(name) for name in names))
    return next(told, SpendLevel.ACCOUNT).value


def spend_id_of(record: Mapping[str, Any]) -> str:
    """Name what was paid for on a day, so that a later report of it replaces an earlier one.

    An id stands before a name, which can change; without either, the utm fields tell rows apart.
    """
    parts = [str(record["spend_date"]), record["platform"], record.get("account_id")]
    for _, (by_id, by_name) in reversed(LEVELS):
        parts.append(record.get(by_id) or record.get(by_name))
    if record.get("level") == SpendLevel.ACCOUNT:
        parts += [record.get(name) for name in ("utm_source", "utm_medium", "utm_campaign")]
        parts += [record.get(name) for name in ("utm_content", "utm_term")]
    said = [str(part).replace("|", "¦") if part else "" for part in (*parts, record["currency"])]
    return "|".join(said)


def completed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its level and its id."""
    record = {**record, "level": level_of(record)}
    return {**record, "spend_id": spend_id_of(record)}


def names_in(columns: Collection[str], known: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Map our names to the columns that are there; `known`: what each is called, by language."""
    there = {ours: [c for c in called if c in columns] for ours, called in known.items()}
    return {ours: found[0] for ours, found in there.items() if found}


def paid_for(cells: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a row is of, and how often that was shown and clicked; `names` as `names_in`."""
    return {
        **{n: read_id(cells[names[n]]) for n in IDS if n in names},
        **{n: read_text(cells[names[n]]) for n in NAMES if n in names},
        "impression_count": read_count(cells.get(names.get("impression_count", ""))),
        "click_count": read_count(cells.get(names.get("click_count", ""))),
    }


class Spent:
    """What one file has told so far, so that no row of it takes another's place.

    A report that is broken down further (by age, device, keyword) has several rows of one day and
    advertisement; kept as observations of one thing, all but the last would be lost.
    """

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def require_new(self, record: Mapping[str, Any]) -> None:
        """Raise `ParsingFailedError` when another row says something else of the same thing."""
        told = hash(tuple(sorted((name, str(value)) for name, value in record.items())))
        if self._told.setdefault(record["spend_id"], told) != told:
            raise ParsingFailedError(
                "same_spend_twice",
                "another row of this file is of the same day and advertisement; export the report "
                "by day alone, not broken down any further",
            )


def happened_on(day: date, zone: ZoneInfo) -> Instant:
    """Return the instant at which a day of the ad account begins."""
    return Instant(localize(datetime.combine(day, time()), zone), Precision.DAY, day.isoformat())


def currency_in(column: str) -> tuple[str, str | None]:
    """Split a normalised `amount spent (twd)` into the name and the currency that it tells."""
    found = _CURRENCY.search(column)
    return column[: found.start()].strip() if found else column, found and found[1].upper()
