"""GA4's BigQuery export, extracted to JSON lines or Parquet: events become sessions.

The last days of an export are rewritten for days afterwards and loaded again: a session keeps its
id, so what is told of it later replaces what was told before, and nothing doubles.
"""

from __future__ import annotations

from collections.abc import Iterator

from lake.schemas import Precision
from lake.times import Instant
from scrapers.errors import ParsingFailedError
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.importers.sessions import Event, Session, find_sessions, read_event


class Ga4(Format):
    """`analytics_<property>.events_<day>`, as `bq extract` writes it."""

    name = "ga4"
    kept = frozenset()

    def recognise(self, head: Head) -> Verdict:
        if head.has("event_timestamp", "event_name", "event_params"):
            return Verdict(Sureness.CERTAIN, "events with event_timestamp and event_params")
        return Verdict.no("no events with event_timestamp, event_name and event_params")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield the sessions of the file, after what could not be read of it."""
        unread: list[Row] = []
        sessions = find_sessions(_events(head, skipped, unread), skipped)
        yield from unread
        for session in sessions:
            yield Row(session.line, {"session": session})

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        del reading
        session: Session = row.cells["session"]
        happened = Instant(session.first_at, Precision.SECOND, session.first_at.isoformat())
        record = {
            "visit_id": session.visit_id,
            "visitor": session.visitor,
            "occurred_at": session.first_at,
            **session.origin,
        }
        # made of the browser's id, so it lands as a pseudonym of the visit
        yield Found(table="visits", record=record, happened=happened, keyed=frozenset({"visit_id"}))


def _events(head: Head, skipped: dict[str, int], unread: list[Row]) -> Iterator[tuple[int, Event]]:
    for row in read_items(head, skipped):
        if row.problem:
            unread.append(row)
            continue
        try:
            yield row.line, read_event(row.cells)
        except ParsingFailedError as error:
            unread.append(Row(row.line, {}, (error.rule, str(error))))
