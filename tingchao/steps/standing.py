"""How a channel stands, told from the ledger: since when it is refused, when it is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tingchao.schedules import next_due

if TYPE_CHECKING:
    from scrapers.source import Source
    from tingchao.config import Channel, Config

GONE = "gone (410)"  # as scrapers.access.feed writes it


class Standing(StrEnum):
    """One word for how a channel stands."""

    NEVER_RUN = "never run"
    LISTENING = "listening"
    REFUSED = "refused"  # the site does not want us: a person must look
    FAILING = "failing"  # a page could not be had or read
    BEHIND = "behind"  # a limit of ours, a quota or patience cut it short: the next crawl goes on
    SPENT = "quota spent"
    CAPPED = "capped"  # the site shows no more: what lies before is lost
    INTERRUPTED = "interrupted"
    GONE = "gone"


BY_REASON = {
    "exhausted": Standing.LISTENING,
    "reached_watermark": Standing.LISTENING,
    "cap": Standing.CAPPED,
    "budget": Standing.BEHIND,
    "blocked": Standing.REFUSED,
    "blank_page": Standing.FAILING,
    "error": Standing.FAILING,
}
TROUBLES = frozenset({Standing.REFUSED, Standing.FAILING})


@dataclass(frozen=True)
class Spent:
    """Units of the platform's day: what was spent of what it grants, and when it grants anew."""

    units: int
    of: int
    resets_at: datetime

    @property
    def is_all(self) -> bool:
        return self.units >= self.of


@dataclass(frozen=True)
class Outlook:
    """How a channel stands; instants are UTC, None: unknown, or never."""

    standing: Standing
    host: str | None
    last_success_at: datetime | None
    since_at: datetime | None
    next_try_at: datetime | None
    quota: Spent | None


def look_at(
    config: Config, channel: Channel | None, rows: Sequence[Mapping[str, Any]], now: datetime
) -> Outlook:
    """Tell how a channel stands from its rows of the ledger; `channel` None: no longer configured.

    `since_at`: when the first of the refusals or failures in a row was met.
    """
    source = _source_of(channel)
    ends = sorted((r for r in rows if r["is_last"]), key=lambda row: row["committed_at"])
    quota = _spent(config, channel, source, now) if channel and source else None
    standing = _standing(rows, ends, quota)
    good = [row for row in ends if BY_REASON[row["stop_reason"]] not in TROUBLES]
    last_good = good[-1]["committed_at"] if good else None
    bad = (r["committed_at"] for r in ends if last_good is None or r["committed_at"] > last_good)
    is_asked = channel is not None and source is not None and standing is not Standing.GONE
    return Outlook(
        standing,
        _host(config, channel, source) if channel and source else None,
        last_good,
        next(bad, None) if standing in TROUBLES else None,
        _next_try(config, source, quota, now) if is_asked and source else None,
        quota,
    )


def _standing(
    rows: Sequence[Mapping[str, Any]], ends: Sequence[Mapping[str, Any]], quota: Spent | None
) -> Standing:
    if not rows:
        return Standing.NEVER_RUN
    last = max(rows, key=lambda row: (row["committed_at"], row["ordinal"]))
    if not ends or not last["is_last"]:
        return Standing.INTERRUPTED
    if (last["stop_detail"] or "").startswith(GONE):
        return Standing.GONE
    standing = BY_REASON[last["stop_reason"]]
    return Standing.SPENT if standing is Standing.BEHIND and quota and quota.is_all else standing


def _source_of(channel: Channel | None) -> Source | None:
    from scrapers.source import load_source, source_names

    if channel is None or channel.source not in source_names():
        return None
    return load_source(channel.source)


def _host(config: Config, channel: Channel, source: Source) -> str | None:
    from scrapers.errors import SourceError
    from scrapers.plan import channel_url
    from tingchao.config import SourceOverride

    override = config.sources.get(channel.source, SourceOverride())
    try:
        return urlsplit(channel_url(channel, source, override)).netloc.lower()
    except SourceError:
        return None


def _spent(config: Config, channel: Channel, source: Source, now: datetime) -> Spent | None:
    from scrapers.access.allowance import Allowance
    from scrapers.plan import quota_of
    from tingchao.config import SourceOverride

    quota = quota_of(source, config.sources.get(source.name, SourceOverride()))
    if quota is None:
        return None
    name = f"{source.name}.{_variable(channel, source)}"
    allowance = Allowance(quota, Path(config.data) / "quota", name, lambda: now)
    return Spent(quota.units_per_day - allowance.left(), quota.units_per_day, allowance.resets_at())


def _variable(channel: Channel, source: Source) -> str:
    from scrapers.access.secrets import variable_of

    return variable_of(source.auth, channel.options) if source.auth else "public"


def _next_try(
    config: Config, source: Source, quota: Spent | None, now: datetime
) -> datetime | None:
    """When the schedule asks again; not before a spent quota is granted anew."""
    override = config.sources.get(source.name)
    schedule = (override.schedule if override else None) or source.schedule or config.schedule
    after = max(now, quota.resets_at) if quota and quota.is_all else now
    return next_due(schedule, ZoneInfo(config.reporting.time_zone), after.astimezone(UTC))
