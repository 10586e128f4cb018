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
from scrapers.errors import ParsingFailedError, SiteChangedError
from scrapers.records import PostRecord, Refused

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


@dataclass(frozen=True)
class BoardPage:
    """One page of a board: threads newest first, and the next older page."""

    links: tuple[ThreadLink, ...]
    older_url: str | None


@dataclass
class BoardVisit(Visit):
    """Where the walk over one board stands."""

    pending: deque[ThreadLink] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)
    older_url: str | None = None
    overlap_left: int = 1
    reached_old: bool = False
    has_looked_for_lost: bool = False
    stale_pages: int = 0
    misread: int = 0
    oldest_read: datetime | None = None


class BoardSpider(ChannelSpider):
    """Walks boards; a source reads its board pages and its threads."""

    visit_class = BoardVisit

    def read_board(self, response: Response) -> BoardPage:
        """Read a board page; `SiteChangedError` when it is none."""
        raise NotImplementedError

    def read_thread(
        self, response: Response, visit: BoardVisit, link: ThreadLink
    ) -> Iterator[PostRecord]:
        """Read a thread; `ParsingFailedError` sends the page to quarantine."""
        raise NotImplementedError

    def thread_url(self, visit: BoardVisit, post_id: str) -> str:
        """Return where a known thread lies, listed or not."""
        raise NotImplementedError

    def tombstone(self, visit: BoardVisit, link: ThreadLink) -> PostRecord:
        """Say that a known thread is gone."""
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=link.post_id,
            kind=visit.known[link.post_id].kind,
            published_at=link.published_at,
            published_precision="second",
            is_deleted=True,
        )

    def begin(self, visit: BoardVisit) -> Iterator[Any]:
        yield self.fetch(visit, visit.channel.url, self._on_board)

    def sure_part(self, visit: BoardVisit) -> Window | None:
        start = max(visit.oldest_read or visit.channel.end, visit.channel.start)
        return Window(start, visit.channel.end) if start < visit.channel.end else None

    def horizon(self, visit: BoardVisit) -> datetime:
        """Return the age from which threads are left alone."""
        days = float(visit.channel.options.get("revisit_days", self.job.revisit_days))
        return min(visit.channel.start, visit.channel.end - timedelta(days=days))

    def _on_board(self, response: Response, visit: BoardVisit) -> Iterator[Any]:
        if response.status != 200:
            raise SiteChangedError(
                f"{shown(response.url)}: expected a board page, found HTTP {response.status}; "
                "is the address right, and its upper and lower case?"
            )
        page = self.read_board(response)
        fresh = [link for link in page.links if link.post_id not in visit.seen]
        visit.seen.update(link.post_id for link in fresh)
        visit.stale_pages = 0 if fresh else visit.stale_pages + 1
        visit.overlap_left -= visit.reached_old
        horizon = self.horizon(visit)
        visit.reached_old = visit.reached_old or any(x.published_at < horizon for x in fresh)
        visit.pending.extend(link for link in fresh if self._is_due(visit, link, horizon))
        visit.older_url = page.older_url
        yield from self._advance(visit)

    def _is_due(self, visit: BoardVisit, link: ThreadLink, horizon: datetime) -> bool:
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
        elif not visit.has_looked_for_lost:
            visit.has_looked_for_lost = True
            visit.pending.extend(self._lost(visit))
            yield from self._advance(visit)
        else:
            reason = StopReason.REACHED_WATERMARK if visit.reached_old else StopReason.EXHAUSTED
            yield from self.finish(visit, reason, visit.channel_window())

    def _lost(self, visit: BoardVisit) -> Iterator[ThreadLink]:
        """List the known threads that the board should have listed and did not."""
        start, end = self.horizon(visit), visit.channel.end
        for post_id, post in visit.known.items():
            at = post.published_at
            is_listed = post_id in visit.seen or post.is_deleted
            if not is_listed and at is not None and start <= at < end:
                yield ThreadLink(post_id, self.thread_url(visit, post_id), at)

    def _on_thread(self, response: Response, visit: BoardVisit, link: ThreadLink) -> Iterator[Any]:
        if response.status == 404:
            if link.post_id in visit.known:
                yield self.tombstone(visit, link)
        else:
            yield from self._read_or_refuse(response, visit, link)
        visit.oldest_read = min(link.published_at, visit.oldest_read or link.published_at)
        yield from self._advance(visit)

    def _read_or_refuse(
        self, response: Response, visit: BoardVisit, link: ThreadLink
    ) -> Iterator[Any]:
        try:
            if response.status != 200:
                raise ParsingFailedError("status", f"expected HTTP 200, found {response.status}")
            yield from list(self.read_thread(response, visit, link))
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
