"""Forums: boards that are sorted by the last reply, threads that go on for pages.

What is covered. A post of the window makes its thread active in the window, so the walk down the
list to the first thread that fell silent before it meets the thread of every such post. Whoever
answers while we walk lifts an unread thread over our heads; so a walk of several pages ends with a
look at the top, down to where the list stood when it began, until one page shows all of that. Cut
short, the walk has covered the time from the last reply of the thread it read last. Pinned threads
lie outside the order: they are read first and say nothing about how far the walk came.

What is read. A thread is left alone when its count of replies and its last reply are the ones that
were landed, and it was silent for `reread_days`: edits show only to whoever looks again. Of one
that is read, the first page is, and the later ones from the last backwards until one begins before
all that is looked for. When the site counts fewer posts than were landed, somebody's was removed,
and the pages between are read, too.

A list in another order would make all of this untrue, so it ends the channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, NoReturn

from scrapy.http import Response

from lake import Window
from lake.schemas import Precision
from lake.times import Instant
from scrapers.access.board import BoardPage, BoardSpider, BoardVisit, ThreadLink
from scrapers.access.channel import shown
from scrapers.access.thread_pages import ThreadReading
from scrapers.errors import SiteChangedError
from scrapers.known import KnownPost
from scrapers.records import PostRecord, Record

REREAD_DAYS = 3.0  # most edits and second thoughts come within days
REPLIES = "reply"  # the counter by which a thread is told to have changed
# How much later than printed something may have happened, and how much earlier.
LATER = {Precision.MINUTE: timedelta(minutes=1), Precision.DAY: timedelta(days=1)}
EARLIER = {Precision.INFERRED: timedelta(hours=1)}


@dataclass
class ActivityVisit(BoardVisit):
    """Where the walk over a forum stands, and what it holds of every thread."""

    walked: int = 0
    was_short: bool = False  # the first page alone reached the horizon
    top_at: datetime | None = None
    last_at: datetime | None = None
    next_top_at: datetime | None = None
    looked: int = 0  # pages of the present look at the top
    readings: dict[str, ThreadReading] = field(default_factory=dict)
    is_disordered: bool = False

    @cached_property
    def threads(self) -> dict[str, dict[str, KnownPost]]:
        """Return the known living posts by thread, the opening one among them."""
        found: dict[str, dict[str, KnownPost]] = defaultdict(dict)
        for post_id, post in self.known.items():
            if not post.is_deleted:
                found[post.root_id or post_id][post_id] = post
        return dict(found)


class ActivityBoardSpider(BoardSpider):
    """Walks forums; a source reads its lists and its threads."""

    visit_class = ActivityVisit

    def sure_part(self, visit: Any) -> Window | None:
        return None if visit.is_disordered else super().sure_part(visit)

    def since(self, visit: ActivityVisit) -> datetime:
        """Return the time from which posts are looked for, new or changed."""
        days = float(visit.channel.options.get("reread_days", REREAD_DAYS))
        return min(visit.channel.start, visit.channel.before(days))

    def is_due(self, visit: Any, link: ThreadLink, horizon: datetime) -> bool:
        """Whether a thread is read: it changed, or it may have been edited."""
        if link.ordered_at < horizon or link.published_at >= visit.channel.end:
            return False
        held = visit.threads.get(link.post_id)
        if held is None or link.post_id not in held:
            return True
        return link.ordered_at >= self.since(visit) or self._has_changed(held, link)

    def lost(self, visit: Any) -> Iterator[ThreadLink]:
        """List the known threads that should have been listed, by their last known post."""
        start, end = self.horizon(visit), visit.channel.end
        for root_id, held in visit.threads.items():
            opening = visit.known.get(root_id)
            if root_id in visit.seen or opening is None or opening.is_deleted:
                continue
            last = self._last_of(held, root_id)
            if last is not None and start <= last < end:
                at = opening.published_at or last
                url = self.thread_url(visit, root_id)
                yield ThreadLink(root_id, url, at, active_at=last, is_pinned=True)

    def tombstones(self, visit: Any, link: ThreadLink) -> Iterator[PostRecord]:
        """Say that a thread is gone, and every known post with it."""
        for post_id in visit.threads.get(link.post_id, ()):
            yield self.tombstone(visit, post_id)

    def tombstone(self, visit: ActivityVisit, post_id: str) -> PostRecord:
        """Say that a known post is gone."""
        post = visit.known[post_id]
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind=post.kind,
            root_id=post.root_id,
            published_at=post.published_at,
            published_precision=post.published_precision,
            published_raw=post.published_raw,
            is_deleted=True,
        )

    def number_of(self, post_id: str) -> int | None:
        """Return the number of a reply, which grows with time; None for what is no reply."""
        raise NotImplementedError

    def reading(self, visit: ActivityVisit, root_id: str) -> ThreadReading:
        """Return how far a thread was read in this visit."""
        if root_id not in visit.readings:
            ids = visit.threads.get(root_id, {})
            held = {n: post_id for post_id in ids if (n := self.number_of(post_id)) is not None}
            since = visit.channel.floor if root_id in visit.refused else self.since(visit)
            visit.readings[root_id] = ThreadReading(since, held)
        return visit.readings[root_id]

    def take(self, visit: Any, page: BoardPage, fresh: list[ThreadLink]) -> Iterator[Record]:
        yield from super().take(visit, page, fresh)
        ordinary = _ordinary(page.links)
        self._require_order(visit, ordinary)
        came_late = [at for at in _ordinary(fresh) if visit.last_at and at > visit.last_at]
        if came_late:
            self._refuse_order(visit, f"{came_late[0]:%Y-%m-%dT%H:%MZ} on a later page")
        visit.walked += 1
        visit.last_at = ordinary[-1] if ordinary else visit.last_at
        if visit.walked == 1 and ordinary:
            visit.top_at = ordinary[0]
            visit.was_short = ordinary[-1] < self.horizon(visit)

    def _require_order(self, visit: ActivityVisit, ordinary: list[datetime]) -> None:
        wrong = next((b for a, b in pairwise(ordinary) if b > a), None)
        if wrong is not None:
            self._refuse_order(visit, f"{wrong:%Y-%m-%dT%H:%MZ} below an older one")

    def _refuse_order(self, visit: ActivityVisit, found: str) -> NoReturn:
        visit.is_disordered = True
        raise SiteChangedError(
            f"{shown(visit.channel.url)}: expected threads sorted by their last reply, found "
            f"{found}; nothing tells what was missed. Write an address that sorts so: "
            "docs/runbook.md#forum-order"
        )

    def _has_changed(self, held: Mapping[str, KnownPost], link: ThreadLink) -> bool:
        """Whether the list counts other replies than were landed, or names another last one."""
        told, known = link.score, held[link.post_id].counter(REPLIES)
        if told is None or known is None:
            return True
        last = self._last_of(held, link.post_id)
        is_last = last is not None and timedelta(0) <= link.ordered_at - last <= link.vagueness
        return (known["lo"], known["hi"]) != (told["lo"], told["hi"]) or not is_last

    def _last_of(self, held: Mapping[str, KnownPost], root_id: str) -> datetime | None:
        """Return when the last known post of a thread was written."""
        counted = (p for i, p in held.items() if i == root_id or self.number_of(i) is not None)
        return max((p.published_at for p in counted if p.published_at is not None), default=None)

    def after_walk(self, visit: Any) -> Iterator[Any]:
        if self._must_look_again(visit):
            visit.looked = 1
            yield self.fetch(visit, self.first_url(visit), self._on_top)
        else:
            yield from super().after_walk(visit)

    def _must_look_again(self, visit: ActivityVisit) -> bool:
        was_one_page = visit.was_short or visit.walked == 1
        return not (visit.looked or was_one_page or visit.top_at is None)

    def _on_top(self, response: Response, visit: ActivityVisit) -> Iterator[Any]:
        """Read what came up while we walked; a look of one page has missed nothing."""
        page = self.read_board(response, visit)
        fresh = [link for link in page.links if link.post_id not in visit.seen]
        visit.seen.update(link.post_id for link in fresh)
        horizon = self.horizon(visit)
        visit.pending.extend(link for link in fresh if self.must_read(visit, link, horizon))
        ordinary = _ordinary(page.links)
        self._require_order(visit, ordinary)
        if visit.looked == 1 and ordinary:
            visit.next_top_at = ordinary[0]
        is_through = any(at <= visit.top_at for at in ordinary) if visit.top_at else True
        if page.older_url and not is_through and self.limit_reached(visit) is None:
            visit.looked += 1
            yield self.fetch(visit, page.older_url, self._on_top)
        else:
            if visit.looked > 1:
                visit.looked, visit.top_at = 0, visit.next_top_at
            yield from self._advance(visit)


def latest(instant: Instant) -> datetime:
    """Return until when something printed so may have happened."""
    return instant.at + LATER.get(instant.precision, timedelta(0))


def vagueness(instant: Instant) -> timedelta:
    """Return how much earlier than `latest` something printed so may have happened."""
    return (LATER | EARLIER).get(instant.precision, timedelta(0))


def _ordinary(links: Iterable[ThreadLink]) -> list[datetime]:
    return [link.ordered_at for link in links if not link.is_pinned]
