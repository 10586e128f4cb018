"""What the town's three Graph APIs have in common: tokens, errors, pages by cursor, day values.

Pages hold a few records instead of a hundred, and one place in four of a list is left empty, as the
platform leaves out what a reader may not see: so pages are short, and some are blank.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from demo.apis import Threads, answer_json, code, query_of, slice_of, stamp, start_of, token_of
from demo.cast import Place
from demo.days import seconds_of, utc
from demo.draw import between, open_stream
from demo.faults import Answer
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

OFFSET = "%Y-%m-%dT%H:%M:%S+0000"
PACIFIC = ZoneInfo("America/Los_Angeles")
LEFT_OUT = 4  # one place in so many


@dataclass
class Moods:
    """What can be switched on for a test: how the platform behaves on a bad day."""

    page: int = 6  # places of a list that a page has
    most: int | None = None  # a limit above it is too much data
    dead_metrics: set[str] = field(default_factory=set)  # of those that live in the town
    usage: int = 3  # per cent of the hour that is used
    regain_minutes: int = 0
    error: dict[str, Any] | None = None  # every answer is this one
    is_nobody_named: bool = False  # the token lacks the permission to see who wrote something


def refuse(
    number: int, message: str, status: int = 400, *, subcode: int | None = None
) -> dict[str, Any]:
    """Return an error as the platform words it; `status` goes with the answer."""
    error = {
        "message": f"(#{number}) {message}" if number != 190 else message,
        "type": "OAuthException",
        "code": number,
        "fbtrace_id": code(11, "trace", number, message),
    }
    return {"status": status, "error": error | ({"error_subcode": subcode} if subcode else {})}


def answer_error(refusal: Mapping[str, Any]) -> Answer:
    return answer_json({"error": refusal["error"]}, refusal["status"])


def not_found(name: str) -> Answer:
    said = f"Unsupported get request. Object with ID '{name}' does not exist, cannot be loaded"
    return answer_error(refuse(100, said, subcode=33))


def day_ends(query: Mapping[str, str], now: int) -> list[int]:
    """Ends of the Pacific days within the span that is asked for, as far as they are over."""
    since, until = int(query.get("since", "0")), min(int(query.get("until", str(now))), now)
    day = utc(since).astimezone(PACIFIC).date()
    ends = []
    while (end := seconds_of(datetime.combine(day, time(), PACIFIC))) <= until:
        if end > since:
            ends.append(end)
        day += timedelta(days=1)
    return ends


def metric(
    account: str, name: str, period: str, values: Iterable[tuple[Any, int | None]]
) -> dict[str, Any]:
    """Return a metric as the platform tells it; a value at an instant ends a day."""
    told = [
        {"value": value} | ({"end_time": stamp(end, OFFSET)} if end is not None else {})
        for value, end in values
    ]
    return {
        "name": name,
        "period": period,
        "values": told,
        "title": name.replace("_", " ").title(),
        "description": "",
        "id": f"{account}/insights/{name}/{period}",
    }


def total(account: str, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a metric of which one total of all the days is told that were asked for."""
    told = metric(account, name, "day", [])
    del told["values"]
    return {**told, "total_value": value}


def day_value(account: str, name: str, end: int, most: int) -> int:
    return between(open_stream("insight", account, name, end), 0, most)


def number_of(post: Post) -> str:
    """Fifteen digits that a post's own id determines."""
    return str(9 * 10**14 + int(code(10, "graph", post.post_id).encode().hex(), 16) % 10**14)


class GraphSite:
    """One of the three at any instant; `moods` change how it behaves."""

    address: ClassVar[re.Pattern[str]]  # what is asked for by its id, and the edge of it, if any
    variable: ClassVar[str]  # of the token
    usage_kind: ClassVar[str]  # as the headers call what is counted
    own_list: ClassVar[str]  # the edge of an account's own posts

    def __init__(self, room: Room, native_id: Callable[[Post], str]) -> None:
        self.room, self.native_id = room, native_id
        self.token = KEYS[self.variable]
        self.moods = Moods()
        self.accounts = {place.address: place for place in room.places}
        self.posts = {native_id(p): p for place in room.places for p in room.posts[place.id]}

    # What a platform says.

    def show_account(self, place: Place, now: int) -> dict[str, Any]:
        raise NotImplementedError

    def show_post(self, post: Post, now: int) -> dict[str, Any]:
        raise NotImplementedError

    def list_under(self, ask: Ask, post: Post, edge: str, now: int) -> Answer | None:
        """Answer with a list of what stands under a post; None when it has no such edge."""
        raise NotImplementedError

    def account_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        raise NotImplementedError

    def insights_of(self, post: Post, now: int) -> dict[str, int]:
        """Return every metric that such a post has."""
        raise NotImplementedError

    # What the platforms share.

    def answer(self, ask: Ask, now: int) -> Answer:
        refusal, found = self._refusal(ask), self.address.fullmatch(ask.path)
        if refusal is not None:
            answer = refusal
        elif found is None:
            answer = not_found(ask.path)
        else:
            answer = self._answer(ask, found["id"], found["edge"], now)
        return replace(answer, headers={**answer.headers, **self._usage_headers()})

    def below(self, post: Post, now: int) -> tuple[Post, ...]:
        return Threads.at(self.room.posts[post.place.id], now).below(post)

    def page(
        self, ask: Ask, posts: Sequence[Post], show: Callable[[Post], dict[str, Any]], **more: Any
    ) -> Answer:
        """Answer with a page of a list; the address of the next one repeats the token."""
        query = query_of(ask)
        start = start_of(query.get("after"), "graph")
        if start is None:
            return answer_error(refuse(100, "Invalid parameter"))
        places: list[Post | None] = []
        for post in posts:
            places += [None, post] if len(places) % LEFT_OUT == LEFT_OUT - 1 else [post]
        size = min(int(query.get("limit", "25")), self.moods.page)
        shown, after = slice_of(places, start, size)
        seen = [post for post in shown if post is not None]
        body: dict[str, Any] = {"data": [show(post) for post in seen], **more}
        if shown:
            cursor = token_of(after, "graph") or code(12, "end", len(places))
            body["paging"] = {"cursors": {"before": token_of(start, "graph"), "after": cursor}}
            if after is not None:
                host = ask.headers.get("host", "127.0.0.1:8917")
                asked = {"access_token": self.token, **query, "after": cursor}
                next_page = f"http://{host}{self.room.root}{ask.path}?{urlencode(asked)}"
                body["paging"]["next"] = next_page
        return answer_json(body, items=map(self.native_id, seen))

    def unknown_metric(self, query: Mapping[str, str], alive: Iterable[str]) -> Answer | None:
        """Return the refusal of a whole question when one of its metrics is none."""
        asked = query.get("metric", "").split(",")
        if set(asked) <= set(alive) - self.moods.dead_metrics:
            return None
        return answer_error(refuse(100, "The value must be a valid insights metric"))

    def _refusal(self, ask: Ask) -> Answer | None:
        """Return the refusal that a request meets before anything is looked for."""
        if self.moods.error is not None:
            return answer_error(self.moods.error)
        query = query_of(ask)
        said = ask.headers.get("authorization", "").removeprefix("Bearer ")
        if (said or query.get("access_token")) != self.token:
            return answer_error(refuse(190, "Error validating access token", 401, subcode=463))
        if self.moods.most is not None and int(query.get("limit", "0")) > self.moods.most:
            said = "Please reduce the amount of data you're asking for, then retry your request"
            return answer_error(refuse(1, said, 500))
        return None

    def _usage_headers(self) -> dict[str, str]:
        account = next(iter(self.accounts), "0")
        used = {"call_count": self.moods.usage, "total_cputime": 1, "total_time": 2}
        regain = {"estimated_time_to_regain_access": self.moods.regain_minutes}
        case = {"type": self.usage_kind, **used, **regain}
        return {
            "X-App-Usage": json.dumps(used),
            "X-Business-Use-Case-Usage": json.dumps({account: [case]}),
        }

    def _answer(self, ask: Ask, name: str, edge: str | None, now: int) -> Answer:
        place, post = self.accounts.get(name), self.posts.get(name)
        if place is not None:
            return self._of_account(ask, place, edge, now)
        if post is None or not post.exists_at(now):
            return not_found(name)
        if edge == "insights":
            return self._post_insights(ask, post, now)
        found = self.list_under(ask, post, edge, now) if edge else None
        return found or answer_json(self.show_post(post, now), items=[name])

    def _of_account(self, ask: Ask, place: Place, edge: str | None, now: int) -> Answer:
        if edge is None:
            return answer_json(self.show_account(place, now))
        if edge != self.own_list:
            return self.account_insights(ask, place, now)
        query = query_of(ask)
        since, until = int(query.get("since", "0")), int(query.get("until", str(now)))
        roots = Threads.at(self.room.posts[place.id], now).roots[::-1]
        posts = [post for post in roots if since <= post.at <= until]
        return self.page(ask, posts, lambda p: self.show_post(p, now))

    def _post_insights(self, ask: Ask, post: Post, now: int) -> Answer:
        query, name, told = query_of(ask), self.native_id(post), self.insights_of(post, now)
        unknown = self.unknown_metric(query, told)
        if unknown is not None:
            return unknown
        asked = query["metric"].split(",")
        return answer_json(
            {"data": [metric(name, n, "lifetime", [(told[n], None)]) for n in asked]}
        )
