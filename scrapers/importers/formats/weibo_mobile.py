"""Answers of m.weibo.cn that somebody saved: timelines, posts, comments, profiles.

Text is HTML, times may lack the year (the id tells it), counters are numbers or words, and what
went wrong comes as an answer, too. A file of several answers has one a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lake.times import Instant
from scrapers.importers import weibo
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.pieces import find_pieces
from scrapers.importers.rows import Row
from scrapers.parsers.markup import read_html

POST = frozenset({"id", "text", "created_at", "reposts_count", "attitudes_count"})
COMMENT = frozenset({"id", "text", "created_at", "user"})
PROFILE = frozenset({"id", "screen_name", "followers_count", "statuses_count"})
ID_IN_NAME = re.compile(r"(?<!\d)(\d{16})(?!\d)")
MORE = re.compile(r"\.{3}<a [^>]*>全文</a>\s*$")
EMOJI = re.compile(r"<img\b[^>]*?\balt=[\"']?(\[[^\]<>]{1,20}\])[^>]*>")
NO_MORE = ("这里还没有内容", "暂无数据")  # behind the last page, and nothing wrong
TOPIC = re.compile(r"#([^#\n]{1,60})#")


class WeiboMobile(Format):
    """m.weibo.cn: timelines, posts, comments, profiles."""

    name = "weibo_mobile"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table:
            return Verdict.no("expected JSON")
        if not head.has("ok"):
            return Verdict.no("expected an answer with ok and data")
        found = {kind for sample in head.samples for kind, _ in find_pieces(sample, kind_of)}
        if found:
            return Verdict(Sureness.CERTAIN, f"an answer with {', '.join(sorted(found))}")
        return Verdict(Sureness.POSSIBLE, "an answer with ok")

    def explode(self, row: Row) -> Iterator[Row]:
        pieces = list(find_pieces(row.cells, kind_of))
        for kind, piece in pieces:
            yield Row(row.line, piece, part=kind)
            answers = piece.get("comments") if kind == "comment" else None
            for one in answers if isinstance(answers, list) else ():
                if isinstance(one, dict):
                    yield Row(row.line, one, part="comment")
        if not pieces and row.cells.get("msg") not in NO_MORE:
            yield replace(row, problem=_why_empty(row.cells))

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        if row.part == "profile":
            yield from self._profile(fields, reading)
            return
        found = (self._post if row.part == "post" else self._comment)(fields, reading)
        yield replace(found, raw=fields.left, unread=fields.unread)

    def table_of(self, row: Row) -> str:
        return "authors" if row.part == "profile" else "posts"

    def _post(self, fields: Fields, reading: Reading) -> Found:
        post_id = needed(fields.id("mid", "id"), "id")
        author = fields.inner("user").id("id")
        fields.take("mblogid", "retweeted_status")
        published = _time(fields, "created_at", reading, post_id)
        quoted = fields.raw.get("retweeted_status")
        text = fields.text("text") or ""
        full = fields.inner("longText").text("longTextContent")
        body = plain(full or text)
        edited = _time(fields, "edit_at", reading, post_id)
        record = {
            "post_id": post_id,
            "kind": "repost" if isinstance(quoted, Mapping) else "post",
            "parent_id": _id_of(quoted),
            "author": author,
            "body_text": body,
            "is_truncated": bool(fields.flag("isLongText")) and full is None and is_cut(text),
            "is_deleted": str(fields.take("deleted") or "") == "1",
            "url": weibo.permalink(post_id, author, fields.word("bid", "mblogid")),
            "tags": list(dict.fromkeys(TOPIC.findall(body or ""))) or None,
            "counters": [
                *weibo.counters(
                    fields,
                    None,
                    like=("attitudes_count",),
                    comment=("comments_count",),
                    repost=("reposts_count",),
                ),
                *(fields.counters(edit="edit_count") or ()),
            ],
            "edited_at": edited.at if edited else None,
            **timed("published", published),
        }
        return Found(table="posts", record=record, channel=author, happened=published)

    def _comment(self, fields: Fields, reading: Reading) -> Found:
        comment_id = needed(fields.id("mid", "id"), "id")
        root, post_id = fields.id("rootid"), _post_in_name(reading.head)
        above = fields.id("reply_id") or (root if root != comment_id else None)
        published = _time(fields, "created_at", reading, comment_id)
        record = {
            "post_id": comment_id,
            "kind": "comment",
            "parent_id": above or post_id,
            "root_id": post_id,
            "author": fields.inner("user").id("id"),
            "body_text": plain(fields.text("text")),
            "counters": fields.counters(like=("like_count", "like_counts"), comment="total_number"),
            **timed("published", published),
        }
        fields.take("comments")
        # comments of one post are no evidence of what else was said
        return Found(table="posts", record=record)

    def _profile(self, fields: Fields, reading: Reading) -> Iterator[Found]:
        account, name = needed(fields.id("id"), "id"), fields.text("screen_name")
        fans = fields.counter("follower", "followers_count")
        others = fields.counters(following="follow_count", post="statuses_count") or []
        yield Found(
            table="authors",
            record={
                "author": account,
                "observed_at": reading.saved_at,
                "is_verified": fields.flag("verified"),
                "counters": [dict(fans), *others],
            },
            unread=fields.unread,
        )
        yield Found(
            table="channels",
            channel=account,
            is_extra=True,
            record={
                "observed_at": reading.saved_at,
                "title": name,
                "fan_count": fans["lo"],
                "fan_count_how": fans["how"],
                "counters": others,
            },
        )


def kind_of(value: Mapping[str, Any]) -> str | None:
    """Say what of Weibo an object is."""
    keys = value.keys()
    if keys >= POST:
        return "post"
    if keys >= COMMENT and keys & {"like_count", "like_counts", "rootid", "floor_number"}:
        return "comment"
    return "profile" if keys >= PROFILE else None


def plain(text: str | None) -> str | None:
    """Return the text of a post as its author wrote it, emoji as their words: `[doge]`."""
    if text is None:
        return None
    return read_html(EMOJI.sub(r"\1", MORE.sub("…", text))).text or None


def is_cut(text: str) -> bool:
    """Whether the page shows only the beginning of the text."""
    return bool(MORE.search(text)) or ">全文<" in text


def _time(fields: Fields, name: str, reading: Reading, mid: str) -> Instant | None:
    return fields.parsed(partial(weibo.read_printed, saved_at=reading.saved_at, mid=mid), name)


def _id_of(quoted: Any) -> str | None:
    return str(quoted["id"]) if isinstance(quoted, Mapping) and quoted.get("id") else None


def _post_in_name(head: Head) -> str | None:
    found = ID_IN_NAME.search(head.path.stem)
    return found[1] if found else None


def _why_empty(cells: Mapping[str, Any]) -> tuple[str, str]:
    said = cells.get("msg") or cells.get("error") or cells.get("message")
    if cells.get("ok") != 1:
        return (
            "error_answer",
            f"expected a post, comment or profile, found ok={cells.get('ok')} {said}",
        )
    data = cells.get("data")
    keys = ", ".join(sorted(data if isinstance(data, dict) else cells))
    return "unknown_record", f"expected a post, comment or profile, found {keys:.200}"
