"""Posts as 4CAT exports them to CSV: one table a platform, with columns that all have.

`timestamp` is in the server's own zone and says not which, so `unix_timestamp` is taken. What was
not shown is empty, and named in `missing_fields`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.rows import Row

UTC_ZONE = ZoneInfo("UTC")
COMMON = frozenset({"id", "thread_id", "body", "unix_timestamp"})
COUNTERS = {
    "like": ("likes", "num_likes", "digg_count"),
    "comment": ("comments", "num_comments", "comment_count", "replies"),
    "share": ("shares", "share_count"),
    "collection": ("collects", "collect_count"),
    "view": ("plays", "play_count"),
    "repost": ("reposts", "forward_count"),
    "quote": ("quotes",),
    "download": ("download_count",),
}


@dataclass(frozen=True)
class Source:
    """A platform, and the columns that only its table has."""

    name: str
    marks: frozenset[str]
    is_comments: bool = False


SOURCES = (
    Source("tiktok", frozenset({"tiktok_url"})),
    Source("douyin", frozenset({"digg_count", "author_user_id"})),
    Source("instagram", frozenset({"num_likes", "num_comments"})),
    Source("threads", frozenset({"quotes", "reposts"})),
    Source("xiaohongshu", frozenset({"collects"})),
    Source("xiaohongshu", frozenset({"ip_location", "replies"}), is_comments=True),
)


class FourCat(Format):
    """4CAT: posts of a platform."""

    name = "fourcat"

    def recognise(self, head: Head) -> Verdict:
        if not head.is_table or not head.columns >= COMMON:
            return Verdict.no(f"expected columns {', '.join(sorted(COMMON))}")
        source = _source_of(head.columns)
        if source is None:
            names = ", ".join(dict.fromkeys(s.name for s in SOURCES))
            return Verdict.no(f"4CAT's columns, but of none of {names}")
        return Verdict(Sureness.LIKELY, f"4CAT's columns, of {source.name}")

    def source_of(self, head: Head) -> str:
        source = _source_of(head.columns)
        return source.name if source else self.described.sources[0]

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        del reading  # every item says all by itself
        source = _source_of(frozenset(row.cells))
        if source is None:
            raise ParsingFailedError("unknown_record", "expected the columns of a known platform")
        fields = Fields(row.cells)
        post_id = needed(fields.id("id"), "id")
        published = fields.instant(UTC_ZONE, "unix_timestamp")
        thread, above = fields.id("thread_id"), fields.id("parent_id")
        is_comment = source.is_comments or above not in (None, post_id)
        root = thread if is_comment else None
        record = {
            "post_id": post_id,
            "kind": "comment" if is_comment else "post",
            "parent_id": (above or root) if is_comment else None,
            "root_id": root,
            "author": fields.id("author_id", "author_user_id", "author"),
            "title_text": fields.text("title", "subject"),
            "body_text": fields.text("body"),
            "is_excerpt": bool(fields.flag("partial_item")),
            "url": fields.text("url", "post_url", "tiktok_url"),
            "tags": fields.tags("hashtags", "tags"),
            "counters": fields.counters(**COUNTERS),
            **timed("published", published),
        }
        yield Found(
            table="posts",
            record=record,
            source=source.name,
            happened=published,
            raw=fields.left,
            unread=fields.unread,
        )


def _source_of(columns: frozenset[str]) -> Source | None:
    return next((source for source in SOURCES if source.marks <= columns), None)
