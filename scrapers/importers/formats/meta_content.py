"""Posts and their numbers as Meta Business Suite exports them, of Facebook and of Instagram.

Names of columns drift between months: a subset is enough, and every column that counts something is
kept, under the main ones' usual word or its own. Views and impressions are not the same. Numbers
are a post's life so far; where they are one day's, the post lands without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lake.counters import Counter
from scrapers.importers.fields import Fields, needed, timed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import metrics
from scrapers.importers.graph import FACEBOOK, INSTAGRAM
from scrapers.importers.head import Head
from scrapers.importers.meta_times import read_meta_time
from scrapers.importers.rows import Row

WORDS = {
    "reactions": "reaction",
    "comments": "comment",
    "shares": "share",
    "likes": "like",
    "saves": "save",
    "follows": "follow",
    "views": "view",
    "impressions": "impression",
    "reach": "reach",
    "total clicks": "click",
    "reactions, comments and shares": "engagement",
}
OWNER = {"page id": FACEBOOK, "account id": INSTAGRAM}


class MetaContent(Format):
    """Meta Business Suite: content."""

    name = "meta_content"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table and head.has("post id", "publish time") and head.columns & OWNER.keys():
            return Verdict(Sureness.CERTAIN, "Post ID, Publish time and whose it is")
        return Verdict.no("expected columns Post ID, Publish time, and Page ID or Account ID")

    def source_of(self, head: Head) -> str:
        return next(source for column, source in OWNER.items() if column in head.columns)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        owner = fields.id(*OWNER)
        post_id = needed(fields.id("post id"), "post id")
        published = read_meta_time(fields, reading, "publish time")
        title, body = fields.text("title"), fields.text("description")
        fields.take("duration (sec)", "is crosspost", "is share")
        record: dict[str, Any] = {
            "post_id": _whole_id(post_id, owner, reading.source),
            "kind": "post",
            "author": owner,
            "title_text": title if body and title != body else None,
            "body_text": body or title,
            "url": fields.text("permalink"),
            "tags": fields.tags("post type"),
            "counters": _counters(fields, reading),
            **timed("published", published),
        }
        yield Found(
            table="posts",
            record=record,
            channel=owner,
            happened=published,
            raw=fields.left,
            unread=fields.unread,
        )


def _whole_id(post_id: str, owner: str | None, source: str) -> str:
    """Return the id that the Graph API has for a post: a page's are told with the page."""
    is_short = source == FACEBOOK and owner is not None and "_" not in post_id
    return f"{owner}_{post_id}" if is_short else post_id


def _counters(fields: Fields, reading: Reading) -> list[dict[str, Any]] | None:
    day = (fields.word("date") or "lifetime").casefold()
    main: list[Counter] = [
        fields.counter(word, column) for column, word in WORDS.items() if column in fields.raw
    ]
    counters = [*map(dict, main), *metrics(fields, "")]
    if day != "lifetime":
        reading.skip("numbers of one day")
        return None
    return counters
