"""Meta's Graph APIs: lists by cursor and by time, insights by metric, limits in headers.

The version stands in the path, for a call without one is answered by the oldest that lives; another
one is a channel's `options: {api_version: v26.0}`. One metric that the platform does not know fails
the whole question: it is asked again in halves, and what is refused alone is remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from scrapy.http import Response

from lake import StopReason, Window
from scrapers.access.calls import (
    Answer,
    Call,
    Listed,
    Page,
    Problem,
    Steps,
    Trouble,
    headers_of,
)
from scrapers.access.cursor import EVER, CursorSpider, CursorVisit
from scrapers.access.metrics import RefusedMetrics
from scrapers.known import KnownPost
from scrapers.parsers import graph
from scrapers.parsers.graph import Told
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord, PostRecord, dated

SECRETS = ("access_token", "appsecret_proof")


@dataclass(frozen=True)
class Question(Call):
    """A call for metrics of one group; without its answer the crawl goes on.

    `metrics` are asked for in one call; `group` names what they are asked of: pages, posts, reels.
    """

    group: str = ""
    metrics: tuple[str, ...] = ()

    def about(self, metrics: Sequence[str]) -> Question:
        query = {**self.query, "metric": ",".join(metrics)}
        return replace(self, metrics=tuple(metrics), query=query, tries=0)


class GraphSpider(CursorSpider):
    """What Facebook pages, Instagram and Threads have in common.

    A source says `opening`, the lists that it has, and how a post, its comments and its insights
    are read.
    """

    can_split = True
    version: ClassVar[str]
    own_list: ClassVar[str]  # path of the account's own posts, behind its id
    post_fields: ClassVar[str]
    list_below: ClassVar[str] = "comments"  # path of what stands under a post, behind its id
    query_below: ClassVar[Mapping[str, Any]]
    counter_below: ClassVar[str]  # that says how much stands under a post
    day_metrics: ClassVar[tuple[str, ...]] = ()
    longest_span = timedelta(days=90)  # of one question for day values
    late_days = 7  # values of so many days may still change
    first_told: ClassVar[datetime] = EVER  # no day before it is told to anybody
    days_kept: ClassVar[timedelta | None] = None  # no day older than that is told

    def __init__(self, job: Any, **arguments: Any) -> None:
        super().__init__(job, **arguments)
        self._refused_metrics: dict[str, RefusedMetrics] = {}

    # What a source says.

    def post(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Return a post of the account's own list."""
        raise NotImplementedError

    def comment(self, visit: CursorVisit, item: JsonRecord, root: str | None) -> PostRecord:
        """Return what stands somewhere under the post `root`."""
        raise NotImplementedError

    def insights_of(self, visit: CursorVisit, post: PostRecord) -> Iterator[Any]:
        """Yield the steps that ask for a post's metrics: `post_insights`, if there are any."""
        raise NotImplementedError

    # What the platforms share.

    def base(self, visit: CursorVisit) -> str:
        return f"{super().base(visit)}/{visit.channel.options.get('api_version', self.version)}"

    def find_error(self, data: Any, response: Response) -> Problem | None:
        return graph.read_error(data, headers_of(response)) or super().find_error(data, response)

    def pause(self, response: Response) -> float:
        return graph.pause(headers_of(response)) or super().pause(response)

    def timeline(self, visit: CursorVisit, part: Window) -> Call:
        query = {
            "fields": self.post_fields,
            "limit": 100,
            "since": int(part.start.timestamp()) - 1,
            "until": int(part.end.timestamp()),
        }
        return Call(f"{visit.channel.address}/{self.own_list}", self.read_posts, query)

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        for post_id in posts:
            yield Call(post_id, self.read_post, {"fields": self.post_fields}, asked=(post_id,))

    def read_posts(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page of posts, however short, and ask for what each of them came to."""
        read = list(self.each(visit, answer.data["data"], partial(self.post, visit)))
        posts = [one for one in read if isinstance(one, PostRecord)]
        yield from (one for one in read if not isinstance(one, PostRecord))
        for post in posts:
            yield from self.insights_of(visit, post)
        after = self.next_page(answer)
        yield lambda v: iter([Page([self.listed(v, post) for post in posts], after)])

    def read_post(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.each(visit, [answer.data], partial(self.post, visit))

    def listed(self, visit: CursorVisit, post: PostRecord) -> Listed:
        """Add to a post what its insights told, and the call for what stands under it."""
        path = f"{post.post_id}/{self.list_below}"
        below = Call(path, self.read_comments, self.query_below, root=post.post_id)
        counters = (*(post.counters or ()), *self.counters_told(visit, post.post_id))
        return Listed(replace(post, counters=counters or None), (below,), self.counter_below)

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        yield from self.comments(answer, visit, answer.data["data"])
        after = self.next_page(answer)
        if after is not None:
            yield after

    def comments(self, answer: Answer, visit: CursorVisit, items: Any) -> Iterator[Any]:
        root = answer.call.root
        yield from self.each(visit, items, lambda item: self.comment(visit, item, root))

    def record(
        self, visit: CursorVisit, item: JsonRecord, printed: str | None, **said: Any
    ) -> PostRecord:
        """Return a post or comment; `printed` is its time in the platform's form."""
        published = graph.read_time(printed)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("id"),
            **dated(published),
            raw=item.raw,
            unread=item.unread,
            **said,
        )

    def smaller(self, call: Call) -> Call | None:
        limit = int(call.query.get("limit") or 1)
        return call.turned(limit=limit // 2) if limit > 1 else None

    def rescue(self, visit: CursorVisit, call: Call, problem: Problem) -> Steps | None:
        """Split a question that one metric fails; leave out what alone is refused.

        A group of which a question fails however often it is asked is not asked for again in this
        crawl: Threads says no more than "unknown error" to a metric that it does not know.
        """
        if isinstance(call, Question) and problem.kind is Trouble.TRANSIENT:
            if call.tries < self.job.politeness.retries:
                return None
            visit.facts.setdefault("given_up", set()).add(call.group)
            return self._leave_out(visit, f"insights of {call.group}", problem)
        can_do_without = problem.kind in (Trouble.REFUSED, Trouble.GONE, Trouble.CLOSED)
        if not can_do_without:
            return None
        if isinstance(call, Question):
            return self._without_metric(visit, call, problem)
        if call.root is not None and problem.kind is Trouble.REFUSED:
            visit.unsure.add(call.root)
            return self._leave_out(visit, "comments", problem)
        return None

    def next_page(self, answer: Answer) -> Call | None:
        """Return the call for the next page; only where none is named does a list end."""
        return self.page_after(answer.call, answer.data.get("paging"))

    def page_after(self, call: Call, paging: Any) -> Call | None:
        """Return the call for the page that a list's `paging` names, read as `call` is."""
        url = paging.get("next") if isinstance(paging, dict) else None
        if not url:
            return None
        after = call.at(str(url))
        return replace(after, query={k: v for k, v in after.query.items() if k not in SECRETS})

    def question(
        self,
        visit: CursorVisit,
        path: str,
        group: str,
        metrics: Sequence[str],
        read: Callable[[Answer, Any], Steps],
        **query: Any,
    ) -> Iterator[Question]:
        """Yield one call for those of the metrics that were not refused lately."""
        if group in visit.facts.get("given_up", ()):
            return
        refused = self._metrics_refused(visit).among(group, metrics)
        if refused:
            visit.facts.setdefault("spared", Counter()).update(f"{group}.{m}" for m in refused)
        left = tuple(metric for metric in metrics if metric not in refused)
        if left:
            yield Question(path, read, query, group=group).about(left)

    def day_questions(
        self,
        visit: CursorVisit,
        path: str,
        group: str,
        metrics: Sequence[str] = (),
        kept: timedelta | None = None,
        **query: Any,
    ) -> Iterator[Any]:
        """Ask for day values of the window and of the days before it that may still change."""
        end = visit.channel.end
        since = self.asked_since(visit, kept)
        while since < end:
            until = min(since + self.longest_span, end)
            yield partial(
                self.question,
                path=path,
                group=group,
                metrics=metrics or self.day_metrics,
                read=self.read_days,
                since=int(since.timestamp()),
                until=int(until.timestamp()),
                **query,
            )
            since = until

    def day_totals(
        self, visit: CursorVisit, path: str, group: str, metrics: Sequence[str], **query: Any
    ) -> Iterator[Any]:
        """Ask for each such day by itself, where a metric is told as one total of what was asked.

        Its counters are named `group.metric`: a day's likes are not those of a post.
        """
        end = min(visit.channel.end, self.job.clock()())
        for since, until in graph.days_ending_in(self.asked_since(visit), end):
            yield partial(
                self.question,
                path=path,
                group=group,
                metrics=metrics,
                read=partial(self.read_days, at=until, prefix=f"{group}."),
                since=int(since.timestamp()),
                until=int(until.timestamp()),
                **query,
            )

    def asked_since(self, visit: CursorVisit, kept: timedelta | None = None) -> datetime:
        """Return from when on day values are asked for; `kept`: for how long they are told."""
        since = max(visit.channel.start - timedelta(days=self.late_days), self.first_told)
        kept = kept or self.days_kept
        return max(since, self.job.clock()() - kept) if kept else since

    def read_days(
        self, answer: Answer, visit: CursorVisit, *, at: datetime | None = None, prefix: str = ""
    ) -> Iterator[Any]:
        """Keep day values until all metrics of all days have been told.

        `at` is the end of the day that was asked for, of totals that bear none.
        """
        days: dict[datetime, dict[str, int]] = visit.facts.setdefault("days", {})
        for told in graph.read_insights(answer.data):
            end = told.at or at
            if end is not None and end <= self.job.clock()():
                days.setdefault(end, {})[f"{prefix}{told.name}"] = told.value
        yield from ()

    def land_days(self, visit: CursorVisit) -> Iterator[ChannelRecord]:
        """Yield the day values: counters of the instants at which their days ended."""
        for at, told in sorted(visit.facts.pop("days", {}).items()):
            yield ChannelRecord(
                channel_id=visit.channel.id, observed_at=at, counters=graph.counters_of(told)
            )

    def post_insights(
        self, post_id: str, group: str, metrics: Sequence[str], **query: Any
    ) -> Callable[[Any], Steps]:
        """Return the step that asks for a post's metrics; `counters_told` has them afterwards."""

        def read(answer: Answer, visit: CursorVisit) -> Iterator[Any]:
            told: Iterator[Told] = graph.read_insights(answer.data)
            found = visit.facts.setdefault("told", {}).setdefault(post_id, {})
            found.update({one.name: one.value for one in told})
            yield from ()

        path = f"{post_id}/insights"
        return partial(self.question, path=path, group=group, metrics=metrics, read=read, **query)

    def counters_told(self, visit: CursorVisit, post_id: str) -> tuple[Any, ...]:
        return graph.counters_of(visit.facts.get("told", {}).pop(post_id, {}))

    def finish(
        self, visit: Any, reason: StopReason, covered: Window | None = None, **more: Any
    ) -> Iterator[Any]:
        """End a channel, and say what it had to do without."""
        for what, problem in visit.facts.pop("left_out", {}).items():
            visit.notes.append(f"{what} left out {problem[0]:,} times, the last: {problem[1]}")
        spared = visit.facts.pop("spared", None)
        if spared:
            visit.notes.append(
                f"not asked for: {', '.join(sorted(spared))}: docs/runbook.md#metric-refused"
            )
        yield from super().finish(visit, reason, covered, **more)

    def _without_metric(self, visit: CursorVisit, call: Question, problem: Problem) -> Steps:
        if not graph.is_of_a_metric(problem):
            yield from self._leave_out(visit, f"insights of {call.group}", problem)
            return
        if len(call.metrics) > 1:
            half = len(call.metrics) // 2
            yield call.about(call.metrics[:half])
            yield call.about(call.metrics[half:])
            return
        (metric,) = call.metrics
        if metric in self._metrics_refused(visit).among(call.group, [metric]):
            return
        self._metrics_refused(visit).add(call.group, metric, problem.message)
        visit.notes.append(
            f"{call.group}.{metric} is refused: {problem.code}: {problem.message}: "
            "docs/runbook.md#metric-refused"
        )

    def _leave_out(self, visit: CursorVisit, what: str, problem: Problem) -> Steps:
        left_out = visit.facts.setdefault("left_out", {})
        times = left_out.get(what, (0, ""))[0]
        left_out[what] = (times + 1, f"{problem.code}: {problem.message}")
        return iter(())

    def _metrics_refused(self, visit: CursorVisit) -> RefusedMetrics:
        channel, folder = visit.channel.id, self.job.quota_folder
        if channel not in self._refused_metrics:
            path = folder / f"{self.name}.{channel}.refused-metrics.json" if folder else None
            today = self.job.clock()().date()
            self._refused_metrics[channel] = RefusedMetrics(path, today)
        return self._refused_metrics[channel]
