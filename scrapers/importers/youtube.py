"""Objects of YouTube's Data API, wherever they are found. Statistics are texts, or left out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from lake.counters import parse_significant
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Found, Reading
from scrapers.importers.gathering import fans_of
from scrapers.importers.graph import seen_at

YOUTUBE = "youtube"
UTC_ZONE = ZoneInfo("UTC")
WATCH = "https://www.youtube.com/watch?v="


def kind_of(value: Mapping[str, Any]) -> str | None:
    """Say what of YouTube an object is: video, channel, thread or comment."""
    snippet, statistics = value.get("snippet"), value.get("statistics")
    if not isinstance(snippet, Mapping):
        return None
    if "topLevelComment" in snippet:
        return "thread"
    if "textOriginal" in snippet or "textDisplay" in snippet:
        return "reply"
    if isinstance(statistics, Mapping) and "subscriberCount" in statistics:
        return "channel"
    return "video" if "channelId" in snippet and "title" in snippet else None


def read_video(fields: Fields) -> Found:
    snippet, statistics = fields.inner("snippet"), fields.inner("statistics")
    video_id = needed(fields.id("id"), "id")
    published = snippet.instant(UTC_ZONE, "publishedAt")
    channel = snippet.id("channelId")
    record = {
        "post_id": video_id,
        "kind": "post",
        "author": channel,
        "title_text": snippet.text("title"),
        "body_text": snippet.text("description"),
        "url": f"{WATCH}{video_id}",
        "tags": snippet.tags("tags"),
        "counters": statistics.counters(view="viewCount", like="likeCount", comment="commentCount"),
        **timed("published", published),
    }
    return Found(table="posts", record=record, source=YOUTUBE, channel=channel, happened=published)


def read_comment(fields: Fields) -> Found:
    snippet = fields.inner("snippet")
    comment_id = needed(fields.id("id"), "id")
    published, updated = (snippet.instant(UTC_ZONE, n) for n in ("publishedAt", "updatedAt"))
    video_id, above = snippet.id("videoId"), snippet.id("parentId")
    if above is None and "." in comment_id:
        above = comment_id.partition(".")[0]
    is_edited = updated is not None and published is not None and updated.at > published.at
    record = {
        "post_id": comment_id,
        "kind": "comment",
        "parent_id": above or video_id,
        "root_id": video_id,
        "author": snippet.inner("authorChannelId").id("value"),
        "body_text": snippet.text("textOriginal", "textDisplay"),
        "url": f"{WATCH}{video_id}&lc={comment_id}" if video_id else None,
        "counters": snippet.counters(like="likeCount"),
        "edited_at": updated.at if is_edited and updated else None,
        **timed("published", published),
    }
    return Found(table="posts", record=record, source=YOUTUBE, channel=snippet.id("channelId"))


def read_channel(fields: Fields, reading: Reading) -> Found:
    snippet, statistics = fields.inner("snippet"), fields.inner("statistics")
    fans = statistics.parsed(partial(parse_significant, "subscriber"), "subscriberCount")
    record = {
        "observed_at": seen_at(fields, reading),
        "title": snippet.text("title"),
        **fans_of(fans),
        "counters": statistics.counters(view="viewCount", post="videoCount"),
    }
    return Found(table="channels", record=record, source=YOUTUBE, channel=fields.id("id"))
