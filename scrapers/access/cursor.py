"""APIs: answers in JSON, lists that are paged through, accounts that one is allowed to read.

A source says what it asks for and what an answer holds; this class asks. It keeps a stack of steps:
calls, records, pages of the channel's own list, and functions that yield further steps. A reader
turns an answer into steps, and they are done in its order before whatever was waiting.

The walk. After `opening` (audience, ids) and what must be refreshed, the list that `timeline`
begins is paged through, newest first, back to the older of the window's start and the revisit
horizon. What stands under a post is read before the post itself is handed on, so a post that the
lake knows has been read whole, and a crawl that was cut short goes on without reading it again. A
post is read again while it is younger than `revisit_days`, and later when its counter moved.

What is covered. From the oldest post that was read whole, to the window's end. A list that the
platform caps is asked for again in halves of its time, until each half ends by itself or cannot be
cut: then what lies before its oldest post is lost, and said to be. A known post that its list, or
the answer to a question for it, leaves out is gone: a tombstone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response

from lake import StopReason, Window
from lake.counters import parse_counter
from lake.runs import merge
from scrapers.access.allowance import Allowance
from scrapers.access.calls import (
    Answer,
    Call,
    Listed,
    Page,
    Problem,
    Steps,
    Trouble,
    headers_of,
    pause_until_reset,
    problem_by_status,
)
from scrapers.access.channel import IS_ANSWER, NO_ROBOTS, ChannelSpider, Visit, shown
from scrapers.access.secrets import Secrets, hide, variable_of, with_query
from scrapers.errors import (
    NotFetchedError,
    ParsingFailedError,
    SiteChangedError,
    SiteRefusedError,
)
from scrapers.job import CrawlJob, JobChannel
from scrapers.known import KnownPost
from scrapers.middlewares.patience import retry_after
from scrapers.parsers.json_record import JsonRecord, make_json_storable, without
from scrapers.records import ChannelRecord, PostRecord, Record, Refused

EVER = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_OF_A_DAY = 86_400
MISREAD_IN_A_ROW = 3
READER_ERRORS = (
    ParsingFailedError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)


class Lost(NamedTuple):
    """Time of which the platform shows no more, and why."""

    window: Window
    reason: str


@dataclass
class CursorVisit(Visit):
    """Where the walk over one channel stands; the last of `steps` and `parts` comes next."""

    opened_at: datetime | None = None
    steps: list[Any] = field(default_factory=list)
    parts: list[Window] = field(default_factory=list)
    part: Window | None = None
    in_part: set[str] = field(default_factory=set)
    reached: datetime | None = None
    has_reached_old: bool = False
    blank_pages: int = 0
    done: list[Window] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    has_shown: bool = False  # whether the list showed anything, of whatever time
    listed: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    declared_total: int | None = None
    wait: float = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def known_under(self) -> dict[str, list[str]]:
        """Ids of the known posts under each root."""
        under: dict[str, list[str]] = {}
        for post_id, post in self.known.items():
            if post.root_id is not None and post.root_id != post_id:
                under.setdefault(post.root_id, []).append(post_id)
        return under


class CursorSpider(ChannelSpider):
    """Reads APIs; a source says `opening`, `timeline` and, if it can, `look_up`."""

    visit_class = CursorVisit
    people: frozenset[str] = frozenset()  # keys of a record that name somebody
    list_cap: int | None = None  # posts that a list shows at most
    is_whole = False  # whether the list shows every post there is: one it leaves out is gone
    can_split = False  # whether `timeline` can ask for a part of the time
    smallest_part = timedelta(hours=1)
    disorder = timedelta(0)  # how far out of its order a post may stand in the list
    most_blank_pages = 10  # pages without a post, though the platform names a next one

    def __init__(self, job: CrawlJob, **arguments: Any) -> None:
        super().__init__(job, **arguments)
        self.secrets = Secrets(job.auth)
        self._allowances: dict[str, Allowance] = {}

    # What a source says.

    def opening(self, visit: Any) -> Steps:  # noqa: ARG002
        """Yield what comes first: the audience, ids that the list needs."""
        yield from ()

    def timeline(self, visit: Any, part: Window) -> Call | None:  # noqa: ARG002
        """Return the call for the newest page of the channel's own list, or of a part of it."""
        return None

    def look_up(self, visit: Any, posts: Mapping[str, KnownPost]) -> Steps:  # noqa: ARG002
        """Yield calls that ask for known posts by id (`Call.asked`), if the platform answers so."""
        yield from ()

    def decode(self, response: Response) -> Any:
        """Return what an answer says: JSON, for nearly every platform."""
        return _decode(response)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        """Return what an answer complains of; sources know their platform's own codes."""
        return problem_by_status(data, response)

    def rescue(self, visit: Any, call: Call, problem: Problem) -> Steps | None:  # noqa: ARG002
        """Return what to do about a problem in place of what its kind says; None: nothing else."""
        return None

    def smaller(self, call: Call) -> Call | None:  # noqa: ARG002
        """Return a call for less of the same, when an answer would be too large."""
        return None

    def pause(self, response: Response) -> float:
        """Return the seconds for which an answer's headers ask to be left alone."""
        return pause_until_reset(headers_of(response), self.job.clock()())

    def base(self, visit: CursorVisit) -> str:
        """Return the URL that paths of calls begin behind."""
        return (self.job.base_url or visit.channel.url).rstrip("/")

    def audience(
        self,
        visit: CursorVisit,
        profile: JsonRecord,
        *,
        title: str | None,
        fans: str,
        counters: Iterable[str],
    ) -> ChannelRecord:
        """Say how large the audience is now; `fans` and `counters` are keys of the profile."""
        followers = parse_counter(fans, profile.take(fans))
        return ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=title,
            fan_count=followers["lo"],
            fan_count_how=followers["how"],
            counters=tuple(parse_counter(name, profile.take(name)) for name in counters),
            raw=profile.raw,
            unread=profile.unread,
        )

    def tombstone(self, visit: CursorVisit, post_id: str) -> PostRecord:
        """Say that a known post is gone."""
        known = visit.known[post_id]
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind=known.kind,
            root_id=known.root_id,
            published_at=known.published_at,
            published_precision="second" if known.published_at else None,
            is_deleted=True,
        )

    # What a source uses.

    def each(
        self,
        visit: CursorVisit,
        items: Any,
        read: Callable[[JsonRecord], Any],
        table: str = "posts",
    ) -> Iterator[Any]:
        """Yield what `read` makes of each item; an odd one goes to quarantine without its people.

        `SiteChangedError` when not one of several could be read.
        """
        if not isinstance(items, list):
            raise SiteChangedError(
                f"{self.name}: expected a list of records, found {type(items).__name__}. The "
                "interface may have changed: docs/runbook.md#changed-site"
            )
        odd = 0
        for item in items:
            try:
                yield read(JsonRecord(item, self.people))
            except (ParsingFailedError, ValueError, RecursionError) as error:
                odd += 1
                if odd == len(items) >= MISREAD_IN_A_ROW:
                    raise SiteChangedError(
                        f"{self.name}: none of {odd} records could be read; the last: {error}. The "
                        "interface may have changed: docs/runbook.md#changed-site"
                    ) from None
                yield self._refused(visit, item, error, table)

    def horizon(self, visit: CursorVisit) -> datetime:
        """Return the age from which posts are left alone."""
        return min(visit.channel.start, self._revisited_from(visit))

    # The walk.

    def begin(self, visit: CursorVisit) -> Iterator[Any]:
        visit.opened_at = self.job.clock()()
        self._push(visit, [*self.opening(visit), self._refresh, self._open_list, self._find_lost])
        yield from self._advance(visit)

    def limit_reached(self, visit: Visit) -> tuple[StopReason, str] | None:
        missing = self.secrets.explain_missing(visit.channel)
        if missing:
            return StopReason.ERROR, missing
        allowance = self._allowance(visit.channel)
        if allowance is not None and not allowance.left():
            return StopReason.BUDGET, _spent(allowance)
        limit = super().limit_reached(visit)
        # A cap is the platform's alone; after a limit of ours the same run may be continued.
        return (StopReason.BUDGET, limit[1]) if limit else None

    def sure_part(self, visit: CursorVisit) -> Window | None:
        """Return the longest interval of the window that was read whole."""
        done = list(visit.done)
        if visit.part and visit.reached and visit.reached < visit.part.end:
            done.append(Window(max(visit.reached, visit.part.start), visit.part.end))
        return max(
            self._clipped(visit, merge(done)), key=lambda part: part.end - part.start, default=None
        )

    def finish(
        self, visit: Visit, reason: StopReason, covered: Window | None = None, **more: Any
    ) -> Iterator[Any]:
        """End a channel; its last words hold no secret and name what was left out."""
        assert isinstance(visit, CursorVisit)
        notes = [more.pop("detail", None), *visit.notes, _left_out(visit, reason, covered)]
        detail = hide("; ".join(note for note in notes if note)) or None
        more.setdefault("declared_total", visit.declared_total)
        yield from super().finish(visit, reason, covered, detail=detail, **more)

    def _push(self, visit: CursorVisit, steps: Iterable[Any]) -> None:
        visit.steps.extend(reversed(list(steps)))

    def _advance(self, visit: CursorVisit) -> Iterator[Any]:
        """Do what waits, up to the next request or the end of the channel."""
        while visit.steps:
            step = visit.steps.pop()
            if isinstance(step, Call):
                yield from self._ask(visit, step)
                return
            if isinstance(step, Page):
                self._push(visit, self._turn(visit, step))
            elif isinstance(step, Record | Refused):
                yield from self._take(visit, step)
            else:
                self._push(visit, step(visit))
        yield from self._end(visit)

    def _ask(self, visit: CursorVisit, call: Call) -> Iterator[Any]:
        limit = self.limit_reached(visit) or self._too_long(visit) or self._spend(visit, call)
        if limit:
            yield from self.finish(visit, limit[0], self.sure_part(visit), detail=limit[1])
            return
        wait, visit.wait = visit.wait, 0
        yield self._request(visit, call, wait)

    def _too_long(self, visit: CursorVisit) -> tuple[StopReason, str] | None:
        if visit.wait <= self.job.politeness.backoff_cap:
            return None
        until = self.job.clock()() + timedelta(seconds=visit.wait)
        said = f"{self.name} asks to be left alone until {until:%Y-%m-%dT%H:%MZ}"
        return StopReason.BUDGET, f"{said}: docs/runbook.md#rate-limited"

    def _spend(self, visit: CursorVisit, call: Call) -> tuple[StopReason, str] | None:
        allowance = self._allowance(visit.channel)
        if allowance is None or allowance.spend(call.cost):
            return None
        return StopReason.BUDGET, _spent(allowance)

    def _request(self, visit: CursorVisit, call: Call, wait: float) -> Request:
        base = self.base(visit)
        url = call.path if "://" in call.path else f"{base}/{call.path.lstrip('/')}"
        if urlsplit(url)[:2] != urlsplit(base)[:2]:
            raise SiteChangedError(
                f"{shown(url)}: expected a page of {urlsplit(base).netloc}, found another server; "
                "no secret is sent there"
            )
        url = self.secrets.unsign(with_query(url, call.query))
        headers: dict[str, str] = {}
        if call.is_signed:
            url, headers = self.secrets.sign(visit.channel, url)
        request = self.fetch(
            visit, url, lambda r, v: self._on_answer(r, v, call), headers=headers, after=wait
        )
        request.meta.update(
            {
                IS_ANSWER: self._is_answer,
                NO_ROBOTS: not self.job.obeys_robots,
                "dont_redirect": True,  # a secret goes nowhere else
            }
        )
        if call.body is None:
            return request
        body = json.dumps(call.body, ensure_ascii=False).encode()
        request.headers["Content-Type"] = "application/json"
        return request.replace(method="POST", body=body)

    def _is_answer(self, response: Response) -> bool:
        try:
            return self.find_error(self.decode(response), response) is not None
        except SiteChangedError:
            return False

    def _on_answer(self, response: Response, visit: CursorVisit, call: Call) -> Iterator[Any]:
        data = self.decode(response)
        problem = self.find_error(data, response)
        visit.wait = self.pause(response)
        if problem is not None:
            yield from self._on_problem(visit, call, problem, response)
            return
        answer = Answer(data, call, headers_of(response))
        self._push(visit, [*self._read(answer, visit), lambda v: self._missing(v, call.asked)])
        yield from self._advance(visit)

    def _read(self, answer: Answer, visit: CursorVisit) -> list[Any]:
        try:
            return list(answer.call.read(answer, visit))
        except READER_ERRORS as error:
            self.logger.debug("%s could not be read", answer.call.path, exc_info=True)
            found = f"{type(error).__name__}: " if not isinstance(error, ParsingFailedError) else ""
            raise SiteChangedError(
                f"{self.name} {answer.call.path}: {found}{error}. The interface may have changed: "
                "docs/runbook.md#changed-site"
            ) from None

    def _on_problem(
        self, visit: CursorVisit, call: Call, problem: Problem, response: Response
    ) -> Iterator[Any]:
        said = f"{self.name} {urlsplit(response.url).path}: {problem.code}: {problem.message}"
        rescued = self.rescue(visit, call, problem)
        if rescued is not None:
            self._push(visit, rescued)
            yield from self._advance(visit)
            return
        match problem.kind:
            case Trouble.EXPIRED:
                raise SiteRefusedError(f"{said}. {self._how_to_renew(visit)}")
            case Trouble.REFUSED:
                raise SiteRefusedError(f"{said}. What it needs: docs/runbook.md#blocked")
            case Trouble.SPENT:
                yield from self._on_spent(visit, said)
            case Trouble.LIMITED | Trouble.TRANSIENT:
                yield from self._again(visit, call, problem, said, response)
            case Trouble.TOO_MUCH:
                smaller = self.smaller(call)
                if smaller is None:
                    raise NotFetchedError(f"{said}; less cannot be asked for")
                self._push(visit, [smaller])
                yield from self._advance(visit)
            case Trouble.GONE | Trouble.CLOSED:
                self.go_without(visit, call, said)
                yield from self._advance(visit)

    def _how_to_renew(self, visit: CursorVisit) -> str:
        auth = self.job.auth
        if auth is None:
            return "It wants a token now: docs/runbook.md#token-expired"
        variable = variable_of(auth, visit.channel.options)
        return f"{auth.obtain} Put it into {variable} in .env: docs/runbook.md#token-expired"

    def _on_spent(self, visit: CursorVisit, said: str) -> Iterator[Any]:
        allowance = self._allowance(visit.channel)
        if allowance is not None:
            allowance.exhaust()
            said = f"{said}; {_spent(allowance)}"
        yield from self.finish(visit, StopReason.BUDGET, self.sure_part(visit), detail=said)

    def _again(
        self, visit: CursorVisit, call: Call, problem: Problem, said: str, response: Response
    ) -> Iterator[Any]:
        """Ask once more after a while, so often as the source says."""
        polite = self.job.politeness
        asked = problem.wait if problem.wait is not None else self._asked_wait(response, visit)
        is_limit = problem.kind is Trouble.LIMITED
        if call.tries >= polite.retries and not is_limit:
            raise NotFetchedError(f"{said}, on {call.tries + 1} tries; run again later")
        if call.tries >= polite.retries or (asked or 0) > polite.backoff_cap:
            detail = f"{said}; it asks to go slower: docs/runbook.md#rate-limited"
            yield from self.finish(visit, StopReason.BUDGET, self.sure_part(visit), detail=detail)
            return
        doubled = min(polite.backoff * 2.0**call.tries, polite.backoff_cap)
        visit.wait = doubled if asked is None else asked
        self._push(visit, [replace(call, tries=call.tries + 1)])
        yield from self._advance(visit)

    def _asked_wait(self, response: Response, visit: CursorVisit) -> float | None:
        return retry_after(response, self.job.clock()()) or visit.wait or None

    def go_without(self, visit: CursorVisit, call: Call, said: str) -> None:
        """Go on without an answer that the platform does not give."""
        if call.asked:
            self._push(visit, [lambda v: self._missing(v, call.asked)])
        elif call.root is not None:
            visit.unsure.add(call.root)
        else:
            raise SiteChangedError(f"{said}; is the channel's address still right?")

    # The channel's own list.

    def _open_list(self, visit: CursorVisit) -> Steps:
        visit.parts = [Window(self.horizon(visit), visit.channel.end)]
        return self._open_part(visit)

    def _open_part(self, visit: CursorVisit) -> Steps:
        if visit.parts:
            visit.part, visit.reached = visit.parts.pop(), None
            visit.in_part, visit.blank_pages = set(), 0
            first = self.timeline(visit, visit.part)
            if first is None:
                visit.done.append(visit.part)
            else:
                yield first

    def _turn(self, visit: CursorVisit, page: Page) -> Steps:
        """Read what a page lists, then turn it, or end this part of the time."""
        if page.declared_total is not None:
            visit.declared_total = page.declared_total
        fresh = [x for x in page.listed if x.record.post_id not in visit.in_part]
        visit.in_part.update(x.record.post_id for x in fresh)
        visit.blank_pages = 0 if fresh else visit.blank_pages + 1
        visit.has_shown = visit.has_shown or bool(fresh)
        for listed in page.listed:
            yield from self._with_what_is_under(visit, listed)
        order = [x.at for x in page.listed if x.at is not None and not x.is_pinned]
        oldest = order[-1] if order else None
        yield lambda v: self._turned(v, page, oldest)

    def _turned(self, visit: CursorVisit, page: Page, oldest: datetime | None) -> Steps:
        assert visit.part is not None
        if visit.blank_pages > self.most_blank_pages:
            visit.steps.clear()
            return
        if oldest is not None:
            sure = oldest + self.disorder
            visit.reached = min(sure, visit.reached or sure)
        is_old = visit.reached is not None and visit.reached < visit.part.start
        if page.next is not None and not is_old:
            yield page.next
            return
        is_full = self.list_cap is not None and len(visit.in_part) >= self.list_cap
        if not is_old and (page.is_capped or is_full):
            self._split(visit, visit.part)
        else:
            visit.has_reached_old = visit.has_reached_old or is_old
            visit.done.append(visit.part)
        visit.part = None
        yield from self._open_part(visit)

    def _split(self, visit: CursorVisit, part: Window) -> None:
        """Ask for the halves of a part that the platform caps; what cannot be cut is lost."""
        half = (part.end - part.start) / 2
        if self.can_split and half >= self.smallest_part:
            middle = part.start + half
            visit.parts += [Window(part.start, middle), Window(middle, part.end)]
            return
        reached = min(visit.reached or part.end, part.end)
        if reached < part.end:
            visit.done.append(Window(reached, part.end))
        if part.start < reached:
            shows = f"{len(visit.in_part):,} posts"
            total = f" of {visit.declared_total:,}" if visit.declared_total else ""
            visit.lost.append(
                Lost(Window(part.start, reached), f"it shows {shows}{total} and no more")
            )

    def _with_what_is_under(self, visit: CursorVisit, listed: Listed) -> Steps:
        record = listed.record
        if record.post_id in visit.listed or not self._is_taken(visit, record):
            return
        visit.listed.add(record.post_id)
        if listed.under and self._is_due(visit, listed):
            yield from listed.under
            declared = _count(record, listed.counter)
            yield lambda v: self._missing_under(v, record.post_id, declared)
        yield record

    def _is_taken(self, visit: CursorVisit, record: PostRecord) -> bool:
        """Whether a listed post is landed: of the time that is walked, or known and grown since."""
        at = record.published_at
        is_known = record.post_id in visit.known
        is_young = at is None or at >= self.horizon(visit)
        return visit.is_wanted(at) and (is_young or is_known)

    def _is_due(self, visit: CursorVisit, listed: Listed) -> bool:
        """Whether what stands under a post is read (again)."""
        record, known = listed.record, visit.known.get(listed.record.post_id)
        at = record.published_at
        if known is None or known.is_deleted or at is None or at >= self._revisited_from(visit):
            return True
        counters = {c["name"]: c for c in record.counters or ()}
        name = listed.counter
        return name is None or counters.get(name) != known.counter(name)

    def _revisited_from(self, visit: CursorVisit) -> datetime:
        days = float(visit.channel.options.get("revisit_days", self.job.revisit_days))
        return visit.channel.before(days)

    # What is gone, and what must not grow old.

    def _missing_under(self, visit: CursorVisit, root_id: str, declared: int | None) -> Steps:
        """Yield a tombstone for each known post under a root that was not shown any more."""
        known = visit.known_under.get(root_id, [])
        is_blank = bool(declared) and visit.seen.isdisjoint(known)
        if root_id not in visit.unsure and not is_blank:
            yield from self._buried(visit, known)

    def _missing(self, visit: CursorVisit, asked: Iterable[str]) -> Steps:
        """Yield a tombstone for each post that was asked for and not found, and for its thread."""
        for post_id in asked:
            if post_id not in visit.seen:
                yield from self._buried(visit, [post_id, *visit.known_under.get(post_id, [])])

    def _buried(self, visit: CursorVisit, ids: Iterable[str]) -> Steps:
        for post_id in ids:
            known = visit.known.get(post_id)
            if known is not None and not known.is_deleted and post_id not in visit.seen:
                visit.seen.add(post_id)
                yield self.tombstone(visit, post_id)

    def _find_lost(self, visit: CursorVisit) -> Steps:
        """Ask for known posts that the list should have shown and did not."""
        start, end = self.horizon(visit), visit.channel.end
        lost = {
            post_id: post
            for post_id, post in self._roots(visit)
            if post_id not in visit.seen
            and post.published_at is not None
            and start <= post.published_at < end
        }
        if self.is_whole and visit.has_shown:
            return self._missing(visit, [i for i in lost if _is_within(lost[i], visit.done)])
        return self.look_up(visit, lost) if lost else iter(())

    def _refresh(self, visit: CursorVisit) -> Steps:
        """Ask again for everything known whose turn it is, though the walk will not meet it."""
        days, horizon = self.job.refresh_days, self.horizon(visit)
        if days is None:
            return iter(())
        last = visit.channel.covered_until
        due = {
            post_id: post
            for post_id, post in visit.known.items()
            if not post.is_deleted
            and _is_older(visit.known.get(post.root_id or post_id, post), horizon)
            and is_turn(post_id, last, visit.channel.end, days)
        }
        return self.look_up(visit, due) if due else iter(())

    def _roots(self, visit: CursorVisit) -> Iterator[tuple[str, KnownPost]]:
        for post_id, post in visit.known.items():
            if not post.is_deleted and post.root_id in (None, post_id):
                yield post_id, post

    # The end.

    def _take(self, visit: CursorVisit, step: Record | Refused) -> Iterator[Any]:
        if isinstance(step, PostRecord):
            visit.seen.add(step.post_id)
            if not visit.is_wanted(step.published_at):
                return
        yield step

    def _end(self, visit: CursorVisit) -> Iterator[Any]:
        covered = self.sure_part(visit)
        if visit.blank_pages > self.most_blank_pages:
            detail = f"{visit.blank_pages} pages in a row showed nothing new and named a next one"
            yield from self.finish(visit, StopReason.BLANK_PAGE, covered, detail=detail)
        elif self._was_emptied(visit):
            detail = "the list is empty, where there were posts; it is broken or was emptied"
            yield from self.finish(visit, StopReason.BLANK_PAGE, detail=detail)
        elif any(self._clipped(visit, [lost.window]) for lost in visit.lost):
            yield from self.finish(visit, StopReason.CAP, covered)
        elif visit.has_reached_old:
            yield from self.finish(visit, StopReason.REACHED_WATERMARK, covered)
        else:
            yield from self.finish(visit, StopReason.EXHAUSTED, covered)

    def _was_emptied(self, visit: CursorVisit) -> bool:
        """Whether a list shows nothing at all, and nothing says what became of what it held."""
        start, end = self.horizon(visit), visit.channel.end
        held = [
            i for i, p in self._roots(visit) if p.published_at and start <= p.published_at < end
        ]
        return not visit.has_shown and bool(held) and visit.seen.isdisjoint(held)

    def _clipped(self, visit: CursorVisit, windows: Iterable[Window]) -> list[Window]:
        """Cut windows down to what was asked for and can have been seen when the channel began."""
        start, end = visit.channel.start, min(visit.channel.end, visit.opened_at or EVER)
        ends = [(max(w.start, start), min(w.end, end)) for w in windows]
        return [Window(a, b) for a, b in ends if a < b]

    def _allowance(self, channel: JobChannel) -> Allowance | None:
        job = self.job
        if job.quota is None or job.quota_folder is None:
            return None
        variable = variable_of(job.auth, channel.options) if job.auth else "public"
        name = f"{job.source}.{variable}"
        if name not in self._allowances:
            self._allowances[name] = Allowance(job.quota, job.quota_folder, name, job.clock())
        return self._allowances[name]

    def _refused(self, visit: CursorVisit, item: Any, error: Exception, table: str) -> Refused:
        try:
            raw = without(item, self.people)
        except RecursionError:
            raw = "[too deep]"
        return Refused(
            channel_id=visit.channel.id,
            table=table,
            rule=error.rule if isinstance(error, ParsingFailedError) else "unreadable_value",
            reason=hide(str(error)),
            raw=raw if isinstance(raw, dict) else {"value": raw},
            record_id=str(item["id"]) if isinstance(item, dict) and "id" in item else None,
        )


def is_turn(post_id: str, last: datetime | None, end: datetime, days: int) -> bool:
    """Whether it is a post's turn to be refreshed between two crawls: one day in so many.

    Each post has a day of its own in the cycle, so the work is spread evenly and nothing has to be
    remembered. A crawl that failed leaves `last` where it was, and its turns to the next one.
    """
    today = int(end.timestamp()) // SECONDS_OF_A_DAY
    before = today - days if last is None else int(last.timestamp()) // SECONDS_OF_A_DAY
    slot = zlib.crc32(post_id.encode("utf-8", "replace")) % days
    return any(day % days == slot for day in range(max(before, today - days) + 1, today + 1))


def _decode(response: Response) -> Any:
    """Read JSON, with every secret that it repeats taken out first."""
    text = hide(response.body.decode("utf-8-sig", "replace"))
    try:
        return json.loads(make_json_storable(text))
    except (ValueError, RecursionError):
        found = text[:60].strip() or "an empty answer"
        raise SiteChangedError(
            f"{shown(response.url)}: expected JSON, found HTTP {response.status}, "
            f"{len(response.body):,} bytes that begin {found!r}; is the base URL right?"
        ) from None


def _count(record: PostRecord, name: str | None) -> int | None:
    found = next((c for c in record.counters or () if c["name"] == name), None)
    count: int | None = found["lo"] if found else None
    return count


def _is_older(post: KnownPost, horizon: datetime) -> bool:
    return post.published_at is None or post.published_at < horizon


def _is_within(post: KnownPost, windows: Iterable[Window]) -> bool:
    at = post.published_at
    return at is not None and any(window.start <= at < window.end for window in windows)


def _spent(allowance: Allowance) -> str:
    quota = allowance.quota
    return (
        f"the {quota.units_per_day:,} units of the day are spent; new ones from "
        f"{allowance.resets_at():%Y-%m-%dT%H:%MZ} on: docs/runbook.md#quota-spent"
    )


def _left_out(visit: CursorVisit, reason: StopReason, covered: Window | None) -> str | None:
    """Say which time stays uncovered, and why when the platform is the reason."""
    if visit.lost:
        told = (f"{_told(x.window.start, x.window.end)}: {x.reason}" for x in visit.lost)
        return f"lost: {', '.join(told)}"
    start, end = visit.channel.start, visit.channel.end
    if reason is not StopReason.BUDGET:
        return None
    gaps = [(start, covered.start), (covered.end, end)] if covered else [(start, end)]
    left = (_told(since, until) for since, until in gaps if since < until)
    return f"left for the next crawl: {', '.join(left) or 'updates of older posts'}"


def _told(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%dT%H:%MZ} … {end:%Y-%m-%dT%H:%MZ}"
