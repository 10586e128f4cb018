"""Posts, comments and forums as Dcard's own service answers, in any of its wrappings.

A list of posts holds excerpts, a post its text. Comments are numbered by floor, and a hidden one is
a tombstone. Nobody is named but by a handle of one's own choosing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lake.times import Instant, parse_rfc3339
from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.pieces import find_pieces
from scrapers.importers.rows import Row

SITE = "https://www.dcard.tw"
POST = frozenset({"id", "title", "createdAt", "forumAlias"})
COMMENT = frozenset({"id", "postId", "floor", "createdAt"})
FORUM = frozenset({"id", "alias", "name", "subscriptionCount"})
HEART = "286f599c-f86a-4932-82f0-f5a06f1eca03"  # every post's first reaction


class Dcard(Format):
    """Dcard: posts, comments, forums."""

    name = "dcard"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table:
            return Verdict.no("expected JSON")
        found = {kind for sample in head.samples for kind, _ in find_pieces(sample, kind_of)}
        if found:
            return Verdict(Sureness.CERTAIN, f"holds {', '.join(sorted(found))} of Dcard")
        return Verdict.no(f"expected objects with {', '.join(sorted(POST))}")

    def explode(self, row: Row) -> Iterator[Row]:
        """Yield what is inside; comments beside their post are told its forum."""
        pieces = list(find_pieces(row.cells, kind_of))
        forum = next((piece["forumAlias"] for kind, piece in pieces if kind == "post"), None)
        for kind, piece in pieces:
            cells = {**piece, "forumAlias": forum} if forum and kind == "comment" else piece
            yield Row(row.line, cells, part=kind)
        if not pieces and row.cells:
            keys = ", ".join(sorted(row.cells)[:10])
            problem = ("unknown_record", f"expected a post, comment or forum, found {keys}")
            yield replace(row, problem=problem)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        read = {"post": self._post, "comment": self._comment, "forum": self._forum}[row.part]
        found = read(fields, reading)
        yield replace(found, raw=fields.left, unread=fields.unread)

    def table_of(self, row: Row) -> str:
        return "channels" if row.part == "forum" else "posts"

    def _post(self, fields: Fields, reading: Reading) -> Found:
        post_id, forum = needed(fields.id("id"), "id"), fields.word("forumAlias")
        body, excerpt = fields.text("content"), fields.text("excerpt")
        published = _time(fields, "createdAt", reading)
        record = {
            "post_id": post_id,
            "kind": "post",
            "author": _handle(fields),
            "title_text": fields.text("title"),
            "body_text": body or excerpt,
            "is_excerpt": body is None and excerpt is not None,
            "url": f"{SITE}/f/{forum}/p/{post_id}",
            "tags": _tags(fields),
            "counters": [
                *(
                    fields.counters(
                        like="likeCount",
                        comment="commentCount",
                        all_comments="totalCommentCount",
                        collection="collectionCount",
                        share="shareCount",
                    )
                    or ()
                ),
                *_reactions(fields),
            ],
            "is_deleted": _is_gone(fields),
            **_edited(fields, reading),
            **timed("published", published),
        }
        return Found(table="posts", record=record, channel=forum, happened=published)

    def _comment(self, fields: Fields, reading: Reading) -> Found:
        post_id, forum = needed(fields.id("postId"), "postId"), fields.word("forumAlias")
        floor, published = fields.raw.get("floor"), _time(fields, "createdAt", reading)
        record = {
            "post_id": needed(fields.id("id"), "id"),
            "kind": "comment",
            "parent_id": fields.id("parentId") or post_id,
            "root_id": post_id,
            "author": _handle(fields),
            "body_text": fields.text("content"),
            "url": f"{SITE}/f/{forum}/p/{post_id}/b/{floor}" if forum and floor else None,
            "counters": fields.counters(like="likeCount", comment="subCommentCount"),
            "is_deleted": _is_gone(fields),
            **_edited(fields, reading),
            **timed("published", published),
        }
        # comments of one post are no evidence of what else was said in the forum
        happened = published if forum else None
        return Found(table="posts", record=record, channel=forum, happened=happened)

    def _forum(self, fields: Fields, reading: Reading) -> Found:
        fields.take("id", "updatedAt")
        fans = fields.counter("subscription", "subscriptionCount")
        record = {
            "observed_at": reading.saved_at,
            "title": fields.text("name"),
            "fan_count": fans["lo"],
            "fan_count_how": fans["how"],
            "counters": fields.counters(post="postCount"),
        }
        return Found(table="channels", record=record, channel=fields.word("alias"))


def kind_of(value: Mapping[str, Any]) -> str | None:
    """Say what of Dcard an object is."""
    if value.keys() >= COMMENT:
        return "comment"
    if value.keys() >= POST:
        return "post"
    return "forum" if value.keys() >= FORUM else None


def _time(fields: Fields, name: str, reading: Reading) -> Instant | None:
    return fields.parsed(partial(parse_rfc3339, zone=reading.zone), name)


def _handle(fields: Fields) -> str | None:
    """Return the handle that an author chose; schools and departments are nobody's name."""
    handle = fields.id("personaUid")
    if handle is None and fields.raw.get("withNickname") is True:
        handle = fields.text("department")
    return handle


def _tags(fields: Fields) -> list[str] | None:
    tags = [*(fields.tags("topics") or ()), *(fields.tags("tags") or ())]
    return list(dict.fromkeys(tags)) or None


def _reactions(fields: Fields) -> Iterator[dict[str, Any]]:
    for reaction in fields.each("reactions"):
        name = reaction.id("id")
        if name is None:
            raise ParsingFailedError("missing_value", "reactions.id: required, found nothing")
        yield dict(reaction.counter("heart" if name == HEART else name, "count"))


def _edited(fields: Fields, reading: Reading) -> dict[str, Any]:
    updated = fields.raw.get("updatedAt")
    if not fields.flag("edited") or updated is None:
        return {}
    instant = _time(fields, "updatedAt", reading)
    return {"edited_at": instant.at} if instant else {}


def _is_gone(fields: Fields) -> bool:
    flags = [fields.flag("hidden"), fields.flag("hiddenByAuthor")]
    return any(flags) or fields.take("deletedAt") is not None
