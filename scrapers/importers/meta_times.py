"""Times of Meta's spreadsheets: the month first, in the account's zone or California's."""

from __future__ import annotations

import re

from lake.times import Instant, parse_local, parse_time
from scrapers.importers.fields import Fields
from scrapers.importers.format import Reading
from scrapers.parsers.values import read_time


def read_meta_time(fields: Fields, reading: Reading, *names: str) -> Instant | None:
    """Return a time as `time_formats` says, else `MM/DD/YYYY HH:MM`, else a year that is first."""
    if reading.time_formats:
        return fields.parsed(lambda v: read_time(v, reading.zone, reading.time_formats), *names)
    return fields.parsed(lambda value: _read(str(value), reading), *names)


def _read(text: str, reading: Reading) -> Instant:
    if re.match(r"\d{1,2}/\d{1,2}/\d{4}", text.strip()):
        return parse_local(text, reading.zone, "mdy")
    return parse_time(text, reading.zone)
