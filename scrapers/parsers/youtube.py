"""Answers of the YouTube Data API v3 as plain values: videos, comments, channels, errors.

Statistics are decimal strings, and one that is hidden or switched off is not there at all. Times
are RFC 3339 in UTC, with or without milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lake.counters import Counter, parse_counter, parse_significant
from lake.times import Instant, parse_rfc3339
from scrapers.access.calls import Problem, Trouble
from scrapers.parsers.json_record import JsonRecord

# Keys that name a person; the channel's id of a commenter is read before they are left out.
PEOPLE = frozenset(
    {
        "authorDisplayName",
        "authorProfileImageUrl",
        "authorChannelUrl",
        "authorChannelId",
        "authorGoogleplusProfileUrl",
        "videoOwnerChannelTitle",
        "channelTitle",
    }
)
VIDEO_COUNTERS = ("viewCount", "likeCount", "commentCount")
TAG = re.compile(r"<[^<>]{0,300}>")
REASONS = {
    "commentsDisabled": Trouble.CLOSED,
    "quotaExceeded": Trouble.SPENT,
    "dailyLimitExceeded": Trouble.SPENT,
    "rateLimitExceeded": Trouble.LIMITED,
    "userRateLimitExceeded": Trouble.LIMITED,
    "videoNotFound": Trouble.GONE,
    "channelNotFound": Trouble.GONE,
    "playlistNotFound": Trouble.GONE,
    "commentNotFound": Trouble.GONE,
    "commentThreadNotFound": Trouble.GONE,
    "keyInvalid": Trouble.EXPIRED,
    "keyExpired": Trouble.EXPIRED,
    "API_KEY_INVALID": Trouble.EXPIRED,
    "API_KEY_SERVICE_BLOCKED": Trouble.EXPIRED,
    "SERVICE_DISABLED": Trouble.EXPIRED,
    "accessNotConfigured": Trouble.EXPIRED,
    "authError": Trouble.EXPIRED,
    "processingFailure": Trouble.TRANSIENT,
    "backendError": Trouble.TRANSIENT,
    "internalError": Trouble.TRANSIENT,
    "invalidPageToken": Trouble.TRANSIENT,
}

BY_CODE = {401: Trouble.EXPIRED, 404: Trouble.GONE, 429: Trouble.LIMITED}


def read_error(data: Any) -> Problem | None:
    """Return what an answer complains of, by the reason it gives; None when it does not."""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return None
    reasons = list(_reasons(error))
    kind = next((REASONS[r] for r in reasons if r in REASONS), None)
    code = error.get("code")
    if kind is None:
        number = code if isinstance(code, int) else 0
        kind = BY_CODE.get(number, Trouble.TRANSIENT if number >= 500 else Trouble.REFUSED)
    message = TAG.sub("", str(error.get("message") or "without a word"))
    return Problem(kind, reasons[0] if reasons else f"HTTP {code}", message)


def _reasons(error: dict[str, Any]) -> Iterator[str]:
    """Yield the reasons of an error, the particular ones of `details` first."""
    for name in ("details", "errors"):
        entries = error.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("reason"), str):
                yield entry["reason"]


def read_time(printed: str | None) -> Instant | None:
    return parse_rfc3339(printed) if printed else None


def video_counters(video: JsonRecord) -> tuple[Counter, ...]:
    """Return a video's statistics; one that is not shown is missing, never 0."""
    return tuple(parse_counter(n, video.take(f"statistics.{n}")) for n in VIDEO_COUNTERS)


def subscribers(channel: JsonRecord) -> Counter:
    """Return the subscriber count: three digits of it, or hidden."""
    if channel.take("statistics.hiddenSubscriberCount") is True:
        return parse_counter("subscriberCount", "hidden")
    printed = channel.take("statistics.subscriberCount")
    if printed is None:
        return parse_counter("subscriberCount", None)
    return parse_significant("subscriberCount", printed)
