"""Posts of Bluesky's AppView as plain values.

A post is named by the last part of its at:// address, which no other post of a channel bears; the
rest of the address is its author's id and stays out of every name. Facets count in bytes of UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lake.counters import Counter, parse_counter
from lake.times import Instant, TimeFormatError, parse_rfc3339
from scrapers.access.calls import Trouble
from scrapers.parsers.json_record import JsonRecord

# Keys that name somebody; at:// addresses and mentions do, too.
PEOPLE = frozenset({"author", "by", "did", "handle", "displayName", "avatar", "uri", "grantedBy"})
COUNTERS = ("replyCount", "repostCount", "likeCount", "quoteCount", "bookmarkCount")
AUDIENCE = ("followersCount", "followsCount", "postsCount")
ONLY_LOGGED_IN = "!no-unauthenticated"
THREAD_GONE = frozenset({"app.bsky.feed.defs#notFoundPost", "app.bsky.feed.defs#blockedPost"})
KINDS = {
    "NotFound": Trouble.GONE,
    "UnknownFeed": Trouble.GONE,
    "AuthMissing": Trouble.EXPIRED,
    "AuthenticationRequired": Trouble.EXPIRED,
    "ExpiredToken": Trouble.EXPIRED,
    "InvalidToken": Trouble.EXPIRED,
    "RateLimitExceeded": Trouble.LIMITED,
    "UpstreamFailure": Trouble.TRANSIENT,
    "UpstreamTimeout": Trouble.TRANSIENT,
    "NotEnoughResources": Trouble.TRANSIENT,
}


def name_in(uri: str) -> str:
    """Return the last part of an at:// address."""
    return uri.rstrip("/").rpartition("/")[2]


def is_hidden(author: Any) -> bool:
    """Whether an author asks not to be shown to anybody who is not logged in."""
    labels = author.get("labels") if isinstance(author, Mapping) else None
    values = (label.get("val") for label in labels or () if isinstance(label, Mapping))
    return ONLY_LOGGED_IN in values


def published(post: JsonRecord) -> Instant | None:
    """Return when a post was published: its author's clock, unless that runs ahead of the server's.

    The AppView sorts by the same rule.
    """
    said = read_time(post.text("record.createdAt"))
    seen = read_time(post.text("indexedAt"))
    if said is None or seen is None:
        return said or seen
    return said if said.at <= seen.at else Instant(seen.at, seen.precision, said.raw)


def read_time(printed: str | None) -> Instant | None:
    """Read a time that a stranger's program wrote; None when it is none."""
    try:
        return parse_rfc3339(printed) if printed else None
    except TimeFormatError:
        return None


def tags(post: JsonRecord) -> tuple[str, ...] | None:
    """Return the hashtags of a post: of its text by its facets, and beside it."""
    beside = [str(tag) for tag in post.objects("record.tags")]
    marked = [str(f["tag"]) for f in _features(post.objects("record.facets")) if "tag" in f]
    return tuple(dict.fromkeys([*marked, *beside])) or None


def shown(text: str, facet: Mapping[str, Any]) -> str:
    """Return the words that a facet stands on; its offsets are bytes of UTF-8."""
    index = facet["index"]
    return text.encode()[index["byteStart"] : index["byteEnd"]].decode("utf-8", "replace")


def _features(facets: list[Any]) -> Iterator[Mapping[str, Any]]:
    for facet in facets:
        features = facet.get("features") if isinstance(facet, Mapping) else None
        yield from (f for f in features or () if isinstance(f, Mapping))


def counters(post: JsonRecord) -> tuple[Counter, ...]:
    return tuple(parse_counter(name, post.take(name)) for name in COUNTERS)


def replies(thread: Any) -> Iterator[Any]:
    """Yield the posts below the root of a thread, however deep they nest."""
    waiting = [thread]
    while waiting:
        node = waiting.pop()
        below = node.get("replies") if isinstance(node, Mapping) else None
        for reply in below or ():
            if isinstance(reply, Mapping) and reply.get("$type") not in THREAD_GONE:
                waiting.append(reply)
                if "post" in reply:
                    yield reply["post"]
