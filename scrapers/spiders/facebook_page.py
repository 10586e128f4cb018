"""Facebook: a page that one manages, its posts with insights, and the comments under them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from scrapers.access.calls import Answer, Call
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider
from scrapers.parsers import facebook_page as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord


class FacebookPageSpider(GraphSpider):
    """Followers now, day values by Pacific day, posts newest first with their comments."""

    name = "facebook_page"
    version = "v25.0"
    people = parse.PEOPLE
    own_list = "published_posts"
    post_fields = parse.POST
    query_below: ClassVar[Mapping[str, Any]] = {
        "filter": "stream",
        "order": "chronological",
        "limit": 100,
        "summary": "true",
        "fields": parse.COMMENT,
    }
    counter_below = parse.COMMENTS
    day_metrics = parse.DAY_METRICS
    days_kept = timedelta(days=2 * 365)
    list_cap = 600  # ranked posts that a large page shows of a year

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        page = visit.channel.address
        yield Call(page, self.read_page, {"fields": parse.PAGE})
        yield from self.day_questions(visit, f"{page}/insights", "page", period="day")
        yield self.land_days

    def read_page(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        page = JsonRecord(answer.data, self.people)
        page.id("id")
        yield self.audience(
            visit,
            page,
            title=page.text("name"),
            fans="followers_count",
            counters=("followers_count", "fan_count"),
        )

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a post; `updated_time` also moves with every comment, so it tells no edit."""
        return self.record(
            visit,
            item,
            item.text("created_time"),
            kind="article",
            author=visit.channel.address,
            body_text=item.text("message"),
            url=item.text("permalink_url"),
            counters=parse.post_counters(item),
        )

    def comment(self, visit: CursorVisit, item: JsonRecord, root: str | None) -> PostRecord:
        """Read a comment or reply; who wrote it is told only with pages_read_user_content."""
        author = (item.take("from") or {}).get("id")
        return self.record(
            visit,
            item,
            item.id("created_time"),
            kind="comment",
            parent_id=item.find_id("parent.id") or root,
            root_id=root,
            author=str(author) if author else None,
            body_text=item.text("message"),
            url=item.text("permalink_url"),
            counters=parse.comment_counters(item),
        )

    def insights_of(self, visit: CursorVisit, post: PostRecord) -> Iterator[Any]:  # noqa: ARG002
        yield self.post_insights(post.post_id, "post", parse.POST_METRICS, period="lifetime")
