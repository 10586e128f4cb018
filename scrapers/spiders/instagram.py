"""Instagram: an account that one manages, its media with insights, and the comments under them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from scrapers.access.calls import Answer, Call
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider
from scrapers.parsers import instagram as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord


class InstagramSpider(GraphSpider):
    """Followers now, totals by Pacific day, media newest first with comments and replies.

    Stories are left out: they live for a day, and no list tells which were taken down.
    """

    name = "instagram"
    version = "v25.0"
    people = parse.PEOPLE
    own_list = "media"
    post_fields = parse.MEDIA
    query_below: ClassVar[Mapping[str, Any]] = {"fields": parse.COMMENT, "limit": 50}
    counter_below = parse.COMMENTS
    day_metrics = parse.DAY_TOTALS
    longest_span = timedelta(days=30)
    late_days = 2  # insights come up to 48 hours late
    days_kept = timedelta(days=89)  # ninety, with the beginning of the first day
    list_cap = 10_000  # of the newest media

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        account = visit.channel.address
        insights, by_follow = f"{account}/insights", {"breakdown": "follow_type"}
        yield Call(account, self.read_account, {"fields": parse.ACCOUNT})
        ask = partial(self.day_totals, visit, insights, "account", period="day")
        yield from ask(self.day_metrics, metric_type="total_value")
        yield from ask([parse.FOLLOWS], metric_type="total_value", **by_follow)
        yield from self.day_questions(
            visit,
            insights,
            "account",
            [parse.NEW_FOLLOWERS],
            kept=timedelta(days=29),  # thirty, this one left out
            period="day",
            metric_type="time_series",
        )
        yield self.land_days

    def read_account(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        account = JsonRecord(answer.data, self.people)
        account.id("id")
        yield self.audience(
            visit,
            account,
            title=account.text("name") or account.text("username"),
            fans="followers_count",
            counters=("followers_count", "follows_count", "media_count"),
        )

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page of comments, the replies inside them, and what follows of either."""
        comments = answer.data["data"]
        yield from self.comments(answer, visit, parse.with_replies(comments))
        pagings = (parse.replies_of(comment).get("paging") for comment in comments)
        following = [self.page_after(answer.call, paging) for paging in pagings]
        yield from (call for call in (*following, self.next_page(answer)) if call is not None)

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a picture, an album or a reel; nothing says when a caption was edited."""
        return self.record(
            visit,
            item,
            item.text("timestamp"),
            kind="article",
            author=item.text("username"),
            body_text=item.text("caption"),
            url=item.text("permalink"),
            counters=parse.media_counters(item),
        )

    def comment(self, visit: CursorVisit, item: JsonRecord, root: str | None) -> PostRecord:
        """Read a comment or a reply; it has no address of its own."""
        return self.record(
            visit,
            item,
            item.text("timestamp"),
            kind="comment",
            parent_id=item.find_id("parent_id") or root,
            root_id=root,
            author=parse.author(item),
            body_text=item.text("text"),
            counters=parse.comment_counters(item),
        )

    def insights_of(self, visit: CursorVisit, post: PostRecord) -> Iterator[Any]:
        """Ask for what is told of this kind of media; which is an unknown one, a note says."""
        product = str(post.raw.get("media_product_type"))
        metrics = parse.METRICS.get(product)
        if metrics is not None:
            yield self.post_insights(post.post_id, product.lower(), metrics)
            return
        note = f"insights of {product} are not known and were not asked for"
        if note not in visit.notes:
            visit.notes.append(note)
