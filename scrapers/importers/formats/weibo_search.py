"""What a search of Weibo found, as dataabc/weibo-search writes it: a row a post, by many authors.

A post that quotes another names it in `retweet_id`; the quoted one is a row of its own. Times are
known to the minute. Older files lack columns at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from scrapers.importers import weibo
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.rows import Row

COLUMNS = ("id", "user_id", "微博正文", "转发数", "评论数", "点赞数", "发布时间")


class WeiboSearch(Format):
    """weibo-search: posts that hold a keyword."""

    name = "weibo_search"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table and head.has(*COLUMNS, "retweet_id"):
            return Verdict(Sureness.CERTAIN, "微博正文, 发布时间 and retweet_id")
        return Verdict.no(f"expected columns {', '.join(COLUMNS)}, retweet_id")

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        post_id, author = needed(fields.id("id"), "id"), fields.id("user_id")
        read_time = partial(weibo.read_printed, saved_at=reading.saved_at, mid=post_id)
        published, quoted = fields.parsed(read_time, "发布时间"), fields.id("retweet_id")
        record = {
            "post_id": post_id,
            "kind": "repost" if quoted else "post",
            "parent_id": quoted,
            "author": author,
            "body_text": fields.text("微博正文"),
            "url": weibo.permalink(post_id, author, fields.word("bid")),
            "tags": fields.tags("话题"),
            "counters": weibo.counters(
                fields,
                reading.counter_cap,
                like=("点赞数",),
                comment=("评论数",),
                repost=("转发数",),
            ),
            **timed("published", published),
        }
        yield Found(
            table="posts",
            record=record,
            happened=published,
            raw=fields.left,
            unread=fields.unread,
        )
