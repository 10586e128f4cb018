"""What MediaCrawler collects of seven platforms: contents, comments, and creators of before.

Since July 2026 people are `creator_hash`, before they were `user_id`; both are taken. Until then
Weibo's `create_time` was eight hours late, so `create_date_time`, which bears its offset, is right.
Numbers are texts in the platform's style, and times are seconds here and milliseconds there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lake import Precision
from lake.times import Instant
from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head, Shape
from scrapers.importers.rows import Row

MENDED_AT = datetime(2026, 7, 30, tzinfo=UTC)  # Weibo's create_time is right from here on
LATE_BY = timedelta(hours=8)
PERSON = ("creator_hash", "user_id")  # newest first


@dataclass(frozen=True)
class Kind:
    """One kind of record of one platform: how it is told apart, and where its columns are."""

    source: str
    post_id: str
    marks: frozenset[str]
    tables: tuple[str, ...] = ()
    title: str | None = None
    body: tuple[str, ...] = ("content",)
    time: tuple[str, ...] = ("create_time",)
    url: str | None = None
    root: str | None = None
    tags: str | None = None
    forum: str | None = None
    edited: str | None = None
    counters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_comment(self) -> bool:
        return self.root is not None


def _marks(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The surest marks stand first: the columns of one kind can be part of another's.
KINDS = (
    Kind(
        source="weibo",
        post_id="note_id",
        marks=_marks("note_id content create_date_time comments_count shared_count"),
        tables=("weibo_note",),
        time=("create_date_time", "create_time"),
        url="note_url",
        counters={"like": "liked_count", "comment": "comments_count", "repost": "shared_count"},
    ),
    Kind(
        source="weibo",
        post_id="comment_id",
        marks=_marks("comment_id note_id content create_date_time"),
        tables=("weibo_note_comment",),
        time=("create_date_time", "create_time"),
        root="note_id",
        counters={"like": "comment_like_count", "comment": "sub_comment_count"},
    ),
    Kind(
        source="tieba",
        post_id="comment_id",
        marks=_marks("comment_id note_id content tieba_name publish_time"),
        tables=("tieba_comment",),
        time=("publish_time",),
        root="note_id",
        forum="tieba_name",
        counters={"comment": "sub_comment_count"},
    ),
    Kind(
        source="tieba",
        post_id="note_id",
        marks=_marks("note_id title tieba_name total_replay_num"),
        tables=("tieba_note",),
        title="title",
        body=("desc",),
        time=("publish_time",),
        url="note_url",
        forum="tieba_name",
        counters={"comment": "total_replay_num"},
    ),
    Kind(
        source="xiaohongshu",
        post_id="note_id",
        marks=_marks("note_id title desc collected_count"),
        tables=("xhs_note",),
        title="title",
        body=("desc",),
        time=("time",),
        url="note_url",
        tags="tag_list",
        counters={
            "like": "liked_count",
            "collection": "collected_count",
            "comment": "comment_count",
            "share": "share_count",
        },
    ),
    Kind(
        source="xiaohongshu",
        post_id="comment_id",
        marks=_marks("comment_id note_id content create_time"),
        tables=("xhs_note_comment",),
        root="note_id",
        counters={"like": "like_count", "comment": "sub_comment_count"},
    ),
    Kind(
        source="douyin",
        post_id="aweme_id",
        marks=_marks("aweme_id aweme_type"),
        tables=("douyin_aweme",),
        title="title",
        body=("desc",),
        url="aweme_url",
        counters={
            "like": "liked_count",
            "collection": "collected_count",
            "comment": "comment_count",
            "share": "share_count",
        },
    ),
    Kind(
        source="douyin",
        post_id="comment_id",
        marks=_marks("comment_id aweme_id content"),
        tables=("douyin_aweme_comment",),
        root="aweme_id",
        counters={"like": "like_count", "comment": "sub_comment_count"},
    ),
    Kind(
        source="bilibili",
        post_id="video_id",
        marks=_marks("video_id video_play_count video_danmaku"),
        tables=("bilibili_video",),
        title="title",
        body=("desc",),
        url="video_url",
        counters={
            "like": "liked_count",
            "dislike": "disliked_count",
            "view": "video_play_count",
            "favorite": "video_favorite_count",
            "share": "video_share_count",
            "coin": "video_coin_count",
            "danmaku": "video_danmaku",
            "comment": "video_comment",
        },
    ),
    Kind(
        source="kuaishou",
        post_id="video_id",
        marks=_marks("video_id viewd_count"),
        tables=("kuaishou_video",),
        title="title",
        body=("desc",),
        url="video_url",
        counters={"like": "liked_count", "view": "viewd_count"},
    ),
    Kind(
        source="bilibili",
        post_id="comment_id",
        marks=_marks("comment_id video_id content like_count"),
        tables=("bilibili_video_comment",),
        root="video_id",
        counters={"like": "like_count", "comment": "sub_comment_count"},
    ),
    Kind(
        source="kuaishou",
        post_id="comment_id",
        marks=_marks("comment_id video_id content"),
        tables=("kuaishou_video_comment",),
        root="video_id",
        counters={"comment": "sub_comment_count"},
    ),
    Kind(
        source="zhihu",
        post_id="comment_id",
        marks=_marks("comment_id content_id content"),
        tables=("zhihu_comment",),
        time=("publish_time",),
        root="content_id",
        counters={
            "like": "like_count",
            "dislike": "dislike_count",
            "comment": "sub_comment_count",
        },
    ),
    Kind(
        source="zhihu",
        post_id="content_id",
        marks=_marks("content_id content_text voteup_count"),
        tables=("zhihu_content",),
        title="title",
        body=("content_text", "desc"),
        time=("created_time",),
        url="content_url",
        edited="updated_time",
        counters={"like": "voteup_count", "comment": "comment_count"},
    ),
)
CREATOR = _marks("user_id nickname fans follows")
TABLES = {table: kind for kind in KINDS for table in kind.tables}


class MediaCrawler(Format):
    """MediaCrawler: contents, comments, creators."""

    name = "mediacrawler"

    def recognise(self, head: Head) -> Verdict:
        if head.shape is Shape.SQLITE:
            known = sorted(TABLES.keys() & head.tables.keys())
            if known:
                return Verdict(Sureness.CERTAIN, f"tables {', '.join(known)}")
            return Verdict.no(f"expected tables such as {', '.join(list(TABLES)[:3])}")
        columns = [head.tables[sheet] for sheet in head.tables] or [head.columns]
        kinds = [kind for names in columns if (kind := kind_of(names))]
        if kinds and any(names & {*PERSON, "last_modify_ts"} for names in columns):
            shown = "comments" if kinds[0].is_comment else "contents"
            return Verdict(Sureness.CERTAIN, f"{kinds[0].source} {shown}")
        if any(names >= CREATOR for names in columns):
            return Verdict(Sureness.LIKELY, "creators")
        return Verdict.no("expected contents or comments with creator_hash or user_id")

    def source_of(self, head: Head) -> str:
        if head.shape is Shape.SQLITE:
            return next(TABLES[table].source for table in head.tables if table in TABLES)
        columns = [head.tables[sheet] for sheet in head.tables] or [head.columns]
        kinds = [kind for names in columns if (kind := kind_of(names))]
        return kinds[0].source if kinds else _source_in_path(head) or self.described.sources[0]

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield the rows of every table that is known; others are the crawler's own affair."""
        if head.shape is Shape.SQLITE:
            head = replace(head, tables={t: c for t, c in head.tables.items() if t in TABLES})
        return super().items(head, skipped)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        kind = TABLES.get(row.part) or kind_of(row.cells.keys())
        if kind is None and row.cells.keys() >= CREATOR:
            yield self._creator(fields, reading)
        elif kind is None:
            names = ", ".join(sorted(row.cells)[:20])
            raise ParsingFailedError("unknown_record", f"expected a known kind, found {names}")
        else:
            found = (
                _comment(kind, fields, reading) if kind.is_comment else _post(kind, fields, reading)
            )
            yield replace(found, raw=fields.left, unread=fields.unread)

    def _creator(self, fields: Fields, reading: Reading) -> Found:
        record = {
            "author": needed(fields.id("user_id"), "user_id"),
            "observed_at": _seen_at(fields, reading),
            "declared_region": None,
            "counters": fields.counters(
                follower="fans", following="follows", interaction="interaction", post="videos_count"
            ),
        }
        return Found(table="authors", record=record, unread=fields.unread)


def kind_of(columns: Any) -> Kind | None:
    """Return the kind of a record with such columns."""
    return next((kind for kind in KINDS if kind.marks <= set(columns)), None)


def _post(kind: Kind, fields: Fields, reading: Reading) -> Found:
    published = _published(kind, fields, reading)
    edited = fields.instant(reading.zone, kind.edited) if kind.edited else None
    forum = fields.text(kind.forum) if kind.forum else None
    title, body = fields.text(kind.title) if kind.title else None, fields.text(*kind.body)
    record = {
        "post_id": needed(fields.id(kind.post_id), kind.post_id),
        "kind": "post",
        "author": fields.id(*PERSON),
        "title_text": title if title != body else None,
        "body_text": body,
        "url": fields.text(kind.url) if kind.url else None,
        "tags": fields.tags(kind.tags) if kind.tags else None,
        "counters": fields.counters(**kind.counters),
        "edited_at": edited.at if edited else None,
        **timed("published", published),
    }
    return Found(
        table="posts", record=record, source=kind.source, channel=forum, happened=published
    )


def _comment(kind: Kind, fields: Fields, reading: Reading) -> Found:
    published = _published(kind, fields, reading)
    root = fields.id(kind.root or "")
    above = fields.id("parent_comment_id")
    record = {
        "post_id": needed(fields.id(kind.post_id), kind.post_id),
        "kind": "comment",
        "parent_id": above if above not in (None, "0") else root,
        "root_id": root,
        "author": fields.id(*PERSON),
        "body_text": fields.text("content"),
        "counters": fields.counters(**kind.counters),
        **timed("published", published),
    }
    forum = fields.text(kind.forum) if kind.forum else None
    return Found(
        table="posts", record=record, source=kind.source, channel=forum, happened=published
    )


def _published(kind: Kind, fields: Fields, reading: Reading) -> Instant | None:
    published = fields.instant(reading.zone, *kind.time)
    is_late = kind.source == "weibo" and fields.raw.get("create_date_time") in (None, "")
    if published and is_late and _seen_at(fields, reading) < MENDED_AT:
        return Instant(published.at - LATE_BY, Precision.INFERRED, published.raw)
    return published


def _seen_at(fields: Fields, reading: Reading) -> datetime:
    seen = fields.instant(reading.zone, "last_modify_ts")
    return seen.at if seen else reading.saved_at


def _source_in_path(head: Head) -> str | None:
    short = {"xhs": "xiaohongshu", "bili": "bilibili"}
    parts = [short.get(part, part) for part in head.path.parts]
    known = {kind.source for kind in KINDS}
    return next((part for part in reversed(parts) if part in known), None)
