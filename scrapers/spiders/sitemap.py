"""Sitemaps: which pages a site changed lately, and of each page the article that it describes.

A map is a list of addresses, so it brings no words: a page becomes a post when the site's
robots.txt lets us fetch it, the page does not ask robots to stay away, and it describes an article
to machines (JSON-LD). Of one behind a paywall the headline and the summary are taken. What is left
out is counted in the ledger, kind by kind.

What is covered. A map lists all there is: once every page that changed in the window was visited,
all is covered. A news map lists two days only, so it covers from its oldest page. A walk that a
limit cuts short covers from the oldest page that it came to, for the newest are visited first.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from lake import Precision, StopReason, Window
from lake.counters import CounterFormatError, parse_counter
from lake.times import Instant, TimeFormatError, parse_time
from scrapers.access.channel import ChannelSpider, Visit, own_host, shown
from scrapers.access.feed_identity import canonical
from scrapers.bundles import bundled
from scrapers.encodings import charset_of, read_text
from scrapers.errors import ParsingFailedError, SiteChangedError, SiteRefusedError
from scrapers.parsers import article_page as parse
from scrapers.parsers.feed_document import NotAFeedError
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.markup import plain_title, read_html
from scrapers.parsers.sitemap import SitePage, parse_sitemap
from scrapers.records import PostRecord, Refused, dated

LARGEST_MAP = 24 * 1024 * 1024  # 50,000 addresses and some pictures; more than pages may have
MOST_MAPS = 200
MOST_PAGES = 200_000
REFUSALS_IN_A_ROW = 3
PAGE = "page"  # of a request: the page of the map that it asks for
SLACK = {Precision.DAY: timedelta(days=1)}


@dataclass(frozen=True)
class Listed:
    """A page that is to be visited, and when it changed or appeared."""

    url: str
    name: str
    at: datetime | None
    title: str | None


@dataclass
class SiteVisit(Visit):
    """Where one site stands."""

    maps: deque[str] = field(default_factory=deque)
    asked: set[str] = field(default_factory=set)
    listed: dict[str, Listed] = field(default_factory=dict)
    pending: deque[Listed] = field(default_factory=deque)
    total: int = 0
    oldest: datetime | None = None
    is_news: bool = True
    oldest_read: datetime | None = None
    refused_in_a_row: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    validators: dict[str, str | None] = field(default_factory=dict)


class SitemapSpider(ChannelSpider):
    """Any site that publishes a map: blogs, news, shops' magazines."""

    name = "sitemap"
    visit_class = SiteVisit

    def begin(self, visit: SiteVisit) -> Iterator[Any]:
        channel = visit.channel
        told = {"If-None-Match": channel.etag, "If-Modified-Since": channel.last_modified}
        headers = {name: value for name, value in told.items() if value}
        visit.asked.add(channel.url)
        yield self._fetch_map(visit, channel.url, headers)

    def sure_part(self, visit: SiteVisit) -> Window | None:
        if visit.oldest_read is None:
            return None
        return self._until_now(visit, max(visit.oldest_read, visit.channel.start))

    # Maps.

    def _fetch_map(self, visit: SiteVisit, url: str, headers: dict[str, str]) -> Request:
        request = self.fetch(visit, url, self._on_map, headers=headers)
        request.meta["download_maxsize"] = LARGEST_MAP
        return request

    def _on_map(self, response: Response, visit: SiteVisit) -> Iterator[Any]:
        if response.status == 304:
            covered = self._until_now(visit, visit.channel.covered_until or visit.channel.start)
            yield from self.finish(visit, StopReason.REACHED_WATERMARK, covered, detail="304")
            return
        if response.status != 200:
            raise SiteChangedError(
                f"{shown(response.url)}: expected a sitemap, found HTTP {response.status}; is the "
                "address still right? robots.txt names the site's maps"
            )
        try:
            found = parse_sitemap(response.body)
        except NotAFeedError as error:
            raise SiteChangedError(
                f"{shown(response.url)}: expected a sitemap, found {error}; is the address the "
                "map's? robots.txt names the site's maps"
            ) from None
        zone = ZoneInfo(visit.channel.time_zone)
        for one in found.maps:
            self._take_map(visit, one, zone)
        for one in found.pages:
            self._take_page(visit, one, zone)
        names = {"etag": b"ETag", "last_modified": b"Last-Modified"}
        given = {
            key: (response.headers.get(n) or b"").decode("latin-1") for key, n in names.items()
        }
        is_index = bool(found.maps)  # one that stays the same while its maps change
        visit.validators = {} if is_index or visit.validators else given
        yield from self._advance(visit)

    def _take_map(self, visit: SiteVisit, one: SitePage, zone: ZoneInfo) -> None:
        changed = read_time(one.changed_raw, zone)
        if changed is not None and _end_of(changed) <= visit.channel.start:
            return
        if not self._is_own(one.url):
            visit.left_out["maps of other sites"] += 1
        elif len(visit.asked) >= MOST_MAPS:
            visit.left_out[f"maps beyond {MOST_MAPS}"] += 1
        elif one.url not in visit.asked:
            visit.asked.add(one.url)
            visit.maps.append(one.url)

    def _take_page(self, visit: SiteVisit, one: SitePage, zone: ZoneInfo) -> None:
        """Keep a page that changed in the window, or that nobody knows when nothing is said."""
        visit.total += 1
        visit.is_news = visit.is_news and one.published_raw is not None
        changed = read_time(one.changed_raw or one.published_raw, zone)
        name = canonical(one.url) or one.url
        if changed is not None:
            visit.oldest = min(visit.oldest or changed.at, changed.at)
        is_due = name not in visit.known if changed is None else self._is_due(visit, changed)
        if is_due and not self._is_own(one.url):
            visit.left_out["pages of other sites"] += 1
        elif is_due and len(visit.listed) >= MOST_PAGES:
            visit.left_out[f"pages beyond {MOST_PAGES:,}"] += 1
        elif is_due:
            visit.listed[name] = Listed(one.url, name, changed.at if changed else None, one.title)

    def _is_due(self, visit: SiteVisit, changed: Instant) -> bool:
        return _end_of(changed) > visit.channel.start and changed.at < visit.channel.end

    def _is_own(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and own_host(parts.hostname or "") in self.homes

    # Pages.

    def _advance(self, visit: SiteVisit) -> Iterator[Any]:
        """Take the next step: a map, a page, or the end."""
        limit = self.limit_reached(visit)
        if limit:
            detail = "; ".join(filter(None, [limit[1], _told(visit)]))
            yield from self.finish(visit, limit[0], self.sure_part(visit), detail=detail)
        elif visit.maps:
            yield self._fetch_map(visit, visit.maps.popleft(), {})
        elif visit.listed:
            dated = [one for one in visit.listed.values() if one.at is not None]
            undated = [one for one in visit.listed.values() if one.at is None]
            visit.pending.extend(sorted(dated, key=lambda one: one.at or 0, reverse=True))
            visit.pending.extend(undated)
            visit.listed = {}
            yield from self._advance(visit)
        elif visit.pending:
            page = visit.pending.popleft()
            request = self.fetch(visit, page.url, lambda r, v: self._on_page(r, v, page))
            request.meta[PAGE] = page
            yield request
        else:
            yield from self._end(visit)

    def _on_page(self, response: Response, visit: SiteVisit, page: Listed) -> Iterator[Any]:
        visit.refused_in_a_row = 0
        visit.oldest_read = page.at or visit.oldest_read
        try:
            yield from self._read(response, visit, page)
        except ParsingFailedError as error:
            yield Refused(
                channel_id=visit.channel.id,
                table="posts",
                rule=error.rule,
                reason=f"{shown(response.url)}: {error}",
                raw={"url": shown(response.url), "bytes": len(response.body)},
                record_id=page.name,
            )
        yield from self._advance(visit)

    def _failed(self, failure: Failure) -> Iterator[Any]:
        """Go without a page that the site keeps from us; several in a row end the channel."""
        visit: SiteVisit = failure.request.cb_kwargs["visit"]
        page = failure.request.meta.get(PAGE)
        visit.refused_in_a_row += 1
        is_refused = isinstance(failure.value, SiteRefusedError)
        if page is None or not is_refused or visit.refused_in_a_row >= REFUSALS_IN_A_ROW:
            yield from super()._failed(failure)
            return
        visit.left_out["pages that the site does not let us read"] += 1
        visit.oldest_read = page.at or visit.oldest_read
        yield from bundled(self._run(visit, self._advance(visit)))

    def _read(self, response: Response, visit: SiteVisit, page: Listed) -> Iterator[PostRecord]:
        if response.status in (404, 410):
            yield from _tombstone(visit, page)
            return
        if response.status != 200:
            visit.left_out[f"pages that answered HTTP {response.status}"] += 1
            return
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        told = (response.headers.get("X-Robots-Tag") or b"").decode("latin-1")
        text = read_text(response.body, [charset_of(content_type)]).text
        found = parse.read_article_page(text, told)
        if found.stays_away:
            visit.left_out["pages that ask robots to stay away"] += 1
        elif found.article is not None:
            record = article(visit, page, JsonRecord(found.article, parse.PEOPLE))
            if visit.is_wanted(record.published_at):
                yield record
        else:
            visit.left_out["pages that describe no article"] += 1

    def _end(self, visit: SiteVisit) -> Iterator[Any]:
        reach = visit.oldest if visit.is_news else None
        start = max(reach or visit.channel.start, visit.channel.start)
        if visit.channel.covered_until is not None and start <= visit.channel.covered_until:
            start = min(start, visit.channel.covered_until)
        covered = self._until_now(visit, start) if visit.total else None
        detail = _told(visit) or (None if visit.total else "the map lists no page")
        yield from self.finish(
            visit,
            StopReason.EXHAUSTED if visit.total else StopReason.BLANK_PAGE,
            covered,
            detail=detail,
            **{name: value or None for name, value in visit.validators.items()},
        )

    def _until_now(self, visit: SiteVisit, start: datetime) -> Window | None:
        end = min(visit.channel.end, self.job.clock()())
        return Window(start, end) if start < end else None


def article(visit: SiteVisit, page: Listed, item: JsonRecord) -> PostRecord:
    """Turn what a page describes into a record; `ParsingFailedError` when it says nothing."""
    zone = ZoneInfo(visit.channel.time_zone)
    raw = item.raw
    title = plain_title(item.text("headline") or item.text("name") or page.title or "") or None
    summary, body = _plain(item.text("description")), _plain(item.text("articleBody"))
    body = body or _plain(item.text("text"))
    is_open = item.take("isAccessibleForFree") not in (False, "False", "false")
    if not (title or summary or body):
        raise ParsingFailedError("empty_entry", "expected a headline or a text, found neither")
    published = read_time(item.text("datePublished"), zone)
    changed = read_time(item.text("dateModified"), zone)
    is_edited = published and changed and changed.at > published.at
    return PostRecord(
        channel_id=visit.channel.id,
        post_id=page.name,
        kind="article",
        author=parse.author_of(_all(item)),
        title_text=title,
        body_text=body if body and is_open else summary,
        url=page.url,
        tags=_tags(item.take("keywords")),
        **dated(published),
        edited_at=changed.at if changed and is_edited else None,
        counters=_counters(item),
        is_excerpt=not (body and is_open),
        raw={k: v for k, v in raw.items() if k not in ("articleBody", "text")},
        unread=item.unread,
    )


def read_time(printed: str | None, zone: ZoneInfo) -> Instant | None:
    """Read a W3C time; None when it is none, never a guess."""
    try:
        return parse_time(printed, zone) if printed else None
    except TimeFormatError:
        return None


def _plain(text: str | None) -> str | None:
    return read_html(text).text or None if text else None


def _all(item: JsonRecord) -> Mapping[str, Any]:
    return {name: item.take(name) for name in ("author", "creator")}


def _counters(item: JsonRecord) -> tuple[Any, ...] | None:
    counted = parse.interactions({"interactionStatistic": item.take("interactionStatistic")})
    comments = item.take("commentCount")
    named = {**counted, **({"comments": comments} if comments is not None else {})}
    try:
        return tuple(parse_counter(name, value) for name, value in named.items()) or None
    except CounterFormatError as error:
        raise ParsingFailedError("counter_format", str(error)) from None


def _tags(keywords: Any) -> tuple[str, ...] | None:
    listed = keywords.split(",") if isinstance(keywords, str) else keywords
    tags = [t.strip() for t in listed if isinstance(t, str)] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(filter(None, tags))) or None


def _tombstone(visit: SiteVisit, page: Listed) -> Iterator[PostRecord]:
    known = visit.known.get(page.name)
    if known is not None and not known.is_deleted:
        yield PostRecord(
            channel_id=visit.channel.id,
            post_id=page.name,
            kind=known.kind,
            published_at=known.published_at,
            published_precision="second" if known.published_at else None,
            is_deleted=True,
        )


def _end_of(changed: Instant) -> datetime:
    """Return the instant behind a printed time: a day is over when it ends."""
    return changed.at + SLACK.get(changed.precision, timedelta(microseconds=1))


def _told(visit: SiteVisit) -> str | None:
    counts = (f"{count:,} {what}" for what, count in visit.left_out.most_common())
    return f"left out: {', '.join(counts)}" if visit.left_out else None
