"""Feeds: one conditional request a channel, every entry a record.

What is covered. A feed shows its newest entries and nothing else, so the question is how far back
it reaches. When it still shows an entry that was landed before, or one older than what was covered
last, nothing between was missed: covered from there on. When it does not, the time between is lost
for good: `cap`, and a hole that no later crawl can close. The first time, it covers from its oldest
entry. 304 says that nothing came since. Without any date on any entry only the overlap tells, and
without overlap nothing is claimed. Entries of the window's end or later are left to the next run,
and then no validator is kept: a 304 would hide them. An empty feed that never held an entry is a
silent one and covers all; one that held some covers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

from scrapy.http import Response

from lake import StopReason, Window
from scrapers.access.channel import ChannelSpider, Visit, shown
from scrapers.encodings import charset_of
from scrapers.errors import SiteChangedError, SiteRefusedError
from scrapers.parsers.feed_document import FeedDocument, NotAFeedError, parse_feed
from scrapers.records import PostRecord

ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9"
STALE_CACHE_DELAYS = 10  # times the source's delay: 10 s for the usual 1 s
GONE = "gone (410)"
REFUSALS = {
    "RSS Disabled": "the site's owner switched its feeds off; take the channel out",
    "Specified forum not found": "no such forum; correct the channel's address",
}


@dataclass
class FeedVisit(Visit):
    """Where one feed stands."""

    has_retried: bool = False


class FeedSpider(ChannelSpider):
    """Reads feeds; a source says how an entry becomes a record."""

    visit_class = FeedVisit
    headers = {"Accept": ACCEPT}  # noqa: RUF012

    def read_entries(
        self, feed: FeedDocument, response: Response, visit: FeedVisit
    ) -> list[PostRecord]:
        """Turn the entries of a feed into records, in the feed's order."""
        raise NotImplementedError

    def begin(self, visit: FeedVisit) -> Iterator[Any]:
        channel = visit.channel
        validators = {
            "If-None-Match": channel.etag,
            "If-Modified-Since": channel.last_modified,
        }
        headers = {name: value for name, value in validators.items() if value}
        yield self.fetch(visit, channel.url, self._on_feed, headers=headers)

    def _on_feed(self, response: Response, visit: FeedVisit) -> Iterator[Any]:
        if response.status == 304:
            covered = self._until_now(visit, visit.channel.covered_until or visit.channel.start)
            yield from self.finish(visit, StopReason.REACHED_WATERMARK, covered, detail="304")
        elif response.status == 410:
            detail = f"{GONE}: the feed is gone for good and is not asked again; take it out"
            yield from self.finish(visit, StopReason.EXHAUSTED, detail=detail)
        elif response.status != 200:
            raise SiteChangedError(
                f"{shown(response.url)}: expected a feed, found HTTP {response.status}; is the "
                "address still right?"
            )
        else:
            yield from self._on_document(response, visit, _read(response))

    def _on_document(
        self, response: Response, visit: FeedVisit, feed: FeedDocument
    ) -> Iterator[Any]:
        if feed.entries:
            yield from self._land(response, visit, feed)
        elif visit.has_retried and visit.known:
            detail = "no entry, twice, where there were some; the feed is broken or was emptied"
            yield from self.finish(visit, StopReason.BLANK_PAGE, detail=detail)
        elif visit.has_retried:
            covered = self._until_now(visit, visit.channel.start)
            detail = "no entry, twice, and never one before: nobody has written yet"
            yield from self.finish(visit, StopReason.EXHAUSTED, covered, detail=detail)
        else:  # a forum that rebuilds its cache answers once with nothing
            visit.has_retried = True
            after = STALE_CACHE_DELAYS * self.job.politeness.download_delay
            yield self.fetch(visit, visit.channel.url, self._on_feed, after=after)

    def _land(self, response: Response, visit: FeedVisit, feed: FeedDocument) -> Iterator[Any]:
        records = self.read_entries(feed, response, visit)
        wanted = [record for record in records if visit.is_wanted(record.published_at)]
        yield from wanted
        is_whole = not any(_is_later(r.published_at, visit.channel.end) for r in records)
        reason, covered, detail = self._coverage(visit, records)
        yield from self.finish(
            visit,
            reason,
            covered,
            detail="; ".join(filter(None, [detail, _moved(response), feed.remark])) or None,
            etag=_header(response, "ETag") if is_whole else None,
            last_modified=_header(response, "Last-Modified") if is_whole else None,
        )

    def _coverage(
        self, visit: FeedVisit, records: Sequence[PostRecord]
    ) -> tuple[StopReason, Window | None, str | None]:
        """Say how far back the feed reaches; see the head of this module."""
        channel = visit.channel
        oldest = reaches_back([r.published_at for r in records])
        overlaps = any(r.post_id in visit.known for r in records)
        reach = max(oldest, channel.start) if oldest else None
        last = channel.covered_until
        if reach is None:
            covered = self._until_now(visit, last or channel.start) if overlaps else None
            return (
                (StopReason.REACHED_WATERMARK if overlaps else StopReason.EXHAUSTED),
                covered,
                ("no entry has a date; covered only as far as it overlaps what was landed before"),
            )
        if last is None:
            start = channel.start if overlaps else reach
            return StopReason.EXHAUSTED, self._until_now(visit, start), None
        if overlaps or reach <= last:
            covered = self._until_now(visit, min(last, reach))
            return StopReason.REACHED_WATERMARK, covered, None
        lost = (reach - last).total_seconds() / 3600
        return (
            StopReason.CAP,
            self._until_now(visit, reach),
            (
                f"the feed reaches back to {reach:%Y-%m-%dT%H:%MZ} only: {lost:,.1f} hours "
                "before it are lost; crawl it more often"
            ),
        )

    def _until_now(self, visit: FeedVisit, start: datetime) -> Window | None:
        end = min(visit.channel.end, self.job.clock()())
        return Window(start, end) if start < end else None


def reaches_back(dates: Sequence[datetime | None]) -> datetime | None:
    """Return the oldest date of the feed's running order; None when no entry has one.

    An old entry that is pinned on top says nothing about how far the feed reaches, so the end at
    which the order runs out counts, not the smallest date.
    """
    known = [at for at in dates if at is not None]
    if not known:
        return None
    rising = sum(a < b for a, b in pairwise(known))
    falling = sum(a > b for a, b in pairwise(known))
    return known[0] if rising > falling else known[-1]


def _read(response: Response) -> FeedDocument:
    try:
        return parse_feed(response.body, charset=charset_of(_header(response, "Content-Type")))
    except NotAFeedError as error:
        text = response.body[:200].decode("utf-8", "replace").strip()
        for phrase, advice in REFUSALS.items():
            if text.startswith(phrase):
                raise SiteRefusedError(
                    f"{shown(response.url)}: the site says {phrase!r}: {advice}"
                ) from None
        raise SiteChangedError(
            f"{shown(response.url)}: expected RSS, Atom or JSON Feed, found {error}; is the "
            "address the feed's and not the page's?"
        ) from None


def _moved(response: Response) -> str | None:
    """Report a permanent redirect: the configuration should name the new address."""
    request = response.request
    reasons = request.meta.get("redirect_reasons", []) if request else []
    if not {301, 308} & set(reasons):
        return None
    return f"moved permanently: write `address: {shown(response.url)}` into the configuration"


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def _is_later(at: datetime | None, end: datetime) -> bool:
    return at is not None and at >= end


def absolute(base: str, link: str | None, url: str) -> str | None:
    """Resolve a link against xml:base and the feed's own address."""
    return urljoin(urljoin(url, base), link.strip()) if link and link.strip() else None
