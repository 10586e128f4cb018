"""Boards: pages of threads, newest first, with older pages behind them.

The walk goes back to where nothing new can be: the older of the window's start and the revisit
horizon, and one page further, because deletions shift rows from page to page. Threads are read in
that order, newest first, so a walk that is cut short has covered the time from the oldest thread it
read to the window's end. A page without any row that was not seen before is counted; two in a row
end the walk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scrapy.http import Response

from lake import StopReason, Window
from scrapers.access.channel import ChannelSpider, Visit, shown
from scrapers.errors import ParsingFailedError, SiteChangedError, ThreadGoneError
from scrapers.known import KnownPost
from scrapers.records import PostRecord, Record, Refused

STALE_PAGES = 2
MISREAD_IN_A_ROW = 3


@dataclass(frozen=True)
class ThreadLink:
    """A thread as its board lists it; `printed` is what the row said."""

    post_id: str
    url: str
    published_at: datetime
    author: str | None = None
    score: Mapping[str, Any] | None = None
    printed: Mapping[str, str] = field(default_factory=dict)
    active_at: datetime | None = None  # its last reply, at the latest, where that is the order
    vagueness: timedelta = timedelta(0)  # how much earlier that may have been
    is_pinned: bool = False
    unread: frozenset[str] = frozenset()  # keys of its row that nobody took

    @property
    def ordered_at(self) -> datetime:
        """Return the time by which the board sorts it."""
        return self.active_at or self.published_at


@dataclass(frozen=True)
class BoardPage:
    """One page of a board: threads in its order, and the next older page.

    `is_cut`: the site shows no older page though there are older threads.
    """

    links: tuple[ThreadLink, ...]
    older_url: str | None
    is_cut: bool = False


@dataclass
class BoardVisit(Visit):
    """Where the walk over one board stands."""

    pending: deque[ThreadLink] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)
    older_url: str | None = None
    overlap_left: int = 1
    reached_old: bool = False
    is_cut: bool = False
    has_looked_for_lost: bool = False
    stale_pages: int = 0
    misread: int = 0
    oldest_read: datetime | None = None


class BoardSpider(ChannelSpider):
    """Walks boards; a source reads its board pages and its threads."""

    visit_class = BoardVisit

    def read_board(self, response: Response, visit: Any) -> BoardPage:
        """Read a board page; `SiteChangedError` when it is none."""
        raise NotImplementedError

    def read_thread(
        self, response: Response, visit: Any, link: ThreadLink
    ) -> Iterator[PostRecord | ThreadLink]:
        """Read a page of a thread; a link among the records is its next page.

        `ParsingFailedError` sends the page to quarantine, `ThreadGoneError` leaves a tombstone.
        """
        raise NotImplementedError

    def thread_url(self, visit: Any, post_id: str) -> str:
        """Return where a known thread lies, listed or not."""
        raise NotImplementedError

    def tombstones(self, visit: Any, link: ThreadLink) -> Iterator[PostRecord]:
        """Say that a thread is gone, if it was known."""
        if link.post_id in visit.known:
            yield PostRecord(
                channel_id=visit.channel.id,
                post_id=link.post_id,
                kind=visit.known[link.post_id].kind,
                published_at=link.published_at,
                published_precision="second",
                is_deleted=True,
            )

    def first_url(self, visit: Any) -> str:
        """Return the first page of the board."""
        url: str = visit.channel.url
        return url

    def begin(self, visit: BoardVisit) -> Iterator[Any]:
        yield self.fetch(visit, self.first_url(visit), self._on_board)

    def sure_part(self, visit: BoardVisit) -> Window | None:
        start = max(visit.oldest_read or visit.channel.end, visit.channel.start)
        return Window(start, visit.channel.end) if start < visit.channel.end else None

    def horizon(self, visit: BoardVisit) -> datetime:
        """Return the age from which threads are left alone."""
        days = float(visit.channel.options.get("revisit_days", self.job.revisit_days))
        return min(visit.channel.start, visit.channel.before(days))

    def _on_board(self, response: Response, visit: BoardVisit) -> Iterator[Any]:
        if response.status != 200:
            raise SiteChangedError(
                f"{shown(response.url)}: expected a board page, found HTTP {response.status}; "
                "is the address right, and its upper and lower case?"
            )
        page = self.read_board(response, visit)
        fresh = [link for link in page.links if link.post_id not in visit.seen]
        yield from self.take(visit, page, fresh)
        visit.seen.update(link.post_id for link in fresh)
        visit.stale_pages = 0 if fresh else visit.stale_pages + 1
        visit.overlap_left -= visit.reached_old
        horizon = self.horizon(visit)
        visit.reached_old = visit.reached_old or any(
            x.ordered_at < horizon for x in fresh if not x.is_pinned
        )
        visit.pending.extend(link for link in fresh if self.must_read(visit, link, horizon))
        visit.older_url, visit.is_cut = page.older_url, page.is_cut
        yield from self._advance(visit)

    def take(self, visit: Any, page: BoardPage, fresh: list[ThreadLink]) -> Iterator[Record]:  # noqa: ARG002
        """Take note of a page of the walk, `fresh` of which was not seen before."""
        yield from ()

    def must_read(self, visit: Any, link: ThreadLink, horizon: datetime) -> bool:
        """Whether a thread is read: its turn has come, or a page of it was refused last time."""
        is_refused = link.post_id in visit.refused and link.published_at < visit.channel.end
        return is_refused or self.is_due(visit, link, horizon)

    def is_due(self, visit: Any, link: ThreadLink, horizon: datetime) -> bool:
        """Whether a thread is read: young enough, or its score moved since we last looked."""
        if not horizon <= link.published_at:
            known = visit.known.get(link.post_id)
            return known is not None and link.score not in (None, known.counter("score"))
        return link.published_at < visit.channel.end

    def _advance(self, visit: BoardVisit) -> Iterator[Any]:
        """Take the next step: a thread, an older page, a lost thread, or the end."""
        limit = self.limit_reached(visit)
        if limit:
            yield from self.finish(visit, limit[0], self.sure_part(visit), detail=limit[1])
        elif visit.pending:
            link = visit.pending.popleft()
            yield self.fetch(visit, link.url, lambda r, v: self._on_thread(r, v, link))
        elif visit.stale_pages >= STALE_PAGES:
            detail = f"{STALE_PAGES} pages in a row showed nothing new; the paging goes in circles"
            yield from self.finish(
                visit, StopReason.BLANK_PAGE, self.sure_part(visit), detail=detail
            )
        elif visit.older_url and not (visit.reached_old and visit.overlap_left <= 0):
            yield self.fetch(visit, visit.older_url, self._on_board)
        else:
            yield from self.after_walk(visit)

    def after_walk(self, visit: Any) -> Iterator[Any]:
        """Look for the threads that were not listed, then end the channel."""
        if not visit.has_looked_for_lost:
            visit.has_looked_for_lost = True
            visit.pending.extend([*self.lost(visit), *self.refused_before(visit)])
            yield from self._advance(visit)
        elif visit.is_cut and not visit.reached_old:
            detail = "the site shows no older page though there are older threads"
            yield from self.finish(visit, StopReason.CAP, self.sure_part(visit), detail=detail)
        else:
            reason = StopReason.REACHED_WATERMARK if visit.reached_old else StopReason.EXHAUSTED
            yield from self.finish(visit, reason, visit.channel_window())

    def lost(self, visit: Any) -> Iterator[ThreadLink]:
        """List the known threads that the board should have listed and did not."""
        start, end = self.horizon(visit), visit.channel.end
        for post_id, post in visit.known.items():
            at = post.published_at
            is_listed = post_id in visit.seen or post.is_deleted
            if not is_listed and at is not None and start <= at < end:
                yield ThreadLink(post_id, self.thread_url(visit, post_id), at)

    def refused_before(self, visit: Any) -> Iterator[ThreadLink]:
        """List the threads of which a page was refused last time and that were not met again."""
        for post_id in sorted(visit.refused - visit.seen):
            at = self.opened_at(visit, post_id)
            if at is not None and at < visit.channel.end:
                yield ThreadLink(post_id, self.thread_url(visit, post_id), at, is_pinned=True)

    def opened_at(self, visit: Any, post_id: str) -> datetime | None:
        """Return when a thread was opened; None when nothing tells."""
        known: KnownPost | None = visit.known.get(post_id)
        return known.published_at if known and not known.is_deleted else None

    def _on_thread(self, response: Response, visit: BoardVisit, link: ThreadLink) -> Iterator[Any]:
        goes_on = False
        for step in self._read_or_refuse(response, visit, link):
            if isinstance(step, ThreadLink):
                goes_on = True
                visit.pending.appendleft(step)
            else:
                yield step
        if not goes_on and not link.is_pinned:
            visit.oldest_read = min(link.ordered_at, visit.oldest_read or link.ordered_at)
        yield from self._advance(visit)

    def _read_or_refuse(
        self, response: Response, visit: BoardVisit, link: ThreadLink
    ) -> Iterator[Any]:
        try:
            yield from self._read(response, visit, link)
            visit.misread = 0
        except ParsingFailedError as error:
            visit.misread += 1
            if visit.misread >= MISREAD_IN_A_ROW:
                raise SiteChangedError(
                    f"{visit.misread} threads in a row could not be read; the last: {error}. The "
                    "site may have changed: docs/runbook.md#changed-site"
                ) from None
            yield Refused(
                channel_id=visit.channel.id,
                table="posts",
                rule=error.rule,
                reason=str(error),
                raw={"url": shown(response.url), "bytes": len(response.body)},
                record_id=link.post_id,
            )

    def _read(self, response: Response, visit: BoardVisit, link: ThreadLink) -> list[Any]:
        """Return all that a page brings, or nothing of it: it is read before anything is said."""
        if response.status == 404:
            return list(self.tombstones(visit, link))
        if response.status != 200:
            raise ParsingFailedError("status", f"expected HTTP 200, found {response.status}")
        try:
            return list(self.read_thread(response, visit, link))
        except ThreadGoneError:
            return list(self.tombstones(visit, link))
