"""Post data and page data as Facebook's Page Insights exported them before Business Suite.

Below the header stands a line that explains the columns. Metrics keep their names, for reach and
impressions of then are not the views of now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import fans_of, gather_audience, gathered, metrics
from scrapers.importers.graph import FACEBOOK
from scrapers.importers.head import Head
from scrapers.importers.meta_times import read_meta_time
from scrapers.importers.rows import Row

POST = frozenset({"post id", "post message", "posted"})
SPANS = ("lifetime", "daily", "weekly", "28 days")
FANS = "lifetime total likes"


class FacebookInsights(Format):
    """Facebook Page Insights: posts, or a page day by day."""

    name = "facebook_insights"

    def recognise(self, head: Head) -> Verdict:
        if not head.is_table:
            return Verdict.no("expected a table")
        if head.columns >= POST:
            return Verdict(Sureness.CERTAIN, "Post ID, Post Message and Posted")
        if "date" in head.columns and any(c.startswith(SPANS) for c in head.columns):
            return Verdict(Sureness.CERTAIN, "Date, and metrics of a page")
        return Verdict.no("expected Post ID, Post Message, Posted; or Date and metrics")

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        if _explains(row):
            reading.skip("explanation")
        elif "post id" in row.cells:
            found = _post(fields, reading)
            yield replace(found, raw=fields.left, unread=fields.unread)
        else:
            _gather_day(fields, reading)
            reading.note_unread(self.unknown(fields.unread))

    def close(self, reading: Reading) -> Iterator[Found]:
        yield from gathered(reading)

    def table_of(self, row: Row) -> str:
        return "posts" if "post id" in row.cells else "channels"


def _explains(row: Row) -> bool:
    """Whether this is the line below the header: words where numbers stand."""
    has_key = row.cells.get("post id") or row.cells.get("date")
    return not has_key and any(str(v or "")[:1].isalpha() for v in row.cells.values())


def _post(fields: Fields, reading: Reading) -> Found:
    post_id = needed(fields.id("post id"), "post id")
    page = post_id.partition("_")[0] if "_" in post_id else None
    published = read_meta_time(fields, reading, "posted")
    record = {
        "post_id": post_id,
        "kind": "post",
        "author": page,
        "body_text": fields.text("post message"),
        "url": fields.text("permalink"),
        "tags": fields.tags("type"),
        "counters": metrics(fields, *SPANS),
        **timed("published", published),
    }
    return Found(table="posts", record=record, source=FACEBOOK, channel=page, happened=published)


def _gather_day(fields: Fields, reading: Reading) -> None:
    day = needed(read_meta_time(fields, reading, "date"), "date")
    counters = metrics(fields, *SPANS)
    fans = next((counter for counter in counters if counter["name"] == FANS), None)
    gather_audience(reading, None, day.at, counters, **fans_of(fans))
