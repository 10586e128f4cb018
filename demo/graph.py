"""What the town's three Graph APIs have in common: tokens, errors, pages by cursor, day values.

Pages hold a few records instead of a hundred, and one place in four of a list is left empty, as the
platform leaves out what a reader may not see: so pages are short, and some are blank.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from demo.apis import answer_json, code, query_of, slice_of, stamp, start_of, token_of
from demo.days import seconds_of, utc
from demo.draw import between, open_stream
from demo.faults import Answer
from demo.life import Post
from demo.sites import Ask

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


def check(ask: Ask, token: str, moods: Moods) -> Answer | None:
    """Return the refusal that a request meets before anything is looked for."""
    if moods.error is not None:
        return answer_error(moods.error)
    query = query_of(ask)
    said = ask.headers.get("authorization", "").removeprefix("Bearer ")
    if (said or query.get("access_token")) != token:
        return answer_error(refuse(190, "Error validating access token", 401, subcode=463))
    if moods.most is not None and int(query.get("limit", "0")) > moods.most:
        said = "Please reduce the amount of data you're asking for, then retry your request"
        return answer_error(refuse(1, said, 500))
    return None


def usage_headers(moods: Moods, account: str, kind: str) -> dict[str, str]:
    used = {"call_count": moods.usage, "total_cputime": 1, "total_time": 2}
    case = {"type": kind, **used, "estimated_time_to_regain_access": moods.regain_minutes}
    return {
        "X-App-Usage": json.dumps(used),
        "X-Business-Use-Case-Usage": json.dumps({account: [case]}),
    }


def page_of(
    ask: Ask,
    root: str,
    token: str,
    moods: Moods,
    posts: Sequence[Post],
    show: Callable[[Post], dict[str, Any]],
    native_id: Callable[[Post], str],
    **more: Any,
) -> Answer:
    """Answer with a page of a list; the address of the next one repeats the token."""
    query = query_of(ask)
    start = start_of(query.get("after"), "graph")
    if start is None:
        return answer_error(refuse(100, "Invalid parameter"))
    places: list[Post | None] = []
    for post in posts:
        places += [None, post] if len(places) % LEFT_OUT == LEFT_OUT - 1 else [post]
    shown, after = slice_of(places, start, min(int(query.get("limit", "25")), moods.page))
    seen = [post for post in shown if post is not None]
    body: dict[str, Any] = {"data": [show(post) for post in seen], **more}
    if shown:
        cursor = token_of(after, "graph") or code(12, "end", len(places))
        body["paging"] = {"cursors": {"before": token_of(start, "graph"), "after": cursor}}
        if after is not None:
            host = ask.headers.get("host", "127.0.0.1:8917")
            asked = {"access_token": token, **query, "after": cursor}
            body["paging"]["next"] = f"http://{host}{root}{ask.path}?{urlencode(asked)}"
    return answer_json(body, items=map(native_id, seen))


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


def unknown_metric(query: Mapping[str, str], alive: Iterable[str], moods: Moods) -> Answer | None:
    """Return the refusal of a whole question when one of its metrics is none."""
    asked = query.get("metric", "").split(",")
    if set(asked) <= set(alive) - moods.dead_metrics:
        return None
    return answer_error(refuse(100, "The value must be a valid insights metric"))


def day_value(account: str, name: str, end: int, most: int) -> int:
    return between(open_stream("insight", account, name, end), 0, most)


def number_of(post: Post) -> str:
    """Fifteen digits that a post's own id determines."""
    return str(9 * 10**14 + int(code(10, "graph", post.post_id).encode().hex(), 16) % 10**14)
