"""Media and comments of an Instagram account as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lake.counters import Counter, parse_counter
from scrapers.parsers.json_record import JsonRecord

# Keys that name somebody; handles and ids are read before they are left out.
PEOPLE = frozenset({"username", "from", "owner", "user", "profile_picture_url"})
ACCOUNT = "id,username,name,biography,followers_count,follows_count,media_count,website"
MEDIA = (
    "id,caption,comments_count,like_count,media_type,media_product_type,permalink,shortcode,"
    "timestamp,username,is_comment_enabled"
)
OF_A_COMMENT = "id,text,timestamp,username,from,like_count,hidden,parent_id"
COMMENT = f"{OF_A_COMMENT},replies.limit(50){{{OF_A_COMMENT}}}"
# What lives in version 25.0 (autumn 2026); what was removed stands in the source's description.
DAY_TOTALS = (
    "views",
    "reach",
    "total_interactions",
    "accounts_engaged",
    "likes",
    "comments",
    "saves",
    "shares",
    "replies",
    "reposts",
    "profile_links_taps",
)
NEW_FOLLOWERS = "follower_count"  # told of the last thirty days alone
FOLLOWS = "follows_and_unfollows"  # told by kind of follow alone
COMMON = ("reach", "views", "likes", "comments", "saved", "shares", "total_interactions")
WATCHED = ("ig_reels_avg_watch_time", "ig_reels_video_view_total_time")
# By product, for a metric of another product fails the whole question.
METRICS = {
    "FEED": (*COMMON, "follows", "profile_visits"),
    "REELS": (*COMMON, *WATCHED),
}
COMMENTS = "comments_count"


def media_counters(media: JsonRecord) -> tuple[Counter, ...]:
    """Return likes and comments; likes are absent when the owner hides them."""
    return tuple(parse_counter(n, media.take(n)) for n in ("like_count", COMMENTS))


def comment_counters(comment: JsonRecord) -> tuple[Counter, ...]:
    return (parse_counter("like_count", comment.take("like_count")),)


def author(comment: JsonRecord) -> str | None:
    """Return the handle of who wrote it; it is the platform's name of a person everywhere."""
    by = comment.take("from")
    told = by.get("username") if isinstance(by, Mapping) else None
    return comment.text("username") or (str(told) if told else None)


def with_replies(comments: Any) -> Any:
    """Return comments, each followed by the replies inside it, as a flat list."""
    return list(_flat(comments)) if isinstance(comments, list) else comments


def _flat(comments: list[Any]) -> Iterator[Any]:
    for comment in comments:
        replies = replies_of(comment).get("data")
        if not isinstance(replies, list):
            yield comment
            continue
        yield {key: value for key, value in comment.items() if key != "replies"}
        for reply in replies:
            above = {"parent_id": comment.get("id")}
            yield {**above, **reply} if isinstance(reply, Mapping) else reply


def replies_of(comment: Any) -> Mapping[str, Any]:
    """Return the list of replies inside a comment, its paging with it; empty without one."""
    replies = comment.get("replies") if isinstance(comment, Mapping) else None
    return replies if isinstance(replies, Mapping) else {}
