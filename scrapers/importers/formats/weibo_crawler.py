"""Accounts of Weibo as dataabc/weibo-crawler and weiboSpider write them, in every header so far.

`日期` was a day for years and is a second now; `完整日期`, where it is, is exact. One file is one
account, whose id stands in the file's name. Also its comments and `users.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from scrapers.importers import weibo
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import fans_of
from scrapers.importers.head import Head
from scrapers.importers.rows import Row

COUNTS = frozenset({"点赞数", "评论数", "转发数"})
COMMENTS = frozenset({"id", "weibo_id", "created_at", "text"})
USERS = frozenset({"用户id", "微博数", "粉丝数", "关注数"})
ACCOUNT_IN_NAME = re.compile(r"(?<!\d)(\d{5,12})$")


class WeiboCrawler(Format):
    """weibo-crawler: posts of one account, or comments, or profiles."""

    name = "weibo_crawler"

    def recognise(self, head: Head) -> Verdict:
        columns = head.columns
        if not head.is_table:
            return Verdict.no("expected a table")
        if "retweet_id" in columns:
            return Verdict.no("retweet_id is a column of weibo-search")
        if columns >= COUNTS and columns & {"正文", "微博正文"} and columns & {"日期", "发布时间"}:
            return Verdict(Sureness.CERTAIN, "正文, 日期 and the three counters")
        if columns >= USERS:
            return Verdict(Sureness.CERTAIN, "the columns of users.csv")
        if columns >= COMMENTS:
            return Verdict(Sureness.LIKELY, "the columns of a comments file")
        return Verdict.no(f"expected 正文, 日期 and {', '.join(sorted(COUNTS))}")

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        if "粉丝数" in row.cells:
            yield from self._profile(fields, reading)
        elif "weibo_id" in row.cells:
            yield self._comment(fields, reading)
        else:
            yield self._post(fields, reading)

    def table_of(self, row: Row) -> str:
        return "authors" if "粉丝数" in row.cells else "posts"

    def _post(self, fields: Fields, reading: Reading) -> Found:
        post_id = needed(fields.id("id", "微博id"), "id")
        account = fields.id("uid", "user_id", "用户id") or _account_in_name(reading.head)
        read_time = partial(weibo.read_printed, saved_at=reading.saved_at, mid=post_id)
        published = fields.parsed(read_time, "完整日期", "日期", "发布时间")
        quoted = fields.id("源微博id")
        is_original = fields.flag("是否原创")
        record: dict[str, Any] = {
            "post_id": post_id,
            "kind": "repost" if quoted or is_original is False else "post",
            "parent_id": quoted,
            "author": account,
            "body_text": fields.text("正文", "微博正文"),
            "url": weibo.permalink(post_id, account, fields.word("bid")),
            "tags": fields.tags("话题"),
            "counters": [
                *weibo.counters(
                    fields,
                    reading.counter_cap,
                    like=("点赞数",),
                    comment=("评论数",),
                    repost=("转发数",),
                ),
                *_edits(fields),
            ],
            **timed("published", published),
        }
        return Found(
            table="posts",
            record=record,
            channel=account,
            happened=published,
            raw=fields.left,
            unread=fields.unread,
        )

    def _comment(self, fields: Fields, reading: Reading) -> Found:
        post_id = needed(fields.id("weibo_id"), "weibo_id")
        read_time = partial(weibo.read_printed, saved_at=reading.saved_at)
        published = fields.parsed(read_time, "created_at")
        root, name = fields.id("root_id"), fields.text("user_screen_name")
        record = {
            "post_id": needed(fields.id("id"), "id"),
            "kind": "comment",
            "parent_id": root or post_id,
            "root_id": post_id,
            "author": fields.id("user_id") or name,
            "body_text": fields.text("text"),
            "counters": fields.counters(like="like_count"),
            **timed("published", published),
        }
        return Found(
            table="posts",
            record=record,
            happened=published,
            raw=fields.left,
            unread=fields.unread,
        )

    def _profile(self, fields: Fields, reading: Reading) -> Iterator[Found]:
        account = needed(fields.id("用户id", "id"), "用户id")
        fans = fields.counter("follower", "粉丝数")
        others = fields.counters(post="微博数", following="关注数") or []
        region, name = fields.text("所在地"), fields.text("昵称")
        yield Found(
            table="authors",
            record={
                "author": account,
                "observed_at": reading.saved_at,
                "declared_region": region,
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
                **fans_of(fans),
                "counters": others,
            },
        )


def _edits(fields: Fields) -> list[dict[str, Any]]:
    fields.take("是否编辑过")
    return fields.counters(edit="编辑次数") or []


def _account_in_name(head: Head) -> str | None:
    found = ACCOUNT_IN_NAME.search(head.path.stem)
    return found[1] if found else None
