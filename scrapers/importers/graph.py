"""Objects of Meta's Graph API, wherever they are found: in answers, or in tables made of them.

Facebook: posts, comments, pages; Instagram: media, comments, accounts; insights of both. A time
bears its offset without a colon; what is not counted is left out. https://developers.facebook.com
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from lake.times import Instant
from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Found, Reading
from scrapers.importers.gathering import fans_of, gather_audience, gather_post

FACEBOOK, INSTAGRAM = "facebook_page", "instagram"
UTC_ZONE = ZoneInfo("UTC")
POST_ID = re.compile(r"(\d{1,20})_(\d{1,20})")
COMMENT_LINK = re.compile(
    r"facebook\.com/(?P<page>\d+)/(?:posts|videos|photos)/(?:[^?]*?/)?(?P<post>\d+)/?\?.*?"
    r"comment_id=(?P<comment>\d+)(?:.*?reply_comment_id=(?P<reply>\d+))?"
)
POST_MARKS = {"message", "story", "status_type", "is_published", "permalink_url", "attachments"}
COMMENT_MARKS = {"comment_count", "like_count", "can_like", "can_reply_privately", "parent"}
PAGE_MARKS = {"fan_count", "followers_count", "talking_about_count"}
REACTIONS = {"like", "love", "care", "haha", "wow", "sad", "angry", "sorry", "anger", "thankful"}
MEDIA_MARKS = {"media_type", "media_product_type", "shortcode", "caption", "permalink"}


def kind_of(value: Mapping[str, Any]) -> str | None:
    """Say what of the Graph API an object is; None when it is a wrapping, or nothing known."""
    keys = value.keys()
    own_id = str(value.get("id") or "")
    if "name" in keys and keys & {"values", "total_value"} and keys & {"period", "title"}:
        return "insight"
    if "created_time" in keys:
        return _facebook_kind(value, own_id)
    if "timestamp" in keys and keys & MEDIA_MARKS:
        return "media"
    if keys >= {"id", "text", "timestamp"} or keys >= {"id", "text", "like_count", "username"}:
        return "media_comment"
    if keys & {"media_count", "follows_count"} and "id" in keys:
        return "account"
    return "page" if keys & PAGE_MARKS and "id" in keys else None


def _facebook_kind(value: Mapping[str, Any], own_id: str) -> str | None:
    keys = value.keys()
    link = str(value.get("permalink_url") or "")
    if "comment_id=" in link or (keys & COMMENT_MARKS and "status_type" not in keys):
        return "comment"
    return "post" if POST_ID.fullmatch(own_id) and keys & POST_MARKS else None


def inner_of(kind: str, piece: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the comments and answers that a record has inside it, told whose they are."""
    listed = {"post": "comments", "comment": "comments", "media": "comments"}.get(kind, "replies")
    inside = piece.get(listed)
    data = inside.get("data") if isinstance(inside, Mapping) else None
    answer = "comment" if kind in ("post", "comment") else "media_comment"
    above = {"_root": piece.get("_root") or piece.get("id"), "_above": piece.get("id")}
    for one in data if isinstance(data, list) else ():
        if isinstance(one, dict) and one.get("id"):
            told = {**above, "_channel": _channel_of(piece), **one}
            yield answer, told
            yield from inner_of(answer, told)


def read(kind: str, fields: Fields, reading: Reading) -> Iterator[Found]:
    """Yield the record of an object; insights are gathered."""
    if kind == "insight":
        _gather_insight(fields, reading)
        return
    found = _READERS[kind](fields) if kind in _READERS else _AUDIENCES[kind](fields, reading)
    yield replace(found, raw=fields.left, unread=fields.unread)


def read_post(fields: Fields) -> Found:
    post_id = needed(fields.id("id"), "id")
    published, updated = time_of(fields, "created_time"), time_of(fields, "updated_time")
    link = fields.text("permalink_url")
    record = {
        "post_id": post_id,
        "kind": "post",
        "parent_id": fields.id("parent_id"),
        "author": _from(fields)
        or (post_id.partition("_")[0] if "from" not in fields.raw else None),
        "body_text": fields.text("message", "story"),
        "url": link,
        "tags": [kind] if (kind := fields.word("status_type")) else None,
        "edited_at": updated.at if updated and published and updated.at > published.at else None,
        "counters": list({c["name"]: c for c in _post_counters(fields)}.values()),
        **timed("published", published),
    }
    channel = fields.id("page_id") or post_id.partition("_")[0]
    return Found(table="posts", record=record, source=FACEBOOK, channel=channel, happened=published)


def read_comment(fields: Fields) -> Found:
    told = COMMENT_LINK.search(fields.text("permalink_url") or "")
    published = time_of(fields, "created_time")
    own_id = fields.id("id") or (
        f"{told['post']}_{told['reply'] or told['comment']}" if told else None
    )
    root = fields.id("_root") or (f"{told['page']}_{told['post']}" if told else None)
    above = fields.inner("parent").id("id") or fields.id("_above")
    if above is None and told and told["reply"]:
        above = f"{told['post']}_{told['comment']}"
    record = {
        "post_id": needed(own_id, "id"),
        "kind": "comment",
        "parent_id": above or root,
        "root_id": root,
        "author": _from(fields),
        "body_text": fields.text("message"),
        "url": fields.text("permalink_url"),
        "counters": fields.counters(like="like_count", comment="comment_count"),
        **timed("published", published),
    }
    fields.take("comments")
    channel = fields.id("_channel") or (told["page"] if told else None)
    return Found(table="posts", record=record, source=FACEBOOK, channel=channel)


def read_page(fields: Fields, reading: Reading) -> Found:
    fans = fields.counters(fan="fan_count") or fields.counters(follower="followers_count")
    counters = fields.counters(
        follower="followers_count",
        talking_about="talking_about_count",
        checkin="checkins",
        were_here="were_here_count",
        rating="rating_count",
    )
    record = {
        "observed_at": seen_at(fields, reading),
        "title": fields.text("name"),
        **fans_of(fans[0] if fans else None),
        "counters": counters,
    }
    return Found(table="channels", record=record, source=FACEBOOK, channel=fields.id("id"))


def read_media(fields: Fields) -> Found:
    published = time_of(fields, "timestamp", "created_time")
    owner = fields.inner("owner").id("id")
    account = fields.id("business_account_id", "user_id") or owner
    kinds = [fields.word("media_type"), fields.word("media_product_type")]
    record = {
        "post_id": needed(fields.id("id"), "id"),
        "kind": "post",
        "author": account,
        "body_text": fields.text("caption"),
        "url": fields.text("permalink"),
        "tags": [kind for kind in kinds if kind] or None,
        "counters": fields.counters(like="like_count", comment=("comments_count", "comment_count")),
        **timed("published", published),
    }
    fields.take("comments", "children")
    return Found(
        table="posts", record=record, source=INSTAGRAM, channel=account, happened=published
    )


def read_media_comment(fields: Fields) -> Found:
    published = time_of(fields, "timestamp")
    root = fields.id("_root") or fields.inner("media").id("id")
    above = fields.id("parent_id") or fields.id("_above") or root
    record = {
        "post_id": needed(fields.id("id"), "id"),
        "kind": "comment",
        "parent_id": above,
        "root_id": root,
        "author": _from(fields) or fields.inner("user").id("id"),
        "body_text": fields.text("text"),
        "counters": fields.counters(like="like_count"),
        **timed("published", published),
    }
    fields.take("replies")
    return Found(table="posts", record=record, source=INSTAGRAM, channel=fields.id("_channel"))


def read_account(fields: Fields, reading: Reading) -> Found:
    fans = fields.counters(follower="followers_count")
    record = {
        "observed_at": seen_at(fields, reading),
        "title": fields.text("name") or fields.text("username"),
        **fans_of(fans[0] if fans else None),
        "counters": fields.counters(following="follows_count", post="media_count"),
    }
    return Found(table="channels", record=record, source=INSTAGRAM, channel=fields.id("id"))


def _gather_insight(fields: Fields, reading: Reading) -> None:
    name, about = needed(fields.word("name"), "name"), fields.text("id") or ""
    owner = about.partition("/")[0] or fields.id("page_id", "business_account_id") or ""
    values = fields.each("values") or [fields.inner("total_value")]
    for value in values:
        at, counters = time_of(value, "end_time"), list(_insight_counters(name, value))
        if POST_ID.fullmatch(owner):
            gather_post(reading, owner, counters, source=FACEBOOK)
        elif at is not None and counters:
            fans = next((c for c in counters if c["name"] in ("page_fans", "page_follows")), None)
            gather_audience(
                reading, owner or None, at.at, counters, source=reading.source, **fans_of(fans)
            )
        elif counters:
            gather_post(reading, owner, counters, source=INSTAGRAM)


def _insight_counters(name: str, value: Fields) -> Iterator[dict[str, Any]]:
    found = value.take("value")
    if isinstance(found, Mapping):
        parts = Fields(found, f"{name}.")
        yield from (dict(parts.counter(f"{name}.{part}", part)) for part in found)
    elif found is not None:
        yield dict(value.counter(name, "value"))


def _post_counters(fields: Fields) -> Iterator[dict[str, Any]]:
    shares = fields.inner("shares")
    if shares.raw:
        yield dict(shares.counter("share", "count"))
    for name, word in (("comments", "comment"), ("reactions", "reaction"), ("likes", "like")):
        summary = fields.inner(name).inner("summary")
        if "total_count" in summary.raw:
            yield dict(summary.counter(word, "total_count"))
    for name in [n for n in fields.raw if n.startswith("r_") or n in REACTIONS]:
        summary = fields.inner(name).inner("summary")
        if "total_count" in summary.raw:
            word = "reaction" if name == "r_total" else name.removeprefix("r_")
            yield dict(summary.counter(word, "total_count"))
    if "share_count" in fields.raw:
        yield dict(fields.counter("share", "share_count"))


def _from(fields: Fields) -> str | None:
    return fields.inner("from").id("id")


def _channel_of(piece: Mapping[str, Any]) -> str | None:
    own = POST_ID.fullmatch(str(piece.get("id") or ""))
    given = piece.get("_channel") or piece.get("page_id") or piece.get("business_account_id")
    return str(given) if given else own[1] if own and "_root" not in piece else None


def time_of(fields: Fields, *names: str) -> Instant | None:
    """Return a time, which bears its offset or is UTC."""
    return fields.instant(UTC_ZONE, *names)


def seen_at(fields: Fields, reading: Reading) -> Any:
    """Return when something was looked at, as the tool that did says; else the file."""
    seen = time_of(fields, "_airbyte_extracted_at", "_fivetran_synced")
    return seen.at if seen else reading.saved_at


_READERS: dict[str, Callable[[Fields], Found]] = {
    "post": read_post,
    "comment": read_comment,
    "media": read_media,
    "media_comment": read_media_comment,
}
_AUDIENCES: dict[str, Callable[[Fields, Reading], Found]] = {
    "page": read_page,
    "account": read_account,
}


def explain_error(cells: Mapping[str, Any]) -> ParsingFailedError | None:
    """Return what an answer that is an error says."""
    error = cells.get("error")
    if not isinstance(error, Mapping):
        return None
    return ParsingFailedError("error_answer", f"expected data, found {error.get('message')!s:.200}")
