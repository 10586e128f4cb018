"""Posts and comments of WordPress as plain values: by REST (`wp/v2`), or as its feeds print them.

https://developer.wordpress.org/rest-api/reference/posts/ and …/comments/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lake.times import Instant, TimeFormatError, parse_rfc2822, parse_rfc3339, parse_time
from scrapers.parsers.feed_document import Entry
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.markup import cut_reply_head, plain_title, read_html

# Keys that name somebody; `_links` holds the author's number, avatars hold a hash of an address.
PEOPLE = frozenset(
    {
        *("author", "author_name", "author_url", "author_avatar_urls", "author_email"),
        *("author_ip", "author_user_agent", "_links", "_embedded", "yoast_head"),
        *("yoast_head_json", "coauthors", "authors"),
    }
)
# What is asked for, so that no hash of an address and no markup for machines comes at all.
POST_FIELDS = (
    *("id", "date", "date_gmt", "guid", "modified", "modified_gmt", "status", "type", "link"),
    *("title", "content", "author", "format", "sticky"),
)
COMMENT_FIELDS = (
    *("id", "post", "parent", "author", "author_name", "date", "date_gmt", "content", "link"),
    *("status", "type"),
)
SITE_FIELDS = ("name", "home", "gmt_offset", "timezone_string")
PINGS = frozenset({"pingback", "trackback"})  # another site's machine says that it links here
NO_TIME = re.compile(r"0000|-")
POST_NUMBER = re.compile(r"[?&]p=(\d+)")
COMMENT_NUMBER = re.compile(r"#comment-(\d+)")


class Said(NamedTuple):
    """What an entry of a feed says: who answers whom, and the words."""

    author: str | None
    title: str | None
    body: str | None
    answers: str | None
    published: Instant | None


def post_id(number: object) -> str:
    """Name a post; comments count from 1 as well, so the kind belongs to the name."""
    return f"post-{number}"


def comment_id(number: object) -> str:
    """Name a comment by its anchor in the page."""
    return f"comment-{number}"


def author(record: JsonRecord) -> str | None:
    """Return the number of a registered author, or else the name that a guest typed.

    A guest whose name is a number is told from the user of that number.
    """
    number, name = record.find_id("author"), record.text("author_name")
    if number not in (None, "0"):
        return number
    return guest(name)


def guest(name: str | None) -> str | None:
    """Return the identity of somebody who is known by a name alone."""
    plain = plain_title(name or "")
    return f"guest {plain}" if plain.isdecimal() else plain or None


def site_zone(site: JsonRecord, otherwise: str) -> tzinfo:
    """Return the zone in which a site writes its times without an offset."""
    name, offset = site.take("timezone_string"), site.take("gmt_offset")
    try:
        if name:
            return ZoneInfo(str(name))
        if offset not in (None, ""):
            return timezone(timedelta(hours=float(offset)))
    except (KeyError, TypeError, ValueError, OSError, OverflowError):
        pass
    return ZoneInfo(otherwise)


def read_time(record: JsonRecord, name: str, zone: tzinfo) -> Instant | None:
    """Read `<name>_gmt`, and where a migration left it blank the local time, marked inferred."""
    gmt, local = record.text(f"{name}_gmt"), record.text(name)
    if gmt and not NO_TIME.match(gmt):
        return parse_rfc3339(gmt, UTC)
    if local and not NO_TIME.match(local):
        return parse_rfc2822(local, zone)
    return None


def text(record: JsonRecord, name: str) -> str | None:
    """Return the words of `<name>.rendered`; a protected text is not shown and so unknown."""
    rendered = record.take(f"{name}.rendered")
    return read_html(rendered).text or None if isinstance(rendered, str) else None


def title(record: JsonRecord) -> str | None:
    rendered = record.text("title.rendered")
    return plain_title(rendered) or None if rendered else None


def number_of_entry(entry: Entry, pattern: re.Pattern[str]) -> str | None:
    """Return WordPress's own number of what a feed shows, from its guid or link."""
    found = (pattern.search(name) for name in (entry.guid, entry.link) if name)
    return next((match[1] for match in found if match), None)


def read_entry(entry: Entry, zone: tzinfo) -> Said:
    """Read an entry of a feed of posts or comments."""
    content, answered = cut_reply_head(entry.content or "")
    number = COMMENT_NUMBER.search(answered or "")
    return Said(
        author=guest(entry.author),
        title=plain_title(entry.title or "") or None,
        body=read_html(content).text or None,
        answers=comment_id(number[1]) if number else None,
        published=printed_time(entry.published_raw, zone),
    )


def printed_time(printed: str | None, zone: tzinfo) -> Instant | None:
    """Read a time of any format that feeds and sitemaps use; None when it is none."""
    for read in (parse_rfc2822, parse_time):
        try:
            return read(printed or "", zone)
        except TimeFormatError:
            continue
    return None


def error_code(data: Any) -> str | None:
    """Return the code of an answer that is an error: `{"code": "rest_no_route", …}`."""
    if isinstance(data, Mapping) and "code" in data and ("message" in data or "data" in data):
        return str(data["code"])
    return None
