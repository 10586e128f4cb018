"""Threads: an account that one manages, its posts with insights, and the conversations below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lake.counters import parse_counter
from scrapers.access.calls import Answer, Call, Listed
from scrapers.access.cursor import CursorVisit
from scrapers.access.graph import GraphSpider
from scrapers.parsers import threads as parse
from scrapers.parsers.graph import read_insights
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord


class ThreadsSpider(GraphSpider):
    """Followers now, totals by Pacific day, posts newest first with all that was answered.

    What the account answered elsewhere is left out: it stands under posts of others.
    """

    name = "threads"
    version = "v1.0"
    people = parse.PEOPLE
    own_list = "threads"
    post_fields = parse.POST
    list_below = "conversation"
    query_below: ClassVar[Mapping[str, Any]] = {
        "fields": parse.REPLY,
        "limit": 100,
        "reverse": "false",
    }
    counter_below = parse.REPLIES
    day_metrics = parse.DAY_TOTALS
    late_days = 2  # the youngest days are still counted
    first_told = parse.FIRST_TOLD

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        account = visit.channel.address
        insights, a_day = f"{account}/threads_insights", {"period": "day"}
        yield from self.question(
            visit, insights, "account", [parse.FOLLOWERS], self.read_followers, **a_day
        )
        yield Call(account, self.read_account, {"fields": parse.ACCOUNT})
        yield from self.day_totals(visit, insights, "account", self.day_metrics, **a_day)
        yield self.land_days

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

    def listed(self, visit: CursorVisit, post: PostRecord) -> Listed:
        return Listed(post) if post.kind == "repost" else super().listed(visit, post)

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a post of the account's own, or its repost of another: an act without a word."""
        reposted = item.find_id("reposted_post.id")
        is_repost = item.text("media_type") == parse.REPOST
        return self.record(
            visit,
            item,
            item.text("timestamp"),
            kind="repost" if is_repost else "article",
            parent_id=reposted if is_repost else None,
            author=item.text("username"),
            body_text=item.text("text"),
            url=parse.address(item, is_own=True),
            tags=parse.tags(item),
        )

    def comment(self, visit: CursorVisit, item: JsonRecord, root: str | None) -> PostRecord:
        is_own = item.take("is_reply_owned_by_me") is True
        item.take("root_post")
        return self.record(
            visit,
            item,
            item.text("timestamp"),
            kind="comment",
            parent_id=item.find_id("replied_to.id") or root,
            root_id=root,
            author=item.text("username"),
            body_text=item.text("text"),
            url=parse.address(item, is_own=is_own),
            tags=parse.tags(item),
        )

    def insights_of(self, visit: CursorVisit, post: PostRecord) -> Iterator[Any]:  # noqa: ARG002
        if post.kind != "repost":
            yield self.post_insights(post.post_id, "post", parse.POST_METRICS)
