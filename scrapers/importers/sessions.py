"""Sessions rebuilt from analytics events that name them.

A session is known by browser and session number, and of each only what tells where it came from is
kept, so memory grows with the sessions of a file and not with its events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scrapers.errors import ParsingFailedError
from scrapers.parsers.orders import NO_TOUCH, each, inner, touch_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SESSION_UNIT = timedelta(seconds=1)  # a session's number is its start, cut to the second
FIRST_GA4 = datetime(2019, 1, 1, tzinfo=UTC)  # no property of this kind is older
COLLECTED = {
    "utm_source": "manual_source",
    "utm_medium": "manual_medium",
    "utm_campaign": "manual_campaign_name",
    "utm_content": "manual_content",
    "utm_term": "manual_term",
}
LAST_CLICK = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "campaign_name",
    "utm_content": "content",
    "utm_term": "term",
}
PARAMS = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "campaign",
    "utm_content": "content",
    "utm_term": "term",
}
CLICK_IDS = ("gclid", "dclid")


@dataclass(frozen=True, slots=True)
class Event:
    """What of one event tells where a session came from; `touch` is None when it tells nothing."""

    at: datetime
    name: str
    visitor: str | None
    session: str | None
    page: str | None
    referrer: str | None
    touch: Mapping[str, Any] | None
    last_click: Mapping[str, Any] | None
    tells_collected: bool
    place: str

    @property
    def is_entry(self) -> bool:
        """Whether no page of the same site led here."""
        return self.name == "page_view" and _host(self.page) != _host(self.referrer)


@dataclass(slots=True)
class Session:
    """The first of what a session's events told, in the order of their times."""

    visitor: str | None
    number: str
    first_at: datetime
    page: tuple[datetime, str, str | None] | None = None
    touch: tuple[datetime, Mapping[str, Any]] | None = None
    last_click: Mapping[str, Any] | None = None
    has_start: bool = False
    tells_collected: bool = False
    line: int = 0

    def take(self, event: Event) -> None:
        self.first_at = min(self.first_at, event.at)
        if event.page and (self.page is None or event.at < self.page[0]):
            self.page = (event.at, event.page, event.referrer)
        if event.touch and (self.touch is None or event.at < self.touch[0]):
            self.touch = (event.at, event.touch)
        self.last_click = self.last_click or event.last_click
        self.has_start |= event.name == "session_start"
        self.tells_collected |= event.tells_collected

    @property
    def visit_id(self) -> str:
        return f"{self.visitor}.{self.number}" if self.visitor else self.number

    @property
    def began_at(self) -> datetime | None:
        """The start by the session's own number, which is a Unix time; None when it is none."""
        if not self.number.isdigit() or len(self.number) > 12:
            return None
        began = EPOCH + timedelta(seconds=int(self.number))
        return began if FIRST_GA4 < began <= self.first_at + timedelta(days=1) else None

    def is_tail(self, file_began_at: datetime) -> bool:
        """Whether it began before the file: an earlier one tells where it came from."""
        began = self.began_at
        return not self.has_start and began is not None and began < file_began_at - SESSION_UNIT

    @property
    def origin(self) -> dict[str, str | None]:
        """The touch: what was collected on the way in; the session's last click where an export
        has no column for what was collected. Never what once brought the user."""
        told = self.touch[1] if self.touch else {}
        if not told and not self.tells_collected:
            told = self.last_click or {}
        _, page, referrer = self.page or (None, None, None)
        return touch_of(told, page, referrer)


def read_event(cells: Mapping[str, Any]) -> Event:
    """Read one event of the BigQuery export; `ParsingFailedError` when it has no time or name."""
    try:
        at = EPOCH + timedelta(microseconds=int(cells["event_timestamp"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ParsingFailedError(
            "time_format", "event_timestamp: expected microseconds since 1970"
        ) from None
    params = params_of(cells.get("event_params"))
    collected = cells.get("collected_traffic_source")
    return Event(
        at=at,
        name=str(cells.get("event_name") or ""),
        visitor=_text(cells.get("user_pseudo_id")),
        session=_text(params.get("ga_session_id")),
        page=_text(params.get("page_location")),
        referrer=_text(params.get("page_referrer")),
        touch=_collected(collected, cells) or _named(params, PARAMS),
        last_click=_last_click(cells.get("session_traffic_source_last_click")),
        tells_collected="collected_traffic_source" in cells,
        place=f"{cells.get('stream_id')}|{cells.get('batch_event_index')}",
    )


def params_of(params: Any) -> dict[str, Any]:
    """Return event parameters by key, as BigQuery writes repeated fields to JSON and to Parquet."""
    name, holder = "event_params", {"event_params": params}
    if isinstance(params, Mapping):
        name, holder = "list", dict(params)
    found: dict[str, Any] = {}
    for item in each(holder, name):
        pair = next(
            (item[name] for name in ("element", "item") if _is_object(item.get(name))), item
        )
        told = (value for value in inner(pair, "value").values() if value is not None)
        found[str(pair.get("key"))] = next(told, None)
    return found


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def nobodys_number(event: Event) -> str:
    """Return what tells one page view of somebody who refused to be measured from every other."""
    told = f"{event.at.isoformat()}|{event.place}|{event.page}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def find_sessions(events: Iterator[tuple[int, Event]], skipped: dict[str, int]) -> list[Session]:
    """Gather events into sessions, in the order in which each was first seen.

    Who refused to be measured has neither browser nor session: each page view that no page of the
    same site led to is a visit of nobody, and what followed it is counted as skipped.
    """
    sessions: dict[tuple[str | None, str], Session] = {}
    for line, event in events:
        number = event.session
        if event.visitor is None or number is None:
            if not event.is_entry:
                skipped["event without a session"] = skipped.get("event without a session", 0) + 1
                continue
            number = nobodys_number(event)
        visitor = event.visitor if event.session else None
        session = sessions.get((visitor, number))
        if session is None:
            session = sessions[visitor, number] = Session(visitor, number, event.at, line=line)
        session.take(event)
    file_began_at = min((s.first_at for s in sessions.values()), default=EPOCH)
    whole = [s for s in sessions.values() if not s.is_tail(file_began_at)]
    if len(whole) < len(sessions):
        skipped["session begun in an earlier file"] = len(sessions) - len(whole)
    return whole


def _collected(collected: Any, cells: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not isinstance(collected, Mapping):
        return None
    named = _named(collected, COLLECTED)
    if named or not any(collected.get(name) for name in CLICK_IDS):
        return named
    # auto-tagged ads carry no utm fields; their campaign stands with the session's last click
    click = inner(cells, "session_traffic_source_last_click")
    campaign = inner(click, "google_ads_campaign").get("campaign_name")
    return {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": campaign}


def _last_click(click: Any) -> Mapping[str, Any] | None:
    manual = click.get("manual_campaign") if isinstance(click, Mapping) else None
    return _named(manual, LAST_CLICK) if isinstance(manual, Mapping) else None


def _named(told: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any] | None:
    found = {ours: told[theirs] for ours, theirs in names.items() if _says(told.get(theirs))}
    return found or None


def _says(value: Any) -> bool:
    return value is not None and str(value).strip().casefold() not in NO_TOUCH | {""}


def _host(address: str | None) -> str | None:
    try:
        return urlsplit(address).netloc.casefold() if address else None
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None
