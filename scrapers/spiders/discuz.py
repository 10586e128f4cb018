"""Discuz! forums: lists sorted by the last reply, threads of many pages; X, 7.2, mobile plugin."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from parsel import Selector
from scrapy import Request
from scrapy.http import Response

from lake import StopReason, Window
from lake.counters import parse_counter
from lake.schemas import Precision
from lake.times import Instant
from scrapers.access.activity import (
    REPLIES,
    ActivityBoardSpider,
    ActivityVisit,
    latest,
    vagueness,
)
from scrapers.access.board import BoardPage, ThreadLink
from scrapers.access.channel import Step, shown
from scrapers.access.thread_pages import ShownPage
from scrapers.encodings import decode_page
from scrapers.errors import (
    BlankPageError,
    NotFetchedError,
    ParsingFailedError,
    SiteChangedError,
    SiteRefusedError,
    ThreadGoneError,
)
from scrapers.parsers import discuz_forum, discuz_mobile, discuz_thread
from scrapers.parsers.discuz_address import ForumAddress, page_in
from scrapers.parsers.discuz_message import REMOVED
from scrapers.parsers.discuz_notice import Notice, find_notice, is_puzzle
from scrapers.parsers.discuz_page import (
    ForumPage,
    ForumPost,
    ForumRow,
    PageClock,
    Remark,
    ThreadPage,
    declared_charsets,
    read_clock,
)
from scrapers.records import ChannelRecord, PostRecord, Record

MOST_LIST_PAGES = 1000  # a site shows no more, whatever its forum holds
WALLS_IN_A_ROW = 3
MEMBERS_ONLY = frozenset({Notice.LOGIN, Notice.PERMISSION})
CLOSER = {Precision.SECOND: 0, Precision.MINUTE: 1, Precision.INFERRED: 2, Precision.DAY: 3}


@dataclass(frozen=True)
class Opened:
    """An answer, read as far as one can without knowing what it is."""

    text: str
    clock: PageClock
    page: Selector | None = None
    answer: Mapping[str, Any] | None = None
    notice: tuple[Notice, str] | None = None


@dataclass
class ForumVisit(ActivityVisit):
    """Where one forum stands."""

    openings: dict[str, str] = field(default_factory=dict)  # thread: number of its opening post
    per_page: dict[str, int] = field(default_factory=dict)
    page: ForumPage | None = None
    opened: tuple[Response, Opened] | None = None
    waits: int = 0
    walls: int = 0
    locked: int = 0
    noise: int = 0  # pieces that were strewn in against copying and taken out

    @cached_property
    def forum(self) -> ForumAddress:
        return ForumAddress.of(self.channel.url)

    @property
    def is_mobile(self) -> bool:
        route = self.channel.options.get("route", "html")
        if route not in {"html", "mobile"}:
            raise ValueError(f"options.route: expected html or mobile, found {route!r}")
        return route == "mobile"

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.channel.time_zone)


class DiscuzSpider(ActivityBoardSpider):
    """Forums of any Discuz! site; `options: {route: mobile}` asks the plugin, not the pages."""

    name = "discuz"
    visit_class = ForumVisit

    def first_url(self, visit: Any) -> str:
        return self._forum_url(visit, 1)

    def thread_url(self, visit: ForumVisit, post_id: str, page: int = 1) -> str:
        tid = post_id.removeprefix("t")
        address = visit.forum
        return address.mobile_thread(tid, page) if visit.is_mobile else address.thread(tid, page)

    def number_of(self, post_id: str) -> int | None:
        return int(post_id[1:]) if post_id.startswith("p") else None

    def fetch(self, visit: Any, url: str, step: Step, **more: Any) -> Request:
        """Ask for a page; a site that asks for patience gets it, a bounded number of times."""
        return super().fetch(visit, url, lambda r, v: self._unless_busy(r, v, step), **more)

    def finish(
        self, visit: Any, reason: StopReason, covered: Window | None = None, **more: Any
    ) -> Iterator[Any]:
        if visit.noise:
            self.logger.info("%s: %d pieces of noise removed", visit.channel.id, visit.noise)
        if visit.locked:
            closed = f"{visit.locked:,} threads are for members only and were not read"
            more["detail"] = "; ".join(filter(None, [more.get("detail"), closed]))
        yield from super().finish(visit, reason, covered, **more)

    def take(self, visit: ForumVisit, page: BoardPage, fresh: list[ThreadLink]) -> Iterator[Record]:
        yield from super().take(visit, page, fresh)
        if visit.walked == 1 and visit.page is not None and visit.page.fans is not None:
            fans = parse_counter("fans", visit.page.fans)
            yield ChannelRecord(
                channel_id=visit.channel.id,
                observed_at=self.job.clock()(),
                title=visit.page.name,
                fan_count=fans["lo"],
                fan_count_how=fans["how"],
            )

    def read_board(self, response: Response, visit: ForumVisit) -> BoardPage:
        opened = self._open(response, visit)
        page = _forum_in(opened)
        if page is None:
            _refuse_list(response, opened)
        if _is_cut_off(opened):
            raise SiteChangedError(
                f"{shown(response.url)}: a list of {len(response.body):,} bytes that ends in the "
                "middle; run again, and see docs/runbook.md#forum-notices if it stays so"
            )
        visit.page = page
        visit.seen.update(f"t{row.tid}" for row in page.rows if row.is_moved)
        asked = page_in(response.request.url)
        return BoardPage(
            tuple(self._link(visit, row) for row in page.rows if not row.is_moved),
            self._forum_url(visit, asked + 1) if asked < page.last_number else None,
            is_cut=asked >= MOST_LIST_PAGES,
        )

    def read_thread(
        self, response: Response, visit: ForumVisit, link: ThreadLink
    ) -> Iterator[PostRecord | ThreadLink]:
        opened = self._open(response, visit)
        asked = page_in(link.url)
        page = _thread_in(opened, asked)
        if page is None:
            yield from self._without_posts(response, visit, link, opened)
            return
        _require_whole(response, opened, page, link, asked)
        visit.walls = 0
        if "title" not in link.printed and page.fid not in (None, visit.forum.fid):
            return  # it was moved to another forum, which is another channel's
        yield from self._posts(visit, link, page)
        reading = self.reading(visit, link.post_id)
        if page.number == 1:
            reading.declared = _exactly(page.counters.get(REPLIES) or link.printed.get("replies"))
        reading.add(_shown_page(page))
        further = reading.next_number()
        if further is not None:
            yield replace(link, url=self.thread_url(visit, link.post_id, further))
        else:
            yield from (self.tombstone(visit, post_id) for post_id in reading.gone())

    def _forum_url(self, visit: ForumVisit, page: int) -> str:
        address = visit.forum
        return address.mobile_forum(page) if visit.is_mobile else address.forum(page)

    def _open(self, response: Response, visit: ForumVisit) -> Opened:
        """Decode and parse an answer, once."""
        if visit.opened is None or visit.opened[0] is not response:
            visit.opened = (response, _open(response, visit, self._made_at(response)))
        return visit.opened[1]

    def _made_at(self, response: Response) -> datetime:
        """Return when a page was made that does not say it itself."""
        printed = (response.headers.get("Date") or b"").decode("latin-1")
        try:
            return parsedate_to_datetime(printed).astimezone(UTC)
        except ValueError:
            return self.job.clock()()

    def _unless_busy(self, response: Response, visit: ForumVisit, step: Step) -> Iterator[Any]:
        notice = self._open(response, visit).notice if response.status == 200 else None
        if notice is None or notice[0] is not Notice.FLOOD:
            visit.waits = 0
            yield from step(response, visit)
            return
        visit.waits += 1
        polite = self.job.politeness
        if visit.waits > polite.retries:
            raise SiteRefusedError(
                f"{shown(response.url)}: the site asked for patience {visit.waits} times, the last "
                f"with {notice[1]!r:.80}; raise sources.discuz.download_delay"
            )
        wait = min(polite.backoff * 2.0 ** (visit.waits - 1), polite.backoff_cap)
        yield self.fetch(visit, response.request.url, step, after=wait)

    def _link(self, visit: ForumVisit, row: ForumRow) -> ThreadLink:
        if row.last_reply is None:
            raise SiteChangedError(
                f"{shown(visit.channel.url)}: thread {row.tid} has no time of its last reply, by "
                "which the list is sorted; expected it in td.by:last-child em. The site may have "
                "changed: docs/runbook.md#changed-site"
            )
        at = row.created or row.last_reply
        marks = [row.category, *row.marks]
        printed = {
            "title": row.title,
            "created": at.raw,
            "precision": at.precision.value,
            "replies": row.replies,
            "views": row.views,
            "marks": "\n".join(filter(None, marks)),
        }
        return ThreadLink(
            post_id=f"t{row.tid}",
            url=self.thread_url(visit, row.tid),
            published_at=at.at,
            author=row.author,
            score=dict(parse_counter(REPLIES, row.replies)),
            printed={name: value for name, value in printed.items() if value is not None},
            active_at=latest(row.last_reply),
            vagueness=vagueness(row.last_reply),
            is_pinned=row.is_pinned,
            unread=row.unread,
        )

    def _without_posts(
        self, response: Response, visit: ForumVisit, link: ThreadLink, opened: Opened
    ) -> Iterator[PostRecord]:
        """Say what a page without posts means: gone, for members only, closed, or odd."""
        notice, said = opened.notice or (None, "")
        if notice is Notice.GONE:
            raise ThreadGoneError(said)
        if notice is Notice.CLOSED or is_puzzle(opened.text):
            _refuse_list(response, opened)
        if notice not in MEMBERS_ONLY:
            raise ParsingFailedError(
                "unreadable_page",
                f"no post on a page of {len(response.body):,} bytes; expected div[id^=post_]"
                + (f", found the message {said!r:.80}" if said else ""),
            )
        visit.walls = visit.walls + 1 if notice is Notice.LOGIN else 0
        if visit.walls >= WALLS_IN_A_ROW:
            raise SiteRefusedError(
                f"{shown(response.url)}: {visit.walls} threads in a row ask for a login, the last "
                f"with {said!r:.80}; we never log in: docs/runbook.md#forum-notices"
            )
        if page_in(link.url) > 1:
            raise ParsingFailedError("members_only", f"the first page was shown, then {said!r:.80}")
        visit.locked += 1
        if link.post_id not in visit.known and "title" in link.printed:
            yield self._locked(visit, link)

    def _locked(self, visit: ForumVisit, link: ThreadLink) -> PostRecord:
        """Land what the list tells of a thread that only members may read."""
        printed = link.printed
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=link.post_id,
            kind="thread",
            author=link.author,
            title_text=printed["title"],
            url=visit.forum.thread(link.post_id.removeprefix("t")),
            tags=(*filter(None, printed["marks"].split("\n")), "locked"),
            published_at=link.published_at,
            published_precision=printed["precision"],
            published_raw=printed["created"],
            counters=_counters({REPLIES: printed.get("replies"), "view": printed.get("views")}),
            is_truncated=True,
            raw={"tid": link.post_id.removeprefix("t"), "locks": ["members"]},
            unread=link.unread,
        )

    def _posts(self, visit: ForumVisit, link: ThreadLink, page: ThreadPage) -> Iterator[PostRecord]:
        """Yield the posts of a page that belong to the window, and the remarks under them."""
        posts = [post for post in page.posts if not post.is_stuck]
        if page.number == 1:
            visit.openings[link.post_id] = posts[0].pid if posts else ""
            visit.per_page[link.post_id] = len(posts)
        opening = visit.openings.get(link.post_id)
        visit.noise += sum(post.noise for post in page.posts)
        for post in page.posts:
            if post.pid == opening:
                record = self._opening(visit, link, page, post)
            else:
                record = self._record(visit, link, post, page)
            if visit.is_wanted(record.published_at):
                yield record
            yield from self._remarks(visit, link, record, post)

    def _opening(
        self, visit: ForumVisit, link: ThreadLink, page: ThreadPage, post: ForumPost
    ) -> PostRecord:
        printed = link.printed
        listed = {REPLIES: printed.get("replies"), "view": printed.get("views")}
        marks = printed.get("marks", "").split("\n")
        body = "\n".join(filter(None, [post.body, *page.choices])) or None
        record = self._record(visit, link, post, page)
        return replace(
            record,
            post_id=link.post_id,
            kind="thread",
            parent_id=None,
            root_id=None,
            author=post.author,
            title_text=page.title or printed.get("title"),
            body_text=None if record.is_deleted else body,
            url=visit.forum.thread(link.post_id.removeprefix("t")),
            tags=_tags(page.category, *marks, *page.tags, *(record.tags or ())),
            published_at=record.published_at or link.published_at,
            published_precision=record.published_precision or printed.get("precision", "minute"),
            counters=_counters({**listed, **page.counters, **post.counters}),
            unread=post.unread | page.unread | link.unread,
        )

    def _record(
        self, visit: ForumVisit, link: ThreadLink, post: ForumPost, page: ThreadPage
    ) -> PostRecord:
        """Make a record of a post as of a reply; an opening one changes what differs."""
        post_id, tid = f"p{post.pid}", link.post_id.removeprefix("t")
        is_opening = post.pid == visit.openings.get(link.post_id)
        at, precision, raw = _best_time(visit, link.post_id if is_opening else post_id, post.at)
        is_removed = not REMOVED.isdisjoint(post.locks)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind="comment",
            parent_id=_parent(visit, link, post),
            root_id=link.post_id,
            author=post.author,
            body_text=None if is_removed else post.body,
            url=visit.forum.post(tid, post.pid),
            tags=_tags(*(["locked"] if post.locks else [])),
            published_at=at,
            published_precision=precision,
            published_raw=raw,
            edited_at=post.edited.at if post.edited else None,
            counters=_counters(post.counters),
            is_deleted=is_removed,
            is_truncated=bool(post.locks) and not is_removed,
            raw={
                "tid": tid,
                "pid": post.pid,
                "floor": post.floor or _floor(visit, link, page, post),
                "locks": list(post.locks),
                "quoted": list(post.quoted),
            },
            unread=post.unread,
        )

    def _remarks(
        self, visit: ForumVisit, link: ThreadLink, under: PostRecord, post: ForumPost
    ) -> Iterator[PostRecord]:
        """Yield the remarks under a post; they bear no number, so their words name them."""
        equals: Counter[str] = Counter()
        for remark in post.remarks:
            equals[remark.text] += 1
            post_id = _remark_id(post.pid, remark, equals[remark.text])
            at, precision, raw = _best_time(visit, post_id, remark.at)
            if visit.is_wanted(at):
                yield PostRecord(
                    channel_id=visit.channel.id,
                    post_id=post_id,
                    kind="comment",
                    parent_id=under.post_id,
                    root_id=link.post_id,
                    author=remark.author,
                    body_text=remark.text,
                    url=under.url,
                    published_at=at,
                    published_precision=precision,
                    published_raw=raw,
                )


def _open(response: Response, visit: ForumVisit, now: datetime) -> Opened:
    header = (response.headers.get("Content-Type") or b"").decode("latin-1")
    text = decode_page(response.body, declared_charsets(response.body, header))
    if visit.is_mobile:
        return _open_mobile(response, text, PageClock(visit.zone, now))
    page = Selector(text=text or "<html></html>", type="html")
    is_page = page.css(f"{discuz_forum.LIST}, {discuz_thread.POSTS}")
    return Opened(
        text,
        read_clock(text, visit.zone, now),
        page=page,
        notice=None if is_page else find_notice(page),
    )


def _open_mobile(response: Response, text: str, clock: PageClock) -> Opened:
    try:
        answer = discuz_mobile.read_answer(text)
    except discuz_mobile.NotMobileError as error:
        if not text.strip():
            raise BlankPageError(f"{shown(response.url)}: an answer without a word") from None
        raise SiteChangedError(
            f"{shown(response.url)}: {error}; the plugin may be switched off. Take `route: mobile` "
            "out of the channel's options, or ask the site's owner"
        ) from None
    return Opened(text, clock, answer=answer, notice=discuz_mobile.notice_in(answer))


def _forum_in(opened: Opened) -> ForumPage | None:
    if opened.notice is not None:
        return None
    if opened.answer is not None:
        return discuz_mobile.parse_mobile_forum(opened.answer)
    return discuz_forum.parse_forum(opened.page, opened.clock)


def _thread_in(opened: Opened, asked: int) -> ThreadPage | None:
    if opened.notice is not None:
        return None
    if opened.answer is not None:
        return discuz_mobile.parse_mobile_thread(opened.answer, asked, opened.clock)
    return discuz_thread.parse_thread(opened.page, opened.clock)


def _refuse_list(response: Response, opened: Opened) -> NoReturn:
    """Say why a page is no list: whose fault it is decides how the channel ends."""
    raise _reason(response, opened)


def _reason(response: Response, opened: Opened) -> NotFetchedError:
    where = shown(response.url)
    notice, said = opened.notice or (None, "")
    if notice in (Notice.NO_FORUM, Notice.GONE):
        return SiteChangedError(
            f"{where}: the site says {said!r:.80}; correct the channel's address"
        )
    if notice is not None:
        return SiteRefusedError(
            f"{where}: instead of its page the site says {said!r:.80} ({notice.value}); "
            "docs/runbook.md#forum-notices tells what that means"
        )
    if is_puzzle(opened.text):
        return SiteRefusedError(
            f"{where}: a script that tests the reader instead of a page; we solve no puzzle: ask "
            "the site's owner, or use files"
        )
    if (
        opened.page is not None
        and not "".join(opened.page.xpath("//body//text()").getall()).strip()
    ):
        return BlankPageError(f"{where}: a page of {len(response.body):,} bytes without a word")
    return SiteChangedError(
        f"{where}: no list on a page of {len(response.body):,} bytes; expected "
        f"{discuz_forum.LIST}. The site may have changed: docs/runbook.md#changed-site"
    )


def _require_whole(
    response: Response, opened: Opened, page: ThreadPage, link: ThreadLink, asked: int
) -> None:
    """Refuse a page that would make believe that posts are gone."""
    if _is_cut_off(opened):
        raise ParsingFailedError(
            "cut_off_page", f"a page of {len(response.body):,} bytes that ends in the middle"
        )
    if page.tid not in (None, link.post_id.removeprefix("t")):
        raise ParsingFailedError(
            "wrong_thread", f"expected thread {link.post_id}, found the page of {page.tid}"
        )
    if page.number != asked and asked <= page.last_number:
        raise ParsingFailedError(
            "wrong_page", f"expected page {asked} of {page.last_number}, found {page.number}"
        )


def _is_cut_off(opened: Opened) -> bool:
    return opened.answer is None and "</body" not in opened.text[-4096:].lower()


def _shown_page(page: ThreadPage) -> ShownPage:
    posts = [post for post in page.posts if not post.is_stuck]
    replies = posts[1:] if page.number == 1 else posts
    times = [latest(post.at) for post in replies if post.at is not None]
    numbers = tuple(int(post.pid) for post in posts)
    return ShownPage(page.number, page.last_number, numbers, min(times, default=None))


def _parent(visit: ForumVisit, link: ThreadLink, post: ForumPost) -> str:
    """Return what a reply answers: the post it quotes, else the opening one."""
    quoted = next((pid for pid in post.quoted if pid != post.pid), None)
    is_opening = quoted is None or quoted == visit.openings.get(link.post_id)
    return link.post_id if is_opening else f"p{quoted}"


def _floor(visit: ForumVisit, link: ThreadLink, page: ThreadPage, post: ForumPost) -> int | None:
    """Count the floor of a post where the site prints none."""
    if post.is_stuck:
        return None
    posts = [p.pid for p in page.posts if not p.is_stuck]
    if page.number > 1 and link.post_id not in visit.per_page:
        return None
    before = (page.number - 1) * visit.per_page.get(link.post_id, 0)
    return before + posts.index(post.pid) + 1


def _best_time(
    visit: ForumVisit, post_id: str, found: Instant | None
) -> tuple[datetime | None, str | None, str | None]:
    """Return the closest time known: an old page says `3 天前` of what was `5 分钟前` once."""
    known = visit.known.get(post_id)
    if known is not None and known.published_at is not None and known.published_precision:
        closer = CLOSER[Precision(known.published_precision)]
        if found is None or closer < CLOSER[found.precision]:
            return known.published_at, known.published_precision, known.published_raw
    if found is None:
        return None, None, None
    return found.at, found.precision.value, found.raw


def _remark_id(pid: str, remark: Remark, ordinal: int) -> str:
    said = f"{pid}\n{remark.text}\n{ordinal}".encode("utf-8", "replace")
    return f"c{pid}-{hashlib.sha256(said).hexdigest()[:20]}"


def _counters(printed: Mapping[str, str | None]) -> tuple[Mapping[str, Any], ...] | None:
    told = {name: value for name, value in printed.items() if value is not None}
    return tuple(dict(parse_counter(name, value)) for name, value in told.items()) or None


def _exactly(printed: str | None) -> int | None:
    counter = parse_counter(REPLIES, printed)
    return counter["lo"] if counter["lo"] == counter["hi"] else None


def _tags(*tags: str | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(tag for tag in tags if tag)) or None
