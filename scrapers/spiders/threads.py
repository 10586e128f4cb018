"""Threads: an account that one manages, its posts with insights, and the conversations below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lake import Window
from lake.counters import parse_counter
from scrapers.access.calls import Answer, Call, Listed, Page
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider
from scrapers.known import KnownPost
from scrapers.parsers import threads as parse
from scrapers.parsers.graph import read_insights, read_time
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord


class ThreadsSpider(GraphSpider):
    """Followers now, totals by Pacific day, posts newest first with all that was answered.

    What the account answered elsewhere is left out: it stands under posts of others.
    """

    name = "threads"
    version = "v1.0"
    people = parse.PEOPLE
    day_metrics = parse.DAY_TOTALS
    late_days = 2  # the youngest days are still counted
    first_told = parse.FIRST_TOLD
    can_split = True

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        account = visit.channel.address
        insights, a_day = f"{account}/threads_insights", {"period": "day"}
        yield from self.question(
            visit, insights, "account", [parse.FOLLOWERS], self.read_followers, **a_day
        )
        yield Call(account, self.read_account, {"fields": parse.ACCOUNT})
        yield from self.day_totals(visit, insights, "account", self.day_metrics, **a_day)
        yield self.land_days

    def timeline(self, visit: CursorVisit, part: Window) -> Call:
        query = {
            "fields": parse.POST,
            "limit": 100,
            "since": int(part.start.timestamp()) - 1,
            "until": int(part.end.timestamp()),
        }
        return Call(f"{visit.channel.address}/threads", self.read_posts, query)

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        for post_id in posts:
            yield Call(post_id, self.read_post, {"fields": parse.POST}, asked=(post_id,))

    def read_followers(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        told = {one.name: one.value for one in read_insights(answer.data)}
        visit.facts["followers"] = told.get(parse.FOLLOWERS)
        yield from ()

    def read_account(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        """Land the audience, which is a metric here; where that is refused it stays unknown."""
        account = JsonRecord(answer.data, self.people)
        account.id("id")
        followers = parse_counter(parse.FOLLOWERS, visit.facts.get("followers"))
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=account.text("name") or account.text("username"),
            fan_count=followers["lo"],
            fan_count_how=followers["how"],
            counters=(followers,),
            raw=account.raw,
            unread=account.unread,
        )

    def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page of posts, however short, and ask for what each of them came to."""
        read = list(self.each(visit, answer.data["data"], partial(self.post, visit)))
        posts = [one for one in read if isinstance(one, PostRecord)]
        yield from (one for one in read if not isinstance(one, PostRecord))
        own = (post for post in posts if post.kind != "repost")
        yield from (self.post_insights(p.post_id, "post", parse.POST_METRICS) for p in own)
        after = self.next_page(answer)
        yield lambda v: iter([Page([self.listed(v, post) for post in posts], after)])

    def read_post(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, [answer.data], partial(self.post, visit))

    def listed(self, visit: CursorVisit, post: PostRecord) -> Listed:
        if post.kind == "repost":
            return Listed(post)
        query = {"fields": parse.REPLY, "limit": 100, "reverse": "false"}
        path = f"{post.post_id}/conversation"
        replies = Call(path, self.read_replies, query, root=post.post_id)
        told = self.counters_told(visit, post.post_id)
        return Listed(replace(post, counters=told or None), (replies,), parse.REPLIES)

    def read_replies(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        root = answer.call.root
        yield from self.each(visit, answer.data["data"], lambda item: self.reply(visit, item, root))
        after = self.next_page(answer)
        if after is not None:
            yield after

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a post of the account's own, or its repost of another: an act without a word."""
        published = read_time(item.text("timestamp"))
        reposted = item.find_id("reposted_post.id")
        is_repost = item.text("media_type") == parse.REPOST
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            kind="repost" if is_repost else "article",
            parent_id=reposted if is_repost else None,
            author=item.text("username"),
            body_text=item.text("text"),
            url=parse.address(item, is_own=True),
            tags=parse.tags(item),
            published_at=published.at if published else None,
            published_precision=published.precision if published else None,
            published_raw=published.raw if published else None,
            raw=item.raw,
            unread=item.unread,
        )

    def reply(self, visit: CursorVisit, item: JsonRecord, root: str | None) -> PostRecord:
        published = read_time(item.text("timestamp"))
        is_own = item.take("is_reply_owned_by_me") is True
        item.take("root_post")
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            kind="comment",
            parent_id=item.find_id("replied_to.id") or root,
            root_id=root,
            author=item.text("username"),
            body_text=item.text("text"),
            url=parse.address(item, is_own=is_own),
            tags=parse.tags(item),
            published_at=published.at if published else None,
            published_precision=published.precision if published else None,
            published_raw=published.raw if published else None,
            raw=item.raw,
            unread=item.unread,
        )
