"""Items that the Zeeschuimer extension captured while somebody looked at a platform.

`data` is the platform's own item, and its shape changes without notice: each column is looked for
in every place where it has been seen, and an item without an id is refused. The item stays as
evidence, without the people in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from functools import partial
from typing import Any

from lake.counters import CounterFormatError, parse_counter
from lake.times import Instant, TimeFormatError, parse_time
from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.rows import Row
from scrapers.parsers.markup import read_html
from scrapers.parsers.values import read_id

MAX_ID = 200
Paths = tuple[str, ...]


@dataclass(frozen=True)
class Platform:
    """Where an item of a platform has what; paths with dots, the newest shape first."""

    source: str
    post_id: Paths
    time: Paths
    author: Paths
    body: Paths
    title: Paths = ()
    url: str | None = None
    slug: Paths = ()
    root: Paths = ()
    parent: Paths = ()
    tags: Paths = ()
    is_html: bool = False
    counters: Mapping[str, Paths] = field(default_factory=dict)


FEDIVERSE = {
    "comment": ("replies_count",),
    "repost": ("reblogs_count",),
    "like": ("favourites_count",),
}
PLATFORMS = {
    "tiktok.com": Platform(
        source="tiktok",
        post_id=("id",),
        time=("createTime",),
        author=("author.id", "author.uid", "author"),
        body=("desc",),
        url="https://www.tiktok.com/@{slug}/video/{id}",
        slug=("author.uniqueId",),
        tags=("challenges.title",),
        counters={
            "like": ("stats.diggCount",),
            "comment": ("stats.commentCount",),
            "share": ("stats.shareCount",),
            "view": ("stats.playCount",),
            "collection": ("stats.collectCount",),
        },
    ),
    "tiktok-comments": Platform(
        source="tiktok",
        post_id=("cid",),
        time=("create_time",),
        author=("user.uid", "user.id"),
        body=("text",),
        root=("aweme_id",),
        parent=("reply_id",),
        counters={"like": ("digg_count",), "comment": ("reply_comment_total",)},
    ),
    "instagram.com": Platform(
        source="instagram",
        post_id=("pk", "id"),
        time=("taken_at", "taken_at_timestamp"),
        author=("user.pk", "user.id", "owner.id"),
        body=("caption.text", "caption", "edge_media_to_caption.edges.node.text"),
        url="https://www.instagram.com/p/{slug}/",
        slug=("code", "shortcode"),
        counters={
            "like": ("like_count", "edge_media_preview_like.count"),
            "comment": ("comment_count", "edge_media_to_comment.count"),
            "view": ("play_count", "view_count", "video_view_count"),
        },
    ),
    "threads.net": Platform(
        source="threads",
        post_id=("pk", "id"),
        time=("taken_at",),
        author=("user.pk", "user.id"),
        body=("caption.text",),
        url="https://www.threads.com/t/{slug}",
        slug=("code",),
        counters={
            "like": ("like_count",),
            "comment": ("text_post_app_info.direct_reply_count",),
            "repost": ("text_post_app_info.repost_count",),
            "quote": ("text_post_app_info.quote_count",),
        },
    ),
    "x.com": Platform(
        source="x",
        post_id=("rest_id", "legacy.id_str", "id"),
        time=("legacy.created_at",),
        author=("legacy.user_id_str", "core.user_results.result.rest_id"),
        body=("note_tweet.note_tweet_results.result.text", "legacy.full_text"),
        url="https://x.com/i/status/{id}",
        root=("legacy.conversation_id_str",),
        parent=("legacy.in_reply_to_status_id_str",),
        tags=("legacy.entities.hashtags.text",),
        counters={
            "like": ("legacy.favorite_count",),
            "comment": ("legacy.reply_count",),
            "repost": ("legacy.retweet_count",),
            "quote": ("legacy.quote_count",),
            "view": ("views.count",),
        },
    ),
    "9gag.com": Platform(
        source="9gag",
        post_id=("id",),
        time=("creationTs",),
        author=("creator.userId", "creator.username"),
        title=("title",),
        body=("description",),
        url="https://9gag.com/gag/{id}",
        tags=("tags.key",),
        counters={
            "like": ("upVoteCount",),
            "dislike": ("downVoteCount",),
            "comment": ("commentsCount",),
        },
    ),
    "imgur.com": Platform(
        source="imgur",
        post_id=("id",),
        time=("created_at",),
        author=("account_id", "account.id"),
        title=("title",),
        body=("description",),
        url="https://imgur.com/gallery/{id}",
        counters={
            "like": ("upvote_count",),
            "dislike": ("downvote_count",),
            "comment": ("comment_count",),
            "view": ("view_count",),
        },
    ),
    "douyin.com": Platform(
        source="douyin",
        post_id=("aweme_id", "awemeId"),
        time=("create_time", "createTime"),
        author=("author.uid", "authorInfo.uid"),
        body=("desc",),
        url="https://www.douyin.com/video/{id}",
        tags=("text_extra.hashtag_name", "textExtra.hashtagName"),
        counters={
            "like": ("statistics.digg_count", "stats.diggCount"),
            "comment": ("statistics.comment_count", "stats.commentCount"),
            "share": ("statistics.share_count", "stats.shareCount"),
            "collection": ("statistics.collect_count", "stats.collectCount"),
            "view": ("statistics.play_count", "stats.playCount"),
        },
    ),
    "gab.com": Platform(
        source="gab",
        post_id=("id", "i"),
        time=("created_at", "ca"),
        author=("account.id", "account_id", "ai"),
        body=("content", "c"),
        url="https://gab.com/posts/{id}",
        parent=("in_reply_to_id",),
        is_html=True,
        counters=FEDIVERSE,
    ),
    "truthsocial.com": Platform(
        source="truthsocial",
        post_id=("id",),
        time=("created_at",),
        author=("account.id",),
        body=("content",),
        url="https://truthsocial.com/posts/{id}",
        parent=("in_reply_to_id",),
        tags=("tags.name",),
        is_html=True,
        counters=FEDIVERSE,
    ),
    "pinterest.com": Platform(
        source="pinterest",
        post_id=("id", "entityId"),
        time=("created_at", "createdAt"),
        author=("pinner.id", "pinner.entityId"),
        title=("title", "grid_title"),
        body=("description", "closeup_unified_description"),
        url="https://www.pinterest.com/pin/{id}/",
        counters={"repost": ("repin_count",), "comment": ("comment_count",)},
    ),
    "xiaohongshu.com": Platform(
        source="xiaohongshu",
        post_id=("id", "note_id", "noteId", "note.noteId"),
        time=("note_card.time", "time", "note.time"),
        author=("note_card.user.user_id", "user.user_id", "user.userId", "note.user.userId"),
        title=("note_card.title", "note_card.display_title", "title", "displayTitle", "note.title"),
        body=("note_card.desc", "desc", "note.desc"),
        url="https://www.xiaohongshu.com/explore/{id}",
        tags=("note_card.tag_list.name", "tag_list.name", "tagList.name", "note.tagList.name"),
        counters={
            "like": ("note_card.interact_info.liked_count", "interactInfo.likedCount"),
            "collection": (
                "note_card.interact_info.collected_count",
                "interactInfo.collectedCount",
            ),
            "comment": ("note_card.interact_info.comment_count", "interactInfo.commentCount"),
            "share": ("note_card.interact_info.shared_count", "interactInfo.shareCount"),
        },
    ),
    "xiaohongshu-comments": Platform(
        source="xiaohongshu",
        post_id=("id",),
        time=("create_time", "createTime"),
        author=("user_info.user_id", "userInfo.userId"),
        body=("content",),
        root=("note_id", "noteId"),
        parent=("target_comment.id", "targetComment.id"),
        counters={
            "like": ("like_count", "likeCount"),
            "comment": ("sub_comment_count", "subCommentCount"),
        },
    ),
}
ALIASES = {"twitter.com": "x.com", "threads.com": "threads.net", "rednote.com": "xiaohongshu.com"}


class Zeeschuimer(Format):
    """Zeeschuimer: what somebody saw of a platform."""

    name = "zeeschuimer"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table:
            return Verdict.no("expected JSON lines")
        platforms = [platform_of(sample) for sample in head.samples]
        if not head.columns & {"source_platform", "__import_meta"}:
            return Verdict.no("expected source_platform, or __import_meta")
        known = sorted({name for name in platforms if name in PLATFORMS})
        if known:
            return Verdict(Sureness.CERTAIN, f"items of {', '.join(known)}")
        return Verdict.no(f"expected items of {', '.join(PLATFORMS)}")

    def source_of(self, head: Head) -> str:
        names = (platform_of(sample) for sample in head.samples)
        return next(PLATFORMS[name].source for name in names if name in PLATFORMS)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        del reading  # every item says all by itself
        fields = Fields(row.cells)
        name = platform_of(row.cells)
        platform = PLATFORMS.get(name)
        if platform is None:
            raise ParsingFailedError("unknown_record", f"expected a known platform, found {name}")
        is_handed_on = "__import_meta" in row.cells
        item = row.cells if is_handed_on else row.cells.get("data")
        if not isinstance(item, Mapping):
            raise ParsingFailedError("unknown_record", "data: expected the platform's item")
        record, published = read_item(platform, item)
        yield Found(
            table="posts",
            record=record,
            source=platform.source,
            happened=published,
            raw=fields.left,
            unread=frozenset() if is_handed_on else fields.unread,
        )


def platform_of(cells: Mapping[str, Any]) -> str:
    """Name the platform of an item, as the table above has it."""
    meta = cells.get("__import_meta")
    told = meta.get("source_platform") if isinstance(meta, Mapping) else None
    name = str(told or cells.get("source_platform") or "").removeprefix("www.")
    kind = "-comments" if name.endswith("-comments") else ""
    name = ALIASES.get(name, name)
    return name.removesuffix(".com-comments") + kind if ".com-comments" in name else name


def read_item(platform: Platform, item: Mapping[str, Any]) -> tuple[dict[str, Any], Instant | None]:
    """Return an item's columns, and when it was published."""
    look = partial(first_of, item)
    post_id = needed(_read_id(look(platform.post_id), "id"), "id")
    published = _read_time(look(platform.time))
    body = _text(look(platform.body))
    root = _read_id(look(platform.root), "root")
    above = _read_id(look(platform.parent), "parent")
    is_comment = bool(platform.root) and root not in (None, post_id)
    slug = _text(look(platform.slug))
    has_url = platform.url and (slug or "{slug}" not in platform.url)
    record = {
        "post_id": post_id,
        "kind": "comment" if is_comment or above not in (None, "0") else "post",
        "parent_id": above if above not in (None, "0") else root if is_comment else None,
        "root_id": root if is_comment else None,
        "author": _read_id(look(platform.author), "author"),
        "title_text": _text(look(platform.title)),
        "body_text": read_html(body).text if body and platform.is_html else body,
        "url": platform.url.format(id=post_id, slug=slug) if platform.url and has_url else None,
        "tags": _all_of(item, platform.tags) or None,
        "counters": list(_counters(platform, item)),
        **timed("published", published),
    }
    return record, published


def first_of(item: Mapping[str, Any], paths: Paths) -> Any:
    """Return what the first path leads to that leads to anything."""
    return next((v for path in paths for v in _follow(item, path.split(".")) if v != ""), None)


def _follow(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _follow(one, path)
    elif not path:
        if value is not None and not isinstance(value, Mapping):
            yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _follow(value[path[0]], path[1:])


def _all_of(item: Mapping[str, Any], paths: Paths) -> list[str]:
    found = (str(v) for path in paths for v in _follow(item, path.split(".")) if v)
    return list(dict.fromkeys(found))


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _read_id(value: Any, name: str) -> str | None:
    native = read_id(value)
    if native is not None and len(native) > MAX_ID:
        raise ParsingFailedError("damaged_id", f"{name}: {len(native):,} characters are no id")
    return native


def _read_time(value: Any) -> Instant | None:
    if value is None:
        return None
    try:
        return parse_time(str(value) if isinstance(value, Decimal) else value, UTC)
    except TimeFormatError as error:
        raise ParsingFailedError("time_format", str(error)) from None


def _counters(platform: Platform, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, paths in platform.counters.items():
        value = first_of(item, paths)
        if value is not None:
            try:
                yield dict(parse_counter(name, value))
            except CounterFormatError as error:
                raise ParsingFailedError("counter_format", str(error)) from None
