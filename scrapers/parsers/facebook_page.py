"""Posts and comments of a Facebook page as plain values."""

from __future__ import annotations

from typing import Any

from lake.counters import Counter, parse_counter
from scrapers.parsers.json_record import JsonRecord

# Keys that name somebody; the id in `from` is read before they are left out.
PEOPLE = frozenset({"from", "to", "message_tags", "story_tags", "with_tags", "description_tags"})
REACTIONS = ("LIKE", "LOVE", "CARE", "HAHA", "WOW", "SAD", "ANGRY")
PAGE = "id,name,username,fan_count,followers_count,link,category,verification_status"
POST = (
    "id,message,story,created_time,updated_time,permalink_url,status_type,is_published,shares,"
    "attachments{media_type,type,title,url,target},"
    "comments.limit(0).summary(true).filter(stream),"
    "reactions.limit(0).summary(total_count).as(r_total),"
) + ",".join(
    f"reactions.type({kind}).limit(0).summary(total_count).as(r_{kind.lower()})"
    for kind in REACTIONS
)
COMMENT = (
    "id,message,created_time,from,like_count,comment_count,parent{id},permalink_url,is_hidden,"
    "attachment"
)
# What lives in version 25.0 (autumn 2026); what was removed stands in the source's description.
DAY_METRICS = (
    "page_follows",
    "page_daily_follows",
    "page_daily_follows_unique",
    "page_daily_unfollows_unique",
    "page_post_engagements",
    "page_total_actions",
    "page_views_total",
    "page_video_views",
    "page_media_view",
    "page_total_media_view_unique",
    "page_actions_post_reactions_total",
)
POST_METRICS = (
    "post_clicks",
    "post_video_views",
    "post_media_view",
    "post_total_media_view_unique",
)
COMMENTS = "comments"


def post_counters(post: JsonRecord) -> tuple[Counter, ...]:
    """Return comments, shares, all reactions and those of each kind; shares are absent at 0.

    A page that shows no shares may as well hide them, so an absent number stays unknown.
    """
    return (
        parse_counter(COMMENTS, _total(post, "comments")),
        parse_counter("shares", post.take("shares.count")),
        parse_counter("reactions", _total(post, "r_total")),
        *(
            parse_counter(f"reactions.{kind}", _total(post, f"r_{kind.lower()}"))
            for kind in REACTIONS
        ),
    )


def comment_counters(comment: JsonRecord) -> tuple[Counter, ...]:
    return tuple(parse_counter(n, comment.take(n)) for n in ("like_count", "comment_count"))


def _total(post: JsonRecord, name: str) -> Any:
    """Return the total of a list of which no entry was asked for; all of it counts as read."""
    post.take(name)
    return post.take(f"{name}.summary.total_count")
