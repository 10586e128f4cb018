"""Mastodon: statuses of an account or a hashtag and the replies under them, by the public API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from lake import Window
from scrapers.access.calls import Answer, Call, Listed, Page
from scrapers.access.cursor import CursorSpider, CursorVisit
from scrapers.known import KnownPost
from scrapers.parsers import mastodon as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord, dated

MOST_SHOWN = 60  # replies that an instance shows to whoever has no token


class MastodonSpider(CursorSpider):
    """Newest first, by the Link header; a status that its id does not find any more is gone."""

    name = "mastodon"
    people = parse.PEOPLE
    most_blank_pages = 3

    def base(self, visit: CursorVisit) -> str:
        """Return the instance of an address; a short address stands at the source's own."""
        parts = urlsplit(visit.channel.address)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else super().base(visit)

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        name = unquote(visit.channel.address.rstrip("/").rpartition("/")[2])
        visit.facts["name"] = name
        if name.startswith("@"):
            query = {"acct": name.removeprefix("@")}
            yield Call("api/v1/accounts/lookup", self.read_account, query)

    def timeline(self, visit: CursorVisit, part: Window) -> Call:  # noqa: ARG002
        account, tag = visit.facts.get("id"), quote(visit.facts["name"], safe="")
        path = f"accounts/{account}/statuses" if account else f"timelines/tag/{tag}"
        return Call(f"api/v1/{path}", self.read_statuses, {"limit": 40})

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        for post_id in posts:
            yield Call(f"api/v1/statuses/{post_id}", self.read_status, asked=(post_id,))

    def read_account(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        account = JsonRecord(answer.data, self.people)
        visit.facts["id"] = account.id("id")
        yield self.audience(
            visit,
            account,
            title=account.text("display_name") or account.text("acct"),
            fans="followers_count",
            counters=parse.AUDIENCE,
        )

    def read_statuses(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        read = list(self.each(visit, _shown(answer.data), lambda item: self.listed(visit, item)))
        yield from (one for one in read if not isinstance(one, Listed))
        older = answer.link("next")
        yield Page(
            [one for one in read if isinstance(one, Listed)],
            answer.call.at(older) if older else None,
        )

    def listed(self, visit: CursorVisit, item: JsonRecord) -> Listed:
        record = self.status(visit, item)
        if record.kind != "article":
            return Listed(record)
        context = f"api/v1/statuses/{record.post_id}/context"
        return Listed(
            record, (Call(context, self.read_context, root=record.post_id),), "replies_count"
        )

    def read_context(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        root, below = answer.call.root, answer.data.get("descendants") or []
        if len(below) >= MOST_SHOWN and root and self.secrets.of(visit.channel) is None:
            visit.unsure.add(root)
        yield from self.each(visit, _shown(below), lambda item: self.status(visit, item, root))

    def read_status(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, _shown([answer.data]), lambda item: self.status(visit, item))

    def status(self, visit: CursorVisit, item: JsonRecord, root: str | None = None) -> PostRecord:
        post_id, boosted = item.id("id"), item.find_id("reblog.id")
        item.take("reblog")
        parent = item.find_id("in_reply_to_id")
        known = visit.known.get(post_id)
        published = parse.read_time(item.text("created_at"))
        edited = parse.read_time(item.text("edited_at"))
        kind = "repost" if boosted else "comment" if parent else "article"
        body = parse.text(item)
        raw = {**item.raw, "content": body}  # as markup, it would part an @ from the name behind it
        raw.pop("reblog", None)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind=kind,
            parent_id=boosted or parent,
            root_id=root or (known.root_id if known else None),
            author=item.text("account.acct"),
            title_text=item.text("spoiler_text"),
            body_text=None if boosted else body,
            url=f"{self.base(visit)}/statuses/{post_id}",
            tags=parse.tags(item),
            **dated(published),
            edited_at=edited.at if edited else None,
            counters=parse.counters(item),
            raw=raw,
            unread=item.unread,
        )


def _shown(statuses: Any) -> Any:
    """Leave out whoever asks to be left out."""
    if not isinstance(statuses, list):
        return statuses
    return [s for s in statuses if not parse.shuns_robots(_account(s))]


def _account(status: Any) -> Any:
    return status.get("account") if isinstance(status, dict) else None
