"""Statuses of Mastodon as plain values; counters are what the instance that was asked knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lake.counters import Counter, parse_counter
from lake.times import Instant, parse_rfc3339
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.markup import read_html

# Keys that name somebody; url and uri hold the author's name, and `content` is landed as text.
PEOPLE = frozenset(
    {
        *("account", "mentions", "in_reply_to_account_id", "uri", "url", "edited_by"),
        *("username", "acct", "display_name", "note", "avatar", "avatar_static", "header"),
        *("header_static", "avatar_description", "header_description"),
    }
)
COUNTERS = ("replies_count", "reblogs_count", "favourites_count", "quotes_count")
AUDIENCE = ("followers_count", "following_count", "statuses_count")
NO_ROBOTS = re.compile(r"#(?:<span>)?no(?:bot|index|archive)", re.I)


def shuns_robots(account: Any) -> bool:
    """Whether an account asks programs like this one to leave its posts alone."""
    if not isinstance(account, Mapping):
        return False
    is_closed = account.get("noindex") is True or account.get("indexable") is False
    return is_closed or NO_ROBOTS.search(str(account.get("note") or "")) is not None


def text(status: JsonRecord) -> str | None:
    """Return a status's words without its markup; emoji and mentions stay as written.

    Mastodon made paragraphs of what its author parted by an empty line.
    """
    markup = (status.text("content") or "").replace("</p><p>", "</p><br /><p>")
    return read_html(markup).text or None


def tags(status: JsonRecord) -> tuple[str, ...] | None:
    named = (tag.get("name") for tag in status.objects("tags") if isinstance(tag, Mapping))
    return tuple(str(name) for name in named if name) or None


def counters(status: JsonRecord) -> tuple[Counter, ...]:
    return tuple(parse_counter(name, status.take(name)) for name in COUNTERS)


def read_time(printed: str | None) -> Instant | None:
    return parse_rfc3339(printed) if printed else None
