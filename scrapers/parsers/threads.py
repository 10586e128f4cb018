"""Posts and replies of a Threads account as plain values."""

from __future__ import annotations

from datetime import UTC, datetime

from scrapers.parsers.json_record import JsonRecord

# Keys that name somebody; a permalink names its author. Handles are read before they are left out.
PEOPLE = frozenset({"username", "owner", "permalink", "threads_profile_picture_url"})
ACCOUNT = "id,username,name,threads_biography"
POST = (
    "id,media_product_type,media_type,permalink,owner,username,text,timestamp,shortcode,"
    "is_quote_post,quoted_post,reposted_post,has_replies,topic_tag"
)
REPLY = (
    "id,media_product_type,media_type,permalink,username,text,timestamp,shortcode,is_quote_post,"
    "has_replies,topic_tag,is_reply,is_reply_owned_by_me,root_post,replied_to,hide_status"
)
REPOST = "REPOST_FACADE"  # a repost: no word of its own, and nothing is told of it
FOLLOWERS = "followers_count"  # now, whatever time is asked for
DAY_TOTALS = ("views", "likes", "replies", "reposts", "quotes", "clicks")
POST_METRICS = ("views", "likes", "replies", "reposts", "quotes", "shares")
REPLIES = "replies"
FIRST_TOLD = datetime.fromtimestamp(1_712_991_600, UTC)  # 2024-04-13; an earlier day is refused


def address(item: JsonRecord, *, is_own: bool) -> str | None:
    """Return the permalink of the account's own post; anybody else's would name its author."""
    link = item.text("permalink")
    return link if is_own else None


def tags(item: JsonRecord) -> tuple[str, ...] | None:
    topic = item.text("topic_tag")
    return (topic,) if topic else None
