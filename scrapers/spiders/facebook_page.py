"""Facebook: a page that one manages, its posts with insights, and the comments under them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from lake import Window
from lake.counters import parse_counter
from scrapers.access.calls import Answer, Call, Listed, Page
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider
from scrapers.known import KnownPost
from scrapers.parsers import facebook_page as parse
from scrapers.parsers.graph import read_time
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord


class FacebookPageSpider(GraphSpider):
    """Followers now, day values by Pacific day, posts newest first with their comments."""

    name = "facebook_page"
    version = "v25.0"
    people = parse.PEOPLE
    day_metrics = parse.DAY_METRICS
    days_kept = timedelta(days=2 * 365)
    can_split = True
    list_cap = 600  # ranked posts that a large page shows of a year

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        page = visit.channel.address
        yield Call(page, self.read_page, {"fields": parse.PAGE})
        yield from self.day_questions(visit, f"{page}/insights", "page", period="day")
        yield self.land_days

    def timeline(self, visit: CursorVisit, part: Window) -> Call:
        query = {
            "fields": parse.POST,
            "limit": 100,
            "since": int(part.start.timestamp()) - 1,
            "until": int(part.end.timestamp()),
        }
        return Call(f"{visit.channel.address}/published_posts", self.read_posts, query)

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        for post_id in posts:
            yield Call(post_id, self.read_post, {"fields": parse.POST}, asked=(post_id,))

    def read_page(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        page = JsonRecord(answer.data, self.people)
        page.id("id")
        followers, fans = (parse_counter(n, page.take(n)) for n in ("followers_count", "fan_count"))
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=page.text("name"),
            fan_count=followers["lo"],
            fan_count_how=followers["how"],
            counters=(followers, fans),
            raw=page.raw,
            unread=page.unread,
        )

    def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page of posts, however short, and ask for what each of them came to."""
        read = list(self.each(visit, answer.data["data"], partial(self.post, visit)))
        posts = [one for one in read if isinstance(one, PostRecord)]
        yield from (one for one in read if not isinstance(one, PostRecord))
        yield from (self._insights(post) for post in posts)
        after = self.next_page(answer)
        yield lambda v: iter([Page([self.listed(v, post) for post in posts], after)])

    def read_post(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, [answer.data], partial(self.post, visit))

    def listed(self, visit: CursorVisit, post: PostRecord) -> Listed:
        told = self.counters_told(visit, post.post_id)
        query = {
            "filter": "stream",
            "order": "chronological",
            "limit": 100,
            "summary": "true",
            "fields": parse.COMMENT,
        }
        path = f"{post.post_id}/comments"
        comments = Call(path, self.read_comments, query, root=post.post_id)
        counted = replace(post, counters=(*(post.counters or ()), *told))
        return Listed(counted, (comments,), parse.COMMENTS)

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        root = answer.call.root
        yield from self.each(
            visit, answer.data["data"], lambda item: self.comment(visit, item, root)
        )
        after = self.next_page(answer)
        if after is not None:
            yield after

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a post; `updated_time` also moves with every comment, so it tells no edit."""
        published = read_time(item.text("created_time"))
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            kind="article",
            author=visit.channel.address,
            body_text=item.text("message"),
            url=item.text("permalink_url"),
            published_at=published.at if published else None,
            published_precision=published.precision if published else None,
            published_raw=published.raw if published else None,
            counters=parse.post_counters(item),
            raw=item.raw,
            unread=item.unread,
        )

    def comment(self, visit: CursorVisit, item: JsonRecord, post_id: str | None) -> PostRecord:
        """Read a comment or reply; who wrote it is told only with pages_read_user_content."""
        published = read_time(item.id("created_time"))
        author = (item.take("from") or {}).get("id")
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            kind="comment",
            parent_id=item.find_id("parent.id") or post_id,
            root_id=post_id,
            author=str(author) if author else None,
            body_text=item.text("message"),
            url=item.text("permalink_url"),
            published_at=published.at if published else None,
            published_precision=published.precision if published else None,
            published_raw=published.raw if published else None,
            counters=parse.comment_counters(item),
            raw=item.raw,
            unread=item.unread,
        )

    def _insights(self, post: PostRecord) -> Any:
        return self.post_insights(post.post_id, "post", parse.POST_METRICS, period="lifetime")
