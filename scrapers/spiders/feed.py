"""Any feed: blogs, news sites, forums, their comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from scrapy.http import Response

from lake.counters import CounterFormatError, parse_counter
from lake.text import text_hash
from lake.times import Instant, TimeFormatError, parse_rfc2822, parse_time
from scrapers.access.feed import FeedSpider, FeedVisit, absolute
from scrapers.access.feed_identity import Bearer, identify
from scrapers.parsers.feed_document import Entry, FeedDocument
from scrapers.parsers.markup import Markup, cut_reply_head, plain_title, read_html
from scrapers.records import PostRecord, Refused

CUT_OFF = re.compile(
    r"(?:\[(?:…|\.{3})\]|[（(]?(?:閱讀全文|阅读全文|繼續閱讀|继续阅读)[^\n]{0,80}|…\s*更多"
    r"|(?:Continue reading|Read more)\b[^\n]{0,120})\s*(?:(?:[»→>]|&raquo;)\s*)?$",
    re.I,
)
DISCUZ_CUT_OFF = re.compile(r"\.{3}\s*$")  # its feeds hold the first 250 characters
FOOTER_AT_MOST = 600  # characters; behind a longer one nobody looks
PLUGIN_FOOTER = re.compile(
    r"\n*(?:The post [^\n]{1,250} (?:appeared first|first appeared) on [^\n]{1,250}\."
    r"|〈?[^\n]{1,200}〉?這篇文章最早發佈於[^\n]{1,250}。|这篇文章[^\n]{1,200}最早出现于[^\n]{1,250}。"
    r"|這篇文章[^\n]{1,200}最早出現於[^\n]{1,250}。)\s*$"
)
COMMENT_PATH = re.compile(r"/comments/(?:feed|default)|[?&]feed=comments-")
COMMENT_TITLES = re.compile(
    r"^(?:Comments (?:on|for)\b|By: |Comment on )|的(?:留言|迴響|回應|评论|回复)$"
    r"|的留言，由 .+ 發表$"
)
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WORDPRESS = "wordpress.org/?v="
PAGED = re.compile(r"[?&]paged=(\d{1,6})(?![^&])")
MONTHS = {
    **dict(zip("一二三四五六七八九十", MONTH_NAMES, strict=False)),
    **{str(number): name for number, name in enumerate(MONTH_NAMES, start=1)},
    **{f"{number:02}": name for number, name in enumerate(MONTH_NAMES, start=1)},
    "十一": "Nov",
    "十二": "Dec",
}
CHINESE_MONTH = re.compile(r"(?<=\s)(十[一二]?|[一二三四五六七八九]|1[0-2]|0?[1-9])月(?=\s)")
NATIVE_NUMBER = re.compile(r"[?&#](?:pid=?|comment-)(\d+)")


@dataclass(frozen=True)
class _Read:
    """An entry with everything understood but its name."""

    entry: Entry
    bearer: Bearer
    markup: Markup
    title: str | None
    body: str | None
    published: Instant | None
    updated: Instant | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing says what it is: no name, no place and no word."""
        return not (self.bearer.name or self.title or self.body)


class GenericFeedSpider(FeedSpider):
    """RSS, Atom, RDF and JSON feeds of any site."""

    name = "feed"

    def read_entries(
        self, feed: FeedDocument, response: Response, visit: FeedVisit
    ) -> list[PostRecord | Refused]:
        is_comments = _is_comment_feed(feed, response.url)
        zone = ZoneInfo(visit.channel.time_zone)
        reads = [_read(entry, response.url, zone, is_comments) for entry in feed.entries]
        cut_off = DISCUZ_CUT_OFF if (feed.generator or "").startswith("Discuz") else CUT_OFF
        ids = identify([read.bearer for read in reads], visit.known)
        by_number = {n: i for i in (*visit.known, *ids) if (n := native_number(i))}
        kind = str(visit.channel.options.get("kind", "comment" if is_comments else "article"))
        return [
            _refuse_empty(visit, read)
            if read.is_empty
            else self._record(read, post_id, visit, kind, by_number, cut_off)
            for read, post_id in zip(reads, ids, strict=True)
        ]

    def older_url(self, feed: FeedDocument, response: Response, visit: FeedVisit) -> str | None:
        """Return the older page: what the feed names, or how WordPress numbers them.

        Its comment feeds show the newest alone, whatever page is asked for.
        """
        if not visit.channel.options.get("archive", True):
            return None
        named = super().older_url(feed, response, visit)
        if named:
            return absolute("", named, response.url)
        is_numbered = not visit.turned or PAGED.search(response.url) is not None
        is_paged = WORDPRESS in (feed.generator or "") and not _is_comment_feed(feed, response.url)
        return _next_paged(response.url) if is_paged and is_numbered else None

    def is_behind_the_last(self, response: Response, visit: FeedVisit) -> bool:  # noqa: ARG002
        return response.status == 404 and PAGED.search(response.url) is not None

    def _record(
        self,
        read: _Read,
        post_id: str,
        visit: FeedVisit,
        kind: str,
        by_number: dict[str, str],
        cut_off: re.Pattern[str],
    ) -> PostRecord:
        entry, published = read.entry, read.published
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind=kind,
            parent_id=entry.in_reply_to or _quoted(read.markup, by_number, post_id),
            author=entry.author,
            title_text=read.title,
            body_text=read.body,
            url=read.bearer.link,
            tags=tuple(dict.fromkeys(entry.categories)) or None,
            published_at=published.at if published else None,
            published_precision=published.precision if published else None,
            published_raw=entry.published_raw or entry.updated_raw,
            edited_at=_edited(read),
            counters=_counters(entry),
            is_excerpt=entry.is_summary and bool(cut_off.search(read.body or "")),
            raw=entry.raw if read.title else {k: v for k, v in entry.raw.items() if k != "title"},
            unread=entry.unread,
        )


def _next_paged(url: str) -> str:
    """Return the next page of a WordPress feed, `?paged=2` behind the first one."""
    page = PAGED.search(url)
    if page:
        return f"{url[: page.start(1)]}{int(page[1]) + 1}{url[page.end(1) :]}"
    return f"{url}{'&' if '?' in url else '?'}paged=2"


def _refuse_empty(visit: FeedVisit, read: _Read) -> Refused:
    return Refused(
        channel_id=visit.channel.id,
        table="posts",
        rule="empty_entry",
        reason="expected an entry with a title, a text, a link or an id, found none of them",
        raw=read.entry.raw,
    )


def native_number(post_id: str) -> str | None:
    """Return the forum's own number in a post id: `pid=28197470`, `#comment-991`."""
    match = NATIVE_NUMBER.search(post_id)
    return match[1] if match else None


def _read(entry: Entry, url: str, zone: ZoneInfo, is_comment: bool) -> _Read:
    markup = _markup(entry, is_comment)
    # The title of a comment is "By: somebody": a person's name, and no word of theirs.
    title = None if is_comment or not entry.title else plain_title(entry.title) or None
    body = without_footer(markup.text) if entry.content is not None else None
    published = _time(entry.published_raw or entry.updated_raw, zone)
    bearer = Bearer(
        guid=entry.guid,
        link=absolute(entry.base or "", entry.link, url),
        author=entry.author,
        published_at=published.at if published else None,
        text_hash=text_hash(title, body),
    )
    updated = _time(entry.updated_raw, zone)
    return _Read(entry, bearer, markup, title, body, published, updated)


def without_footer(body: str) -> str:
    """Cut off what a plugin writes under a post: `The post X appeared first on Y.`"""
    start = max(0, len(body) - FOOTER_AT_MOST)
    return body[:start] + PLUGIN_FOOTER.sub("", body[start:])


def _markup(entry: Entry, is_comment: bool) -> Markup:
    if entry.is_plain_text:
        return Markup(entry.content or "")
    content, answered = cut_reply_head(entry.content or "") if is_comment else (entry.content, None)
    markup = read_html(content or "")
    markup.quoted_links = [*([answered] if answered else []), *markup.quoted_links]
    return markup


def _time(printed: str | None, zone: ZoneInfo) -> Instant | None:
    """Read a time of any format that feeds use; None when it is none, never a guess."""
    if not printed:
        return None
    if "年" not in printed:
        printed = CHINESE_MONTH.sub(lambda month: MONTHS[month[1]], printed)
    for read in (parse_rfc2822, parse_time):
        try:
            return read(printed, zone)
        except TimeFormatError:
            continue
    return None


def _edited(read: _Read) -> Any:
    if read.updated is None or read.published is None or read.updated.at <= read.published.at:
        return None
    return read.updated.at


def _counters(entry: Entry) -> tuple[Any, ...] | None:
    if entry.comment_count is None:
        return None
    try:
        return (parse_counter("comments", entry.comment_count),)
    except CounterFormatError:
        return None


def _quoted(markup: Markup, by_number: dict[str, str], post_id: str) -> str | None:
    """Return the post that is quoted first, when it is one we have."""
    numbers = (native_number(link) for link in markup.quoted_links)
    parents = (by_number.get(number) for number in numbers if number)
    return next((parent for parent in parents if parent and parent != post_id), None)


def _is_comment_feed(feed: FeedDocument, url: str) -> bool:
    if COMMENT_PATH.search(url) or COMMENT_TITLES.search(feed.title or ""):
        return True
    titles = [entry.title or "" for entry in feed.entries]
    return bool(titles) and all(COMMENT_TITLES.search(title) for title in titles)
