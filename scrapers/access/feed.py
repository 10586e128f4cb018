"""Feeds: one conditional request a channel, every entry a record; older pages where there are any.

What is covered. A feed shows its newest entries and nothing else, so the question is how far back
it reaches. When it still shows an entry that was landed before, or one older than what was covered
last, nothing between was missed: covered from there on. When it does not, and names no older page
(RFC 5005 `prev-archive` and `next`, JSON Feed `next_url`, what a site's software is known to have),
the time between is lost for good: `cap`, and a hole that no later crawl can close. The first time,
it covers from its oldest entry. Older pages are read until they reach what was never covered, or
to the last one: there the feed begins, and all is covered. 304 says that nothing came since.
Without any date on any entry only the overlap tells, and without overlap nothing is claimed.
Entries of the window's end or later are left to the next run, and then no validator is kept: a 304
would hide them, and so it is after a walk that a limit cut short. An empty feed that never held an
entry is a silent one and covers all; one that held some, or that breaks off, covers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from scrapy.http import Response
from twisted.python.failure import Failure

from lake import StopReason, Window
from scrapers.access.channel import ChannelSpider, Visit, shown
from scrapers.bundles import bundled
from scrapers.encodings import charset_of
from scrapers.errors import (
    AddressRefusedError,
    NotFetchedError,
    SiteChangedError,
    SiteRefusedError,
)
from scrapers.parsers.feed_document import FeedDocument, NotAFeedError, join, parse_feed
from scrapers.records import PostRecord, Refused

ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9"
STALE_CACHE_DELAYS = 10  # times the source's delay: 10 s for the usual 1 s
GONE = "gone (410)"
REFUSALS = {
    "RSS Disabled": "the site's owner switched its feeds off; take the channel out",
    "Specified forum not found": "no such forum; correct the channel's address",
}


@dataclass
class FeedVisit(Visit):
    """Where one feed stands; `reach` is its oldest entry so far, page by page."""

    has_retried: bool = False
    turned: int = 0
    urls: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    reach: datetime | None = None
    overlaps: bool = False
    is_whole: bool = True
    is_at_its_beginning: bool = False
    validators: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def open_since(self) -> datetime:
        """The earliest instant that is still to be covered."""
        return self.channel.open_since or self.channel.covered_until or self.channel.start

    def note(self, said: str | None) -> None:
        if said and said not in self.notes:
            self.notes.append(said)


class FeedSpider(ChannelSpider):
    """Reads feeds; a source says how an entry becomes a record."""

    visit_class = FeedVisit
    headers = {"Accept": ACCEPT}  # noqa: RUF012

    def read_entries(
        self, feed: FeedDocument, response: Response, visit: FeedVisit
    ) -> Sequence[PostRecord | Refused]:
        """Turn the entries of a feed into records, in the feed's order."""
        raise NotImplementedError

    def older_url(self, feed: FeedDocument, response: Response, visit: FeedVisit) -> str | None:  # noqa: ARG002
        """Return where the feed says that its older entries are."""
        return feed.links.get("prev-archive") or feed.links.get("next")

    def is_behind_the_last(self, response: Response, visit: FeedVisit) -> bool:  # noqa: ARG002
        """Whether an answer says that there is no older page."""
        return False

    def sure_part(self, visit: FeedVisit) -> Window | None:
        if visit.reach is None:
            return None
        return self._until_now(visit, max(visit.reach, visit.channel.start))

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
        elif feed.is_cut:
            raise SiteChangedError(_breaks_off(response))
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
        """Land the first page, and keep what it says of itself for the end."""
        names = {"etag": "ETag", "last_modified": "Last-Modified"}
        visit.validators = {key: _header(response, name) for key, name in names.items()}
        visit.note(_moved(response))
        visit.note(_rest(feed))
        yield from self._take(response, visit, feed)

    def _on_older(self, response: Response, visit: FeedVisit) -> Iterator[Any]:
        """Read an older page; one that cannot be had ends the walk where it stands."""
        if self.is_behind_the_last(response, visit):
            visit.is_at_its_beginning = True
            yield from self._end(visit)
            return
        if response.status != 200:
            visit.note(f"an older page, {shown(response.url)}, answered HTTP {response.status}")
            yield from self._end(visit)
            return
        try:
            feed = _read(response)
        except NotFetchedError as error:
            visit.note(str(error))
            yield from self._end(visit)
            return
        visit.turned += 1
        if feed.entries:
            yield from self._take(response, visit, feed)
        else:
            visit.is_at_its_beginning = not feed.is_cut
            yield from self._end(visit)

    def _failed(self, failure: Failure) -> Iterator[Any]:
        """Go without an older page that the site keeps from us: the feed itself was read."""
        visit: FeedVisit = failure.request.cb_kwargs["visit"]
        is_older = failure.request.cb_kwargs["step"] == self._on_older
        if not is_older or not isinstance(failure.value, SiteRefusedError | AddressRefusedError):
            yield from super()._failed(failure)
            return
        visit.note(f"no older page: {failure.value}")
        yield from bundled(self._run(visit, self._end(visit)))

    def _take(self, response: Response, visit: FeedVisit, feed: FeedDocument) -> Iterator[Any]:
        visit.note(feed.remark)
        visit.urls.add(response.url)
        read = list(self.read_entries(feed, response, visit))
        if feed.is_last_cut and read:
            read[-1] = _refuse_half(visit, read[-1])
        yield from (one for one in read if isinstance(one, Refused))
        records = [one for one in read if isinstance(one, PostRecord)]
        yield from (record for record in records if visit.is_wanted(record.published_at))
        if feed.is_cut:  # what is missing may be new, so this page covers nothing
            yield from self.finish(
                visit,
                StopReason.ERROR,
                self.sure_part(visit),
                detail="; ".join([_breaks_off(response), *visit.notes]),
            )
            return
        is_new = bool({r.post_id for r in records} - visit.seen)
        self._look_back(visit, records, feed)
        older = self.older_url(feed, response, visit) if is_new else None
        yield from self._turn(visit, older, is_new=is_new)

    def _look_back(
        self, visit: FeedVisit, records: Sequence[PostRecord], feed: FeedDocument
    ) -> None:
        """Note how far back the feed reaches with this page, and what tells that it overlaps."""
        dates = [record.published_at for record in records]
        oldest = reaches_back(dates)
        visit.reach = min(filter(None, [visit.reach, oldest]), default=None)
        visit.overlaps = visit.overlaps or any(r.post_id in visit.known for r in records)
        is_late = any(_is_later(at, visit.channel.end) for at in dates)
        visit.is_whole = visit.is_whole and not is_late
        visit.is_at_its_beginning = feed.is_complete
        visit.seen.update(record.post_id for record in records)

    def _turn(self, visit: FeedVisit, older: str | None, *, is_new: bool) -> Iterator[Any]:
        """Turn to an older page when something before this one may not be covered yet."""
        if visit.is_at_its_beginning or self._reaches_far_enough(visit):
            yield from self._end(visit)
        elif older is None or older in visit.urls:
            visit.is_at_its_beginning = bool(visit.turned) and is_new and older is None
            yield from self._end(visit)
        elif limit := self.limit_reached(visit):
            yield from self.finish(
                visit, limit[0], self.sure_part(visit), detail="; ".join([limit[1], *visit.notes])
            )
        else:
            yield self.fetch(visit, older, self._on_older)

    def _reaches_far_enough(self, visit: FeedVisit) -> bool:
        last = visit.channel.covered_until
        is_hole = last is None or visit.open_since < last
        if visit.overlaps and not is_hole:
            return True
        return visit.reach is not None and visit.reach <= visit.open_since

    def _end(self, visit: FeedVisit) -> Iterator[Any]:
        reason, covered, detail = self._coverage(visit)
        yield from self.finish(
            visit,
            reason,
            covered,
            detail="; ".join(filter(None, [detail, *visit.notes])) or None,
            **(visit.validators if visit.is_whole else {}),
        )

    def _coverage(self, visit: FeedVisit) -> tuple[StopReason, Window | None, str | None]:
        """Say how far back the feed reaches; see the head of this module."""
        channel, overlaps = visit.channel, visit.overlaps
        reach = max(visit.reach, channel.start) if visit.reach else None
        last = channel.covered_until
        if visit.is_at_its_beginning:
            return StopReason.EXHAUSTED, self._until_now(visit, channel.start), None
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


def _breaks_off(response: Response) -> str:
    return (
        f"{shown(response.url)}: the feed breaks off after {len(response.body):,} bytes; what "
        "stands before that lands and counts as no coverage. Is its site ill?"
    )


def _refuse_half(visit: FeedVisit, one: PostRecord | Refused) -> Refused:
    """Refuse the entry in which a feed breaks off: half of its text would land as the whole."""
    if isinstance(one, Refused):
        return one
    return Refused(
        channel_id=visit.channel.id,
        table="posts",
        rule="broken_off",
        reason="expected an entry to its end, found one in whose middle the feed breaks off; the "
        "next crawl reads it anew",
        raw=dict(one.raw),
        record_id=one.post_id,
    )


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


def _rest(feed: FeedDocument) -> str | None:
    """Tell a feed's wish to be read less often than hourly, which the schedule decides."""
    asked = feed.rest_minutes or ""
    if not (asked.isascii() and asked.isdecimal()) or not 60 < int(asked[:7]) < 10**6:
        return None
    return f"the feed asks to be read every {int(asked):,} minutes at most"


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
    """Resolve a link against xml:base and the feed's own address; None when it leads to no page."""
    if not link or not link.strip():
        return None
    found = join(join(url, base) or url, link) or ""
    return found if found.startswith(("http://", "https://")) else None
