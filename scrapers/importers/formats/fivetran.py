"""Tables that Fivetran lands of Facebook pages, Instagram and YouTube.

History tables hold every version of a row: an older one than was read already is passed over. Daily
and lifetime metrics keep their names, and what Meta took away is a column without a value. A Meta
day is printed as the instant at which it ends in California.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from lake.counters import parse_significant
from scrapers.errors import ParsingFailedError
from scrapers.importers import graph, youtube
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import (
    add_up,
    fans_of,
    gather_audience,
    gather_post,
    gathered,
    metrics,
)
from scrapers.importers.head import Head
from scrapers.importers.rows import Row

PACIFIC = ZoneInfo("America/Los_Angeles")
MEDIA_PREFIXES = ("carousel_album_", "video_photo_", "reel_", "story_", "video_views")
SUMMED = {
    "views": "view",
    "likes": "like",
    "dislikes": "dislike",
    "comments": "comment",
    "shares": "share",
    "subscribers_gained": "subscriber_gained",
    "subscribers_lost": "subscriber_lost",
    "red_views": "red_view",
    "videos_added_to_playlists": "playlist_added",
    "videos_removed_from_playlists": "playlist_removed",
}


@dataclass(frozen=True)
class Table:
    """One kind of table: the columns that tell it, the source, and what reads a row."""

    name: str
    source: str
    marks: frozenset[str]
    read: Callable[[Fields, Reading], Found | None]
    lands: str = "posts"


class Fivetran(Format):
    """Fivetran: Facebook pages, Instagram, YouTube."""

    name = "fivetran"

    def recognise(self, head: Head) -> Verdict:
        if "_fivetran_synced" not in head.columns:
            return Verdict.no("expected a column _fivetran_synced")
        table = table_of(head.columns)
        if table is None:
            return Verdict.no("Fivetran's columns, but no table of Facebook, Instagram or YouTube")
        return Verdict(Sureness.CERTAIN, f"the columns of {table.name}")

    def source_of(self, head: Head) -> str:
        table = table_of(head.columns)
        return table.source if table else self.described.sources[0]

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        table = table_of(row.cells.keys())
        if table is None:
            raise ParsingFailedError("unknown_record", "expected the columns of a known table")
        fields = Fields(row.cells)
        fields.take("source_relation")
        skipped_before = sum(reading.skipped.values())
        found = table.read(fields, reading)
        if found is not None:
            yield replace(found, raw=fields.left, unread=fields.unread)
        elif sum(reading.skipped.values()) == skipped_before:
            reading.note_unread(self.unknown(fields.unread))

    def close(self, reading: Reading) -> Iterator[Found]:
        yield from gathered(reading)

    def table_of(self, row: Row) -> str:
        table = table_of(row.cells.keys())
        return table.lands if table else "posts"


def table_of(columns: Any) -> Table | None:
    """Return the kind of a table with such columns."""
    return next((table for table in TABLES if table.marks <= set(columns)), None)


def _page(fields: Fields, reading: Reading) -> Found | None:
    if fields.flag("_fivetran_deleted"):
        reading.skip("deleted")
        return None
    return graph.read_page(fields, reading)


def _page_day(fields: Fields, reading: Reading) -> None:
    at, page = _day(fields), needed(fields.id("page_id"), "page_id")
    counters = metrics(fields, "page_")
    by_name = {counter["name"]: counter for counter in counters}
    fans = by_name.get("page_fans") or by_name.get("page_follows")
    gather_audience(reading, page, at, counters, source=graph.FACEBOOK, **fans_of(fans))


def _post(fields: Fields, reading: Reading) -> Found | None:
    if _is_older(fields, reading, "updated_time"):
        return None
    found = graph.read_post(fields)
    gone = bool(fields.flag("_fivetran_deleted"))
    return replace(found, record={**found.record, "is_deleted": gone})


def _post_metrics(fields: Fields, reading: Reading) -> None:
    post_id = needed(fields.id("post_id"), "post_id")
    if _is_older(fields, reading, "date", "post_id"):
        return
    gather_post(reading, post_id, metrics(fields, "post_"), source=graph.FACEBOOK)


def _media(fields: Fields, reading: Reading) -> Found | None:
    if fields.id("carousel_album_id"):
        reading.skip("parts of an album")
        return None
    if _is_older(fields, reading, "_fivetran_synced"):
        return None
    return graph.read_media(fields)


def _media_metrics(fields: Fields, reading: Reading) -> None:
    counters = fields.counters(like="like_count", comment="comment_count") or []
    counters += metrics(fields, *MEDIA_PREFIXES)
    post_id = needed(fields.id("id"), "id")
    gather_post(reading, post_id, counters, source=graph.INSTAGRAM)


def _account(fields: Fields, reading: Reading) -> Found | None:
    return graph.read_account(fields, reading)


def _channel_day(fields: Fields, reading: Reading) -> None:
    at, channel = _day(fields), needed(fields.id("channel_id"), "channel_id")
    told = {word: fields.counter(word, name)["lo"] for name, word in SUMMED.items()}
    amounts = {word: amount for word, amount in told.items() if amount is not None}
    add_up(reading, channel, at, amounts, source=youtube.YOUTUBE)


def _shares(fields: Fields, reading: Reading) -> None:
    fields.take(*fields.raw)
    reading.skip("shares of the audience")


def _video(fields: Fields, reading: Reading) -> Found | None:
    if _is_older(fields, reading, "_fivetran_synced"):
        return None
    video_id, channel = needed(fields.id("id"), "id"), fields.id("snippet_channel_id")
    published = graph.time_of(fields, "snippet_published_at")
    record = {
        "post_id": video_id,
        "kind": "post",
        "author": channel,
        "title_text": fields.text("snippet_title"),
        "body_text": fields.text("snippet_description"),
        "url": f"{youtube.WATCH}{video_id}",
        "tags": fields.tags("snippet_tags"),
        "counters": fields.counters(
            view="statistics_view_count",
            like="statistics_like_count",
            comment="statistics_comment_count",
        ),
        **timed("published", published),
    }
    return Found(
        table="posts", record=record, source=youtube.YOUTUBE, channel=channel, happened=published
    )


def _channel(fields: Fields, reading: Reading) -> Found | None:
    fans = fields.parsed(partial(parse_significant, "subscriber"), "statistics_subscriber_count")
    record = {
        "observed_at": graph.seen_at(fields, reading),
        "title": fields.text("snippet_title"),
        **fans_of(fans),
        "counters": fields.counters(view="statistics_view_count", post="statistics_video_count"),
    }
    return Found(table="channels", record=record, source=youtube.YOUTUBE, channel=fields.id("id"))


def _day(fields: Fields) -> datetime:
    """Return the instant of a day: as printed, or where a bare day begins in California."""
    zone = graph.UTC_ZONE if ":" in str(fields.raw.get("date")) else PACIFIC
    return needed(fields.instant(zone, "date"), "date").at


def _is_older(fields: Fields, reading: Reading, version: str, own_id_in: str = "id") -> bool:
    """Whether a newer version of this row was read before; counted, and passed over."""
    own_id, at = str(fields.raw.get(own_id_in)), graph.time_of(fields, version)
    newest = reading.memory.setdefault("newest", {})
    if at is None:
        return False
    if own_id in newest and at.at < newest[own_id]:
        reading.skip("older version")
        return True
    newest[own_id] = at.at
    return False


TABLES = (
    Table(
        "facebook_pages.daily_page_metrics_total",
        graph.FACEBOOK,
        frozenset({"date", "page_id", "page_post_engagements"}),
        _page_day,
        "channels",
    ),
    Table(
        "facebook_pages.lifetime_post_metrics_total",
        graph.FACEBOOK,
        frozenset({"date", "post_id", "post_clicks"}),
        _post_metrics,
    ),
    Table(
        "facebook_pages.post_history",
        graph.FACEBOOK,
        frozenset({"id", "created_time", "page_id", "message"}),
        _post,
    ),
    Table(
        "facebook_pages.page",
        graph.FACEBOOK,
        frozenset({"id", "fan_count", "category"}),
        _page,
        "channels",
    ),
    Table(
        "instagram_business.media_history",
        graph.INSTAGRAM,
        frozenset({"id", "caption", "created_time", "media_type"}),
        _media,
    ),
    Table(
        "instagram_business.media_insights",
        graph.INSTAGRAM,
        frozenset({"id", "like_count", "comment_count", "story_reach"}),
        _media_metrics,
    ),
    Table(
        "instagram_business.user_history",
        graph.INSTAGRAM,
        frozenset({"id", "followers_count", "media_count"}),
        _account,
        "channels",
    ),
    Table(
        "youtube_analytics.channel_basic",
        youtube.YOUTUBE,
        frozenset({"date", "channel_id", "views", "subscribers_gained"}),
        _channel_day,
        "channels",
    ),
    Table(
        "youtube_analytics.channel_demographics",
        youtube.YOUTUBE,
        frozenset({"channel_id", "age_group", "gender", "views_percentage"}),
        _shares,
        "channels",
    ),
    Table(
        "youtube_analytics.video",
        youtube.YOUTUBE,
        frozenset({"id", "snippet_channel_id", "snippet_title", "statistics_view_count"}),
        _video,
    ),
    Table(
        "youtube_analytics.channel",
        youtube.YOUTUBE,
        frozenset({"id", "snippet_title", "statistics_subscriber_count"}),
        _channel,
        "channels",
    ),
)
