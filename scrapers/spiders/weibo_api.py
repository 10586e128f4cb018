"""Weibo's official API: an authorised account's own posts and the comments under them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from scrapy.http import Response

from lake import Window
from scrapers.access.calls import Answer, Call, Listed, Page, Problem
from scrapers.access.cursor import CursorSpider, CursorVisit
from scrapers.known import KnownPost
from scrapers.parsers import weibo as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord, dated


class WeiboApiSpider(CursorSpider):
    """One list of posts and one of comments, for a hundred calls a day do not reach further."""

    name = "weibo_api"
    people = parse.PEOPLE

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        yield Call("users/show.json", self.read_user, {"uid": visit.channel.address})
        yield Call("comments/timeline.json", self.read_comments, {"count": 50})

    def timeline(self, visit: CursorVisit, part: Window) -> Call:  # noqa: ARG002
        query = {"uid": visit.channel.address, "count": 100}
        return Call("statuses/user_timeline.json", self.read_statuses, query)

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        for post_id in posts:
            yield Call("statuses/show.json", self.read_status, {"id": post_id}, asked=(post_id,))

    def find_error(self, data: Any, response: Response) -> Problem | None:
        return parse.read_error(data) or super().find_error(data, response)

    def read_user(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        user = JsonRecord(answer.data, self.people)
        user.take("idstr")
        yield self.audience(
            visit,
            user,
            title=user.text("screen_name"),
            fans="followers_count",
            counters=parse.AUDIENCE,
        )

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take comments newest first, back to the age from which posts are left alone."""
        data, account = answer.data, visit.channel.address
        own = [c for c in data.get("comments") or [] if _owner(c) == account]
        read = list(self.each(visit, own, lambda item: self.comment(visit, item)))
        yield from read
        every = (parse.read_time(c.get("created_at")) for c in data.get("comments") or [])
        oldest = min((at.at for at in every if at), default=None)
        visit.facts["comments"] = visit.facts.get("comments", 0) + len(data.get("comments") or [])
        cursor, horizon = int(data.get("next_cursor") or 0), self.horizon(visit)
        if oldest is not None and oldest < horizon:
            yield lambda v: self._find_lost_comments(v, horizon)
        elif cursor:
            yield answer.call.turned(max_id=cursor)
        else:
            yield from self._end_comments(visit, data.get("total_number"), oldest)

    def _end_comments(
        self, visit: CursorVisit, total: Any, oldest: datetime | None
    ) -> Iterator[Any]:
        """End the list of comments where the platform ends it."""
        since = self.horizon(visit)
        if isinstance(total, int) and visit.facts["comments"] < total and oldest is not None:
            since = oldest
            visit.notes.append(
                f"of {total:,} comments {visit.facts['comments']:,} are shown: none before "
                f"{oldest:%Y-%m-%dT%H:%MZ}; crawl more often"
            )
        yield lambda v: self._find_lost_comments(v, since)

    def read_statuses(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page of posts; the platform ends the list before its declared total is reached."""
        data = answer.data
        read = list(self.each(visit, data["statuses"], lambda item: self.status(visit, item)))
        yield from (one for one in read if not isinstance(one, PostRecord))
        listed = [Listed(one) for one in read if isinstance(one, PostRecord)]
        cursor, total = int(data.get("next_cursor") or 0), data.get("total_number")
        shown = len(visit.in_part) + len(listed)
        yield Page(
            listed,
            answer.call.turned(max_id=cursor) if cursor else None,
            is_capped=isinstance(total, int) and shown < total,
            declared_total=total if isinstance(total, int) else None,
        )

    def read_status(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, [answer.data], lambda item: self.status(visit, item))

    def status(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        post_id, body = item.id("idstr"), item.text("text")
        reposted = item.find_id("retweeted_status.idstr")
        item.take("retweeted_status")
        published, edited = (parse.read_time(item.text(k)) for k in ("created_at", "edit_at"))
        is_cut = item.take("truncated") is True
        raw = item.raw
        raw.pop("retweeted_status", None)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind="repost" if reposted else "article",
            parent_id=reposted,
            author=visit.channel.address,
            body_text=body,
            url=self.url(visit, post_id),
            tags=parse.topics(body),
            **dated(published),
            edited_at=edited.at if edited else None,
            counters=parse.counters(item),
            is_truncated=item.take("isLongText") is True or is_cut,
            raw=raw,
            unread=item.unread,
        )

    def comment(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        post_id, author = item.id("idstr"), item.find_id("user.idstr")
        status, answered = item.id("status.idstr"), item.find_id("reply_comment.idstr")
        item.take("status")
        item.take("reply_comment")
        published = parse.read_time(item.text("created_at"))
        raw = {k: v for k, v in item.raw.items() if k not in ("status", "reply_comment")}
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind="comment",
            parent_id=answered or status,
            root_id=status,
            author=author,
            body_text=item.text("text"),
            url=self.url(visit, status),
            **dated(published),
            raw=raw,
            unread=item.unread,
        )

    def url(self, visit: CursorVisit, status_id: str) -> str:
        return f"{self.job.permalink_base}/{visit.channel.address}/{parse.short_id(status_id)}"

    def _find_lost_comments(self, visit: CursorVisit, start: datetime) -> Iterator[Any]:
        """Bury the known comments that the list of them, whole since `start`, left out."""
        end = visit.channel.end
        young = {
            post_id
            for post_id, post in visit.known.items()
            if post.kind == "comment" and post.published_at and start <= post.published_at < end
        }
        if not young or not young.isdisjoint(visit.seen):  # a list that shows none is broken
            yield from self._missing(visit, sorted(young))


def _owner(comment: Any) -> str | None:
    """Return under whose post a comment stands."""
    status = comment.get("status") if isinstance(comment, dict) else None
    user = status.get("user") if isinstance(status, dict) else None
    return str(user.get("idstr") or user.get("id")) if isinstance(user, dict) else None
