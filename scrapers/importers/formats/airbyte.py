"""Tables that Airbyte lands of Facebook pages, Instagram and YouTube.

A row is an object of the platform's API, nested parts as JSON; `_airbyte_extracted_at` says when it
was seen. Older tables hold the object in `_airbyte_data`. Metrics have rows of their own and are
put together; what Meta took away are columns without a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scrapers.errors import ParsingFailedError
from scrapers.importers import graph, youtube
from scrapers.importers.fields import Fields, needed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import (
    fans_of,
    gather_audience,
    gather_post,
    gathered,
    metrics,
    unpacked,
)
from scrapers.importers.head import Head
from scrapers.importers.rows import Row

MARKS = ("_airbyte_extracted_at", "_airbyte_emitted_at")
MEDIA_METRICS = frozenset({"reach", "saved", "views", "total_interactions", "impressions"})
DAILY_METRICS = frozenset({"reach", "follower_count", "online_followers", "impressions"})


class Airbyte(Format):
    """Airbyte: Facebook pages, Instagram, YouTube."""

    name = "airbyte"

    def recognise(self, head: Head) -> Verdict:
        if not head.columns & {*MARKS, "_airbyte_data"}:
            return Verdict.no(f"expected a column {' or '.join(MARKS)}")
        kinds = sorted({kind for kind in map(_kind_of_sample, head.samples) if kind})
        if kinds:
            return Verdict(Sureness.CERTAIN, f"Airbyte's columns, and {', '.join(kinds)}")
        if head.samples:
            return Verdict.no("Airbyte's columns, but no stream of Facebook, Instagram or YouTube")
        return Verdict(Sureness.LIKELY, "Airbyte's columns")

    def source_of(self, head: Head) -> str:
        kinds = {kind for kind in map(_kind_of_sample, head.samples) if kind}
        if kinds & {"media", "media_comment", "account", "media_metrics", "daily_metrics"}:
            return graph.INSTAGRAM
        if kinds & {"video", "thread", "reply", "channel"}:
            return youtube.YOUTUBE
        return graph.FACEBOOK

    def explode(self, row: Row) -> Iterator[Row]:
        """Yield the object of a row, and the comments inside it."""
        cells = _object_of(row.cells)
        kind = _kind_of(cells) or ""
        if kind == "thread":
            replies = cells.get("replies")
            inner = replies.get("comments") if isinstance(replies, dict) else None
            listed = [
                cells["snippet"]["topLevelComment"],
                *(inner if isinstance(inner, list) else ()),
            ]
            yield from (Row(row.line, one, part="reply") for one in listed if isinstance(one, dict))
            return
        yield Row(row.line, cells, part=kind)
        for inner_kind, inner in graph.inner_of(kind, cells):
            yield Row(row.line, inner, part=inner_kind)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        match row.part:
            case "video" | "reply":
                read = youtube.read_video if row.part == "video" else youtube.read_comment
                found = read(fields)
                yield replace(found, raw=fields.left, unread=fields.unread)
            case "channel":
                found = youtube.read_channel(fields, reading)
                yield replace(found, unread=fields.unread)
            case "media_metrics":
                self._media_metrics(fields, reading)
            case "daily_metrics":
                self._daily_metrics(fields, reading)
            case "audience":
                reading.skip("audience breakdown")
            case "":
                keys = ", ".join(sorted(row.cells)[:15])
                raise ParsingFailedError("unknown_record", f"expected a known stream, found {keys}")
            case kind:
                yield from graph.read(kind, fields, reading)

    def close(self, reading: Reading) -> Iterator[Found]:
        yield from gathered(reading)

    def table_of(self, row: Row) -> str:
        is_audience = row.part in ("page", "account", "channel", "daily_metrics", "insight")
        return "channels" if is_audience else "posts"

    def _media_metrics(self, fields: Fields, reading: Reading) -> None:
        post_id = needed(fields.id("id"), "id")
        fields.take("business_account_id", "page_id", *MARKS)
        gather_post(reading, post_id, metrics(fields, ""), source=graph.INSTAGRAM)

    def _daily_metrics(self, fields: Fields, reading: Reading) -> None:
        at = needed(graph.time_of(fields, "date"), "date").at
        account = fields.id("business_account_id")
        fields.take("page_id", *MARKS)
        counters = metrics(fields, "")
        gather_audience(reading, account, at, counters, source=graph.INSTAGRAM, **fans_of(None))


def _object_of(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object of a row: without the columns of a landing table, JSON as JSON."""
    data = unpacked(cells.get("_airbyte_data"))
    told = {**cells, **data} if isinstance(data, dict) else dict(cells)
    told.pop("_airbyte_data", None)
    read = {name: unpacked(value) for name, value in told.items() if value not in (None, "")}
    return {n: v for n, v in read.items() if not n.startswith("_airbyte_") or n in MARKS}


def _kind_of_sample(sample: Mapping[str, Any]) -> str | None:
    return _kind_of(_object_of(sample))


def _kind_of(cells: Mapping[str, Any]) -> str | None:
    """Say which stream an object is of; metrics first, for their rows look like what they count."""
    keys = cells.keys()
    if keys >= {"metric", "breakdown"}:
        return "audience"
    if "date" in keys and "business_account_id" in keys and keys & DAILY_METRICS:
        return "daily_metrics"
    is_bare = not keys & {"timestamp", "caption", "media_type", "permalink"}
    if "id" in keys and is_bare and keys & MEDIA_METRICS:
        return "media_metrics"
    return graph.kind_of(cells) or youtube.kind_of(cells)
