"""What a Discuz forum says, whichever route it says it on: lists, threads, posts, notices.

Everything is as printed but for times, which are read at once, because only the page tells the zone
and the moment at which it was made. None is what the page is silent about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo

from parsel import Selector

from lake.times import Instant, TimeFormatError, parse_local, parse_relative

NUMBER = r"(\d{1,20})(?!\d)"
THREAD_IN_LINK = re.compile(rf"[?&;]p?tid={NUMBER}|thread-{NUMBER}-|/tid[-/]{NUMBER}")
POST_IN_LINK = re.compile(rf"[?&;]pid={NUMBER}|#pid{NUMBER}")
PERSON_IN_LINK = re.compile(rf"[?&;]uid={NUMBER}|space-uid-{NUMBER}")
FORUM_IN_LINK = re.compile(rf"[?&;]fid={NUMBER}|forum-{NUMBER}-")
SAID_WHEN = re.compile(r"^\s*(?:发表于|發表於|发布于|Post(?:ed)?(?: on| at)?)\s*:?\s*", re.I)
MADE_AT = re.compile(
    r"GMT\s*([+-]\d{1,2}(?:[.:]\d{1,2})?)?\s*,\s*(\d{4}[-/]\d{1,2}[-/]\d{1,2} \d{1,2}:\d{2}"
    r"(?: ?[AP]M)?)"
)
CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.I)
FOOT = 20_000  # characters; nothing but the foot is asked for its time


@dataclass(frozen=True)
class PageClock:
    """The zone in which a page prints its times, and when it was made."""

    zone: tzinfo
    now: datetime


@dataclass(frozen=True)
class ForumRow:
    """One thread as its forum lists it."""

    tid: str
    title: str
    author: str | None
    created: Instant | None
    last_reply: Instant | None
    replies: str | None
    views: str | None
    category: str | None = None
    marks: tuple[str, ...] = ()
    is_pinned: bool = False
    is_moved: bool = False
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ForumPage:
    """A page of a forum's list; `fans` are the people who keep the forum among their favourites."""

    rows: tuple[ForumRow, ...]
    number: int
    last_number: int
    name: str | None = None
    fans: str | None = None


@dataclass(frozen=True)
class Remark:
    """A comment under a post (点评)."""

    author: str | None
    text: str
    at: Instant | None


@dataclass(frozen=True)
class ForumPost:
    """One post of a thread. `quoted` are numbers of the posts that it quotes or answers."""

    pid: str
    floor: int | None
    author: str | None
    at: Instant | None
    body: str | None
    edited: Instant | None = None
    quoted: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    counters: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    noise: int = 0
    is_stuck: bool = False
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ThreadPage:
    """A page of a thread; title, category, tags and counters are those of its opening post."""

    tid: str | None
    fid: str | None
    title: str | None
    posts: tuple[ForumPost, ...]
    number: int
    last_number: int
    category: str | None = None
    tags: tuple[str, ...] = ()
    counters: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()


def declared_charsets(body: bytes, content_type: str) -> tuple[str | None, str | None]:
    """Return what the page's own mark and its transport say; the mark is right more often."""
    mark = CHARSET.search(body[:4096])
    header = CHARSET.search(content_type.encode("latin-1", "replace"))
    return tuple(m[1].decode("ascii") if m else None for m in (mark, header))  # type: ignore


def read_clock(text: str, zone: tzinfo, now: datetime) -> PageClock:
    """Read `GMT+8, 2026-10-9 12:30` at a page's foot; `zone` and `now` where there is none."""
    stamps = list(MADE_AT.finditer(text, max(0, len(text) - FOOT)))
    if not stamps:
        return PageClock(zone, now)
    found = stamps[-1]
    zone = timezone(_offset(found[1] or "+0"))
    return PageClock(zone, parse_local(found[2], zone).at)


def read_time(printed: Iterable[str | None], clock: PageClock) -> Instant | None:
    """Read the first of the printed times that is one; the exact before the relative."""
    for text in printed:
        plain = SAID_WHEN.sub("", text or "").strip()
        if not plain:
            continue
        try:
            return parse_local(plain, clock.zone)
        except TimeFormatError:
            pass
        try:
            return parse_relative(plain, clock.now, clock.zone)
        except TimeFormatError:
            continue
    return None


def time_in(found: Selector | None, clock: PageClock) -> Instant | None:
    """Read the time that an element shows; its title says exactly what its text says roughly."""
    if found is None:
        return None
    text: str = found.xpath("string()").get() or ""
    return read_time([*found.xpath("descendant-or-self::*/@title").getall(), text], clock)


def number_in(pattern: re.Pattern[str], link: str | None) -> str | None:
    """Return the number that a link of that kind names, in any of its spellings."""
    match = pattern.search(link or "")
    return next(filter(None, match.groups()), None) if match else None


def person_in(cells: Iterable[Selector]) -> str | None:
    """Return the account number of the first person whom the cells link to."""
    for cell in cells:
        for link in cell.css("a::attr(href)").getall():
            uid = number_in(PERSON_IN_LINK, link)
            if uid and uid != "0":
                return uid
    return None


def pages_of(page: Selector) -> tuple[int, int]:
    """Return the number of the page and of the last one; a page without a pager is the only one."""
    pager = next(iter(page.css("div.pg, div.pages")), None)
    if pager is None:
        return 1, 1
    here = _digits(pager.css("strong::text").get()) or 1
    told = _digits(pager.css("label span::attr(title)").get())
    links = [_digits(text) or 0 for text in pager.css("a:not(.prev)::text").getall()]
    return here, max([here, told or 0, *links])


def text_of(found: Selector | None) -> str | None:
    """Return the text of an element in one line; None when there is none."""
    text = found.xpath("string()").get() if found is not None else None
    return " ".join((text or "").split()) or None


def _digits(text: str | None) -> int | None:
    match = re.search(r"\d{1,9}", text or "")
    return int(match[0]) if match else None


def _offset(printed: str) -> timedelta:
    """Read `+8`, `-3.5`, `+5:30`."""
    hours, _, rest = printed.lstrip("+-").partition(":")
    size = timedelta(hours=float(hours), minutes=int(rest or 0))
    return -size if printed.startswith("-") else min(size, timedelta(hours=14))
