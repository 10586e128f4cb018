"""Bluesky: posts, replies and reposts of an account or a custom feed, by the public AppView."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from scrapy.http import Response

from lake import Window
from scrapers.access.calls import Answer, Call, Listed, Page, Problem, Trouble, problem_by_status
from scrapers.access.cursor import CursorSpider, CursorVisit
from scrapers.errors import ParsingFailedError
from scrapers.parsers import bluesky as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord, dated

XRPC = "xrpc/app.bsky."
DEPTH = 100  # of replies to replies; answers nest with them, and JSON is read to a bound


class BlueskySpider(CursorSpider):
    """The whole feed newest first; a known post that it leaves out is gone."""

    name = "bluesky"
    people = parse.PEOPLE
    is_whole = True

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        actor = visit.channel.address.partition("/")[0]
        yield Call(f"{XRPC}actor.getProfile", self.read_profile, {"actor": actor})

    def timeline(self, visit: CursorVisit, part: Window) -> Call:  # noqa: ARG002
        did, feed = visit.facts["did"], visit.channel.address.partition("/feed/")[2]
        if feed:
            uri = f"at://{did}/app.bsky.feed.generator/{feed}"
            return Call(f"{XRPC}feed.getFeed", self.read_feed, {"feed": uri, "limit": 100})
        query = {"actor": did, "limit": 100, "filter": "posts_with_replies"}
        return Call(f"{XRPC}feed.getAuthorFeed", self.read_feed, query)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        problem = problem_by_status(data, response, parse.KINDS)
        if problem is None or "not found" not in problem.message.lower():
            return problem
        return replace(problem, kind=Trouble.GONE)

    def read_profile(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        profile = JsonRecord(answer.data, self.people)
        visit.facts["did"] = profile.id("did")
        yield self.audience(
            visit,
            profile,
            title=profile.text("displayName") or profile.text("handle"),
            fans="followersCount",
            counters=parse.AUDIENCE,
        )

    def read_feed(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        items = [i for i in answer.data["feed"] if not parse.is_hidden(_author(i))]
        read = list(self.each(visit, items, lambda item: self.listed(visit, item)))
        yield from (one for one in read if not isinstance(one, Listed))
        cursor = answer.data.get("cursor")
        yield Page(
            [one for one in read if isinstance(one, Listed)],
            answer.call.turned(cursor=cursor) if cursor else None,
        )

    def listed(self, visit: CursorVisit, item: JsonRecord) -> Listed:
        """Read an entry of a feed: a post with what stands under it, a reply, or a repost."""
        reason = item.take("reason")
        if isinstance(reason, dict) and reason.get("$type", "").endswith("#reasonRepost"):
            return Listed(self.repost(visit, item))
        uri = item.id("post.uri")
        record = self.post(visit, JsonRecord(item.take("post"), self.people))
        is_pinned = isinstance(reason, dict)
        if record.kind == "comment":
            return Listed(record, is_pinned=is_pinned)
        query = {"uri": uri, "depth": DEPTH, "parentHeight": 0}
        thread = Call(f"{XRPC}feed.getPostThread", self.read_thread, query, root=record.post_id)
        return Listed(record, (thread,), "replyCount", is_pinned=is_pinned)

    def read_thread(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        posts = [p for p in parse.replies(answer.data.get("thread")) if not parse.is_hidden(_by(p))]
        yield from self.each(visit, posts, lambda item: self.post(visit, item))

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        uri, author = item.id("uri"), item.id("author.did")
        parent, root = item.text("record.reply.parent.uri"), item.text("record.reply.root.uri")
        item.take("record.reply")
        item.take("record.langs")
        at = parse.published(item)
        if at is None:
            raise ParsingFailedError(
                "no_time", "expected record.createdAt or indexedAt, found none"
            )
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=parse.name_in(uri),
            kind="comment" if parent else "article",
            parent_id=parse.name_in(parent) if parent else None,
            root_id=parse.name_in(root) if root else None,
            author=author,
            body_text=item.text("record.text"),
            url=self.url(visit, uri, author),
            tags=parse.tags(item),
            published_at=at.at,
            published_precision=at.precision,
            published_raw=at.raw,
            counters=parse.counters(item),
            raw=item.raw,
            unread=item.unread,
        )

    def repost(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read a repost: an act of its own, without a word of its own."""
        name = parse.name_in(item.id("post.uri"))
        uri, at = item.text("reason.uri"), parse.read_time(item.text("reason.indexedAt"))
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=parse.name_in(uri) if uri else f"{name}#repost",
            kind="repost",
            parent_id=name,
            author=item.find_id("reason.by.did"),
            **dated(at),
        )

    def url(self, visit: CursorVisit, uri: str, author: str) -> str | None:
        """Return the permalink of the channel's own post; anybody else's would name its author."""
        if author != visit.facts["did"]:
            return None
        handle = visit.channel.address.partition("/")[0]
        return f"{self.job.permalink_base}/profile/{handle}/post/{parse.name_in(uri)}"


def _author(item: Any) -> Any:
    return _by(item.get("post")) if isinstance(item, dict) else None


def _by(post: Any) -> Any:
    return post.get("author") if isinstance(post, dict) else None
