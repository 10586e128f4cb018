"""WordPress: posts and the comments under them by REST, or by the feeds where REST is closed.

REST shows everything: posts by page, comments by post, and what was edited or said late under an
old post. The feeds show all posts by page, but of comments the newest few of each post and of the
site; a thread that declares more than that is a hole. Where the feeds are off, too, the sitemap
still counts what there is, and nothing is covered. A refusal is not argued with: REST that answers
401 or 403 is asked no other way, and what is read then is what the site publishes as a feed. Only
REST itself or a 404 says that it is closed: any other page in its place, of a challenge or of
maintenance, is a fault. Where such a page stays, `options: {rest: false}` reads the feeds.

REST sends no validators, so nothing is asked for conditionally; a feed is read whole because it
says under which posts there is something to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from scrapy.http import Response

from lake import StopReason, Window
from scrapers.access.calls import Answer, Call, Listed, Page, Problem, Trouble, problem_by_status
from scrapers.access.channel import shown
from scrapers.access.cursor import CursorSpider, CursorVisit, Lost
from scrapers.encodings import charset_of
from scrapers.errors import SiteChangedError, SiteRefusedError
from scrapers.known import KnownPost
from scrapers.parsers import wordpress as parse
from scrapers.parsers.feed_document import Entry, FeedDocument, NotAFeedError, parse_feed
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.sitemap import Sitemap, is_sitemap, parse_sitemap
from scrapers.records import ChannelRecord, PostRecord, dated
from scrapers.spiders.feed import CUT_OFF, without_footer

AT_ONCE = 100  # the most that REST gives
IN_A_FEED = 10  # entries that WordPress shows unless its owner chose another number
BEYOND = "rest_post_invalid_page_number"
NO_ROUTE = "rest_no_route"
SLACK = timedelta(days=1)  # between a site's clock and its idea of UTC
SITEMAPS = ("wp-sitemap.xml", "sitemap_index.xml", "sitemap.xml")
LATE = "late comments"
REST, PLAIN_REST, FEED, SITEMAP = "rest", "plain_rest", "feed", "sitemap"


class Unread(NamedTuple):
    """An answer that is neither JSON nor a feed nor a sitemap."""

    seems: str


class WordpressSpider(CursorSpider):
    """Posts newest first, each with its comments; one that its number does not find is gone."""

    name = "wordpress"
    people = parse.PEOPLE
    most_blank_pages = 2

    # How it is asked.

    def base(self, visit: CursorVisit) -> str:
        """Return the blog's own address; one server may hold many."""
        return visit.channel.url.rstrip("/")

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        zone = ZoneInfo(visit.channel.time_zone)
        visit.facts.update(route=REST, zone=zone, links={}, declared={})
        if visit.channel.options.get("rest", True):
            yield from self._open_rest(visit)
        else:
            yield self._open_feeds

    def timeline(self, visit: CursorVisit, part: Window) -> Call:  # noqa: ARG002
        if visit.facts["route"] == FEED:
            return Call("feed/", self.read_feed)
        query = {"per_page": _size(visit), "orderby": "date", "order": "desc"}
        return self._rest(visit, "wp/v2/posts", self.read_posts, self._of(query))

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:
        ids = [i for i in posts if i.startswith("post-")]
        if visit.facts["route"] == FEED:
            for post_id in ids:
                query = {"p": _number(post_id), "feed": "rss2"}
                yield Call("", self.read_presence, query, asked=(post_id,))
            return
        for start in range(0, len(ids), AT_ONCE):
            batch = tuple(ids[start : start + AT_ONCE])
            query = self._of({"include": ",".join(map(_number, batch)), "per_page": AT_ONCE})
            call = self._rest(visit, "wp/v2/posts", self.read_found, query)
            yield replace(call, asked=batch)

    def _rest(self, visit: CursorVisit, route: str, read: Any, query: Mapping[str, Any]) -> Call:
        """Return a call of the interface, by its path or, without permalinks, by a parameter."""
        if visit.facts["route"] == PLAIN_REST:
            return Call("", read, {"rest_route": f"/{route}", **query})
        return Call(f"wp-json/{route}", read, query)

    def _of(self, query: Mapping[str, Any]) -> dict[str, Any]:
        return {**query, "_fields": ",".join(parse.POST_FIELDS)}

    def _comments(self, visit: CursorVisit, read: Any, query: Mapping[str, Any]) -> Call:
        query = {**query, "per_page": _size(visit), "orderby": "date_gmt", "order": "desc"}
        query["_fields"] = ",".join(parse.COMMENT_FIELDS)
        return self._rest(visit, "wp/v2/comments", read, query)

    # What an answer is, and what it complains of.

    def decode(self, response: Response) -> Any:
        body = response.body.lstrip()
        if body[:1] in (b"[", b"{") or body[:3] == b"\xef\xbb\xbf":
            return super().decode(response)
        try:
            if is_sitemap(body):
                return parse_sitemap(body)
            content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
            return parse_feed(body, charset=charset_of(content_type))
        except NotAFeedError as error:
            return Unread(str(error))

    def find_error(self, data: Any, response: Response) -> Problem | None:
        status, code = response.status, parse.error_code(data)
        if code == BEYOND or _is_beyond(response) or _is_present(response):
            return None
        if status == 429 or status >= 500:
            return problem_by_status(data, response)
        problem = _problem(data, response, code)
        if problem is None or _says_closed(status, code) or not _opens_rest(response.url):
            return problem
        return replace(problem, kind=Trouble.TRANSIENT if status < 300 else Trouble.REFUSED)

    def go_without(self, visit: CursorVisit, call: Call, said: str) -> None:
        """Take the next best way when one is closed; a thread or post alone closes none."""
        if call.asked:
            if "HTTP 404" in said or "HTTP 410" in said:
                super().go_without(visit, call, said)
            return
        if call.root is not None:
            super().go_without(visit, call, said)
            self._miss(visit, call.root, said)
            return
        if visit.listed:
            raise SiteRefusedError(f"{said}; it was open until then. docs/runbook.md#blocked")
        route = visit.facts["route"]
        visit.steps.clear()
        if route == REST and "HTTP 404" in said:
            visit.facts["route"] = PLAIN_REST
            self._push(visit, [*self._open_rest(visit), self._open_list, self._find_lost])
        elif route in (REST, PLAIN_REST):
            visit.notes.append(f"REST is closed ({said}); read from the feeds")
            self._push(visit, self._open_feeds(visit))
        else:
            self._open_sitemap(visit, said)

    def _open_rest(self, visit: CursorVisit) -> Iterator[Call]:
        yield self._rest(visit, "", self.read_site, {"_fields": ",".join(parse.SITE_FIELDS)})

    def _open_feeds(self, visit: CursorVisit) -> Iterator[Any]:
        """Read the feeds in place of all that was to be asked."""
        visit.facts["route"] = FEED
        visit.steps.clear()
        yield from (self._open_list, self._open_late_feed, self._find_lost)

    # REST.

    def read_site(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        site = JsonRecord(answer.data, self.people)
        visit.facts["zone"] = parse.site_zone(site, visit.channel.time_zone)
        site.take("home")
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=site.text("name"),
            raw={name: site.take(name) for name in parse.SITE_FIELDS},
        )
        since = visit.channel.start
        late = {"after": _iso(since - SLACK)}
        yield self._comments(visit, self.read_late, late)
        if visit.channel.covered_until is not None:
            changed = {"modified_after": _iso(since - SLACK), "orderby": "modified"}
            query = self._of({**changed, "order": "desc", "per_page": _size(visit)})
            yield self._rest(visit, "wp/v2/posts", self.read_changed, query)

    def read_late(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take the site's newest comments; those under young posts are read with their posts."""
        comments = list(self._each_comment(visit, answer))
        yield from (one for one in comments if self._is_late(visit, one))
        oldest = _oldest(c.published_at for c in comments if isinstance(c, PostRecord))
        if oldest is None or oldest >= visit.channel.start:
            yield from _next_page(answer)

    def _is_late(self, visit: CursorVisit, one: Any) -> bool:
        if not isinstance(one, PostRecord):
            return False  # refused here, it would be refused again with its post
        root = visit.known.get(one.root_id or "")
        is_young = root is not None and (root.published_at or self.horizon(visit)) >= self.horizon(
            visit
        )
        is_new = one.published_at is not None and one.published_at >= visit.channel.start
        return is_new and not is_young

    def read_changed(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take old posts that were edited since; sites before 5.7 list unedited ones after them."""
        read = self.each(visit, _listing(answer), lambda p: self.post(visit, p))
        posts = [one for one in read if isinstance(one, PostRecord)]
        since = visit.channel.start - SLACK
        changed = [p for p in posts if p.edited_at is not None and p.edited_at >= since]
        yield from (p for p in changed if p.post_id in visit.known)
        if posts and len(changed) == len(posts):
            yield from _next_page(answer)

    def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        read = list(self.each(visit, _listing(answer), lambda p: self.listed(visit, p)))
        yield from (one for one in read if not isinstance(one, Listed))
        total = answer.headers.get("x-wp-total")
        yield Page(
            [one for one in read if isinstance(one, Listed)],
            next(_next_page(answer), None),
            declared_total=_count(total),
        )

    def listed(self, visit: CursorVisit, item: JsonRecord) -> Listed:
        record = self.post(visit, item)
        query = {"post": _number(record.post_id)}
        call = self._comments(visit, self.read_comments, query)
        return Listed(record, (replace(call, root=record.post_id),))

    def read_found(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, _listing(answer), lambda p: self.post(visit, p))

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take the comments under a post; those of another one come from a cache gone wrong."""
        comments = list(self._each_comment(visit, answer))
        roots = {c.root_id for c in comments if isinstance(c, PostRecord)}
        if answer.call.root is not None and not roots <= {answer.call.root}:
            raise SiteChangedError(
                f"wordpress {answer.call.path}: expected comments under {answer.call.root}, found "
                f"some under {', '.join(sorted(map(str, roots)))}; run again later"
            )
        yield from comments
        yield from _next_page(answer)

    def _each_comment(self, visit: CursorVisit, answer: Answer) -> Iterator[Any]:
        comments = [c for c in _listing(answer) if not _is_ping(c)]
        yield from self.each(visit, comments, lambda c: self.comment(visit, c))

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        zone = visit.facts["zone"]
        published = parse.read_time(item, "date", zone)
        modified = parse.read_time(item, "modified", zone)
        is_edited = published and modified and modified.at > published.at
        for name in ("sticky", "guid.rendered", "content.protected", "type", "status"):
            item.take(name)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=parse.post_id(item.id("id")),
            kind="article",
            author=parse.author(item),
            title_text=parse.title(item),
            body_text=parse.text(item, "content"),
            url=item.text("link"),
            **dated(published),
            edited_at=modified.at if is_edited and modified else None,
            raw=_raw(item),
            unread=item.unread,
        )

    def comment(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        published = parse.read_time(item, "date", visit.facts["zone"])
        root, parent = parse.post_id(item.id("post")), item.find_id("parent")
        for name in ("type", "status"):
            item.take(name)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=parse.comment_id(item.id("id")),
            kind="comment",
            parent_id=root if parent in (None, "0") else parse.comment_id(parent),
            root_id=root,
            author=parse.author(item),
            body_text=parse.text(item, "content"),
            url=item.text("link"),
            **dated(published),
            raw=_raw(item),
            unread=item.unread,
        )

    # Feeds.

    def read_feed(self, answer: Answer, visit: CursorVisit) -> Iterator[Page]:
        """List the posts of a page of the feed; behind the last page there is none."""
        entries = _entries(answer)
        if isinstance(answer.data, FeedDocument) and answer.data.remark:
            visit.notes = [*dict.fromkeys([*visit.notes, answer.data.remark])]
        page = int(answer.call.query.get("paged", 1))
        if page == 1:
            visit.facts["first_page"] = len(entries)
        elif entries:
            visit.facts["in_a_feed"] = visit.facts["first_page"]
        listed = [self.listed_entry(visit, entry) for entry in entries]
        yield Page(listed, answer.call.turned(paged=page + 1) if entries else None)

    def listed_entry(self, visit: CursorVisit, entry: Entry) -> Listed:
        number = parse.number_of_entry(entry, parse.POST_NUMBER)
        name = parse.post_id(number) if number else str(entry.guid or entry.link)
        record = self._entry(visit, entry, name, "article")
        visit.facts["links"][_page_of(entry.link)] = name
        declared = _count(entry.comment_count) or 0
        visit.facts["declared"][name] = declared
        is_silent = not declared and not _alive_under(visit, name)
        if is_silent or not entry.link:
            return Listed(record)
        path = f"{_page_of(entry.link)}/feed/"
        return Listed(record, (Call(self._own(visit, path), self.read_thread, root=name),))

    def read_thread(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take the newest comments under a post; those that it hides are a hole, or known."""
        root = str(answer.call.root)
        read = [self.entry_of_comment(visit, entry, root) for entry in _entries(answer)]
        yield from read
        declared = visit.facts["declared"].get(root, 0)
        if len(read) >= declared:
            return
        visit.unsure.add(root)
        oldest = _oldest(c.published_at for c in read)
        if len({*_alive_under(visit, root), *(c.post_id for c in read)}) < declared:
            self._lose(visit, oldest, f"{root} shows {len(read)} of {declared:,} comments")

    def _open_late_feed(self, visit: CursorVisit) -> Iterator[Call]:  # noqa: ARG002
        yield Call("comments/feed/", self.read_late_feed, root=LATE)

    def read_late_feed(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take the site's newest comments: what was said under posts too old to be visited."""
        entries = _entries(answer)
        read = [self.entry_of_comment(visit, entry, None) for entry in entries]
        yield from (c for c in read if c.post_id not in visit.seen)
        is_full = len(entries) >= visit.facts.get("in_a_feed", IN_A_FEED)
        overlaps = any(c.post_id in visit.known for c in read)
        if visit.has_reached_old and is_full and not overlaps:
            oldest = _oldest(c.published_at for c in read)
            self._lose(visit, oldest, f"of late comments the newest {len(read)} are shown")

    def entry_of_comment(self, visit: CursorVisit, entry: Entry, root: str | None) -> PostRecord:
        number = parse.number_of_entry(entry, parse.COMMENT_NUMBER)
        name = parse.comment_id(number) if number else str(entry.guid or entry.link)
        known = visit.known.get(name)
        about = parse.number_of_entry(entry, parse.POST_NUMBER)
        named = visit.facts["links"].get(_page_of(entry.link))
        root = root or (parse.post_id(about) if about else named)
        return self._entry(
            visit, entry, name, "comment", root or (known.root_id if known else None)
        )

    def _entry(
        self, visit: CursorVisit, entry: Entry, name: str, kind: str, root: str | None = None
    ) -> PostRecord:
        is_comment = kind == "comment"
        said = parse.read_entry(entry, visit.facts["zone"])
        published = said.published
        body = without_footer(said.body) if said.body else None
        raw = {k: v for k, v in entry.raw.items() if not is_comment or k != "title"}
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=name,
            kind=kind,
            parent_id=(said.answers or root) if is_comment else None,
            root_id=root,
            author=said.author,
            title_text=None if is_comment else said.title,
            body_text=body,
            url=entry.link,
            tags=tuple(dict.fromkeys(entry.categories)) or None,
            **dated(published),
            is_excerpt=entry.is_summary and bool(CUT_OFF.search(body or "")),
            raw=raw,
            unread=entry.unread,
        )

    def read_presence(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Note that a post is still there, for its number leads to its page."""
        visit.seen.update(answer.call.asked)
        yield from ()

    def _own(self, visit: CursorVisit, path: str) -> str:
        """Return an address that the blog names as a page of the server that was configured."""
        base, own = urlsplit(self.base(visit)), urlsplit(path)
        below = own.path if own.path.startswith(base.path) else base.path + own.path
        return own._replace(scheme=base.scheme, netloc=base.netloc, path=below).geturl()

    def _miss(self, visit: CursorVisit, root: str, said: str) -> None:
        """Say what is not heard when the comments of a post, or late ones, are closed."""
        if visit.facts["route"] == FEED:
            declared = visit.facts["declared"].get(root, 0)
            is_hole = visit.has_reached_old if root == LATE else declared
            if is_hole and len(_alive_under(visit, root)) < (declared or 1):
                self._lose(visit, None, said)

    def _lose(self, visit: CursorVisit, oldest: datetime | None, why: str) -> None:
        end = min(oldest or visit.channel.end, visit.channel.end)
        if visit.channel.start < end:
            visit.lost.append(Lost(Window(visit.channel.start, end), why))

    def sure_part(self, visit: CursorVisit) -> Window | None:
        """Return what was read whole; behind a thread that hides its older comments, nothing is."""
        found = super().sure_part(visit)
        if found is None or visit.facts.get("route") != FEED:
            return found
        start = max((lost.window.end for lost in visit.lost), default=found.start)
        start = max(start, found.start)
        return Window(start, found.end) if start < found.end else None

    # The sitemap.

    def _open_sitemap(self, visit: CursorVisit, said: str) -> None:
        asked = visit.facts.setdefault("sitemaps", [])
        if visit.facts["route"] != SITEMAP:
            visit.facts["route"] = SITEMAP
            visit.notes.append(f"the feeds are off, too ({said})")
        left = [name for name in SITEMAPS if name not in asked]
        if left:
            asked.append(left[0])
            self._push(visit, [Call(left[0], self.read_sitemap)])

    def read_sitemap(self, answer: Answer, visit: CursorVisit) -> Iterator[Call]:
        """Count what a map lists as changed since; it holds no words, so nothing is landed."""
        found = answer.data
        if not isinstance(found, Sitemap):
            raise SiteChangedError(f"wordpress {answer.call.path}: expected a sitemap")
        zone: tzinfo = visit.facts["zone"]
        count = visit.facts.get("pages", 0)
        changed = (parse.printed_time(page.changed_raw, zone) for page in found.pages)
        visit.facts["pages"] = count + sum(
            at is None or at.at >= visit.channel.start for at in changed
        )
        for one in found.maps:
            yield Call(self._own(visit, one.url), self.read_sitemap, root=one.url)

    def _end(self, visit: CursorVisit) -> Iterator[Any]:
        if visit.facts["route"] != SITEMAP:
            yield from super()._end(visit)
            return
        pages = visit.facts.get("pages")
        since = _iso(visit.channel.start)
        detail = f"the sitemap names {pages or 0:,} pages changed since {since}, without their text"
        if pages is None:
            detail = "no sitemap either; ask the site's owner: docs/runbook.md#blocked"
        yield from self.finish(visit, StopReason.BLOCKED, detail=detail)


def _listing(answer: Answer) -> Any:
    """Return what a page lists; behind the last page WordPress answers with an error."""
    return [] if parse.error_code(answer.data) == BEYOND else answer.data


def _next_page(answer: Answer) -> Iterator[Call]:
    """Yield the call for the next page; without the header, until a page is short."""
    page, total = (
        int(answer.call.query.get("page", 1)),
        _count(answer.headers.get("x-wp-totalpages")),
    )
    is_full = len(_listing(answer)) >= int(answer.call.query["per_page"])
    if is_full if total is None else page < total:
        yield answer.call.turned(page=page + 1)


def _count(printed: str | None) -> int | None:
    """Read a count; None when it is none, or too large to be one."""
    plain = (printed or "").strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 12 else None


def _size(visit: CursorVisit) -> int:
    """Return how many records are asked for at once; fewer where pages would be too large."""
    return min(int(visit.channel.options.get("per_page", AT_ONCE)), AT_ONCE)


def _is_ping(comment: Any) -> bool:
    return isinstance(comment, Mapping) and comment.get("type") in parse.PINGS


def _raw(item: JsonRecord) -> dict[str, Any]:
    """Return the record with its words as text: in markup, an @ is parted from the name behind."""
    raw = {k: v for k, v in item.raw.items() if k not in ("excerpt", "guid")}
    return {**raw, "content": parse.text(item, "content")}


def _entries(answer: Answer) -> tuple[Entry, ...]:
    if isinstance(answer.data, FeedDocument):
        if answer.data.is_cut:
            raise SiteChangedError(
                f"wordpress {answer.call.path}: the feed breaks off before its end; half an entry "
                "would land as a whole one, so the next crawl reads it anew"
            )
        return answer.data.entries
    if isinstance(answer.data, Unread):
        return ()
    raise SiteChangedError(f"wordpress {answer.call.path}: expected a feed, found other data")


def _is_beyond(response: Response) -> bool:
    """Whether a page of a feed was asked for that lies behind its last one."""
    return response.status == 404 and "paged" in parse_qs(urlsplit(response.url).query)


def _is_present(response: Response) -> bool:
    """Whether the feed of a post, asked for by number, is said to stand at its own address."""
    location = (response.headers.get("Location") or b"").decode("latin-1")
    return 300 <= response.status < 400 and "feed=rss2" in response.url and "/feed" in location


def _moved(response: Response) -> Problem:
    """Name the new address of a blog that moved; a door to a login is a closed one."""
    location = (response.headers.get("Location") or b"").decode("latin-1")
    if urlsplit(location).path.rstrip("/") == urlsplit(response.url).path.rstrip("/"):
        raise SiteChangedError(
            f"{shown(response.url)}: the blog moved to {shown(location)}; write its new address "
            "into the configuration"
        )
    return Problem(Trouble.CLOSED, f"HTTP {response.status}", f"leads to {shown(location)}")


def _opens_rest(url: str) -> bool:
    """Whether REST is asked for the site or one of its lists, not for a post or what is under it.

    By a parameter it is asked after a 404: a site that shows its front page then has none.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    is_rest = "/wp-json/" in parts.path or query.get("rest_route", ["/"]) != ["/"]
    return is_rest and not {"post", "include"} & set(query)


def _says_closed(status: int, code: str | None) -> bool:
    """Whether it is REST that refuses, or nothing is there; a page may be a challenge's."""
    return status in (404, 410) or code == NO_ROUTE or (status in (401, 403) and code is not None)


def _problem(data: Any, response: Response, code: str | None) -> Problem | None:
    status = response.status
    if 300 <= status < 400:
        return _moved(response)
    if isinstance(data, Unread):
        return Problem(Trouble.CLOSED, f"HTTP {status}", f"expected data, found {data.seems}")
    if status >= 400 or code:
        kind = Trouble.GONE if status in (404, 410) else Trouble.CLOSED
        return Problem(kind, code or f"HTTP {status}", _message(data))
    return None


def _message(data: Any) -> str:
    message = data.get("message") if isinstance(data, Mapping) else None
    return str(message or "no word")[:200]


def _number(name: str) -> str:
    return name.rpartition("-")[2]


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _page_of(link: str | None) -> str:
    """Return the address of the page that a link leads into."""
    return urlsplit(link or "")._replace(query="", fragment="").geturl().rstrip("/")


def _oldest(dates: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in dates if at is not None), default=None)


def _alive_under(visit: CursorVisit, root: str) -> set[str]:
    return {i for i, p in visit.known.items() if p.root_id == root != i and not p.is_deleted}
