"""What an API is asked and what it answers: calls, pages of a list, errors by what follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from scrapy.http import Response

from lake.times import TimeFormatError, parse_rfc3339
from scrapers.records import PostRecord

LINK = re.compile(r'<([^<>]*)>\s*;[^<]*?rel="?([a-z]+)"?')


class Trouble(StrEnum):
    """What an API means by an error, named by what follows from it."""

    EXPIRED = "expired"  # the token is wrong, old or revoked: a person must act
    REFUSED = "refused"  # it is right and may not read this: a person must act
    LIMITED = "limited"  # too fast: wait, or leave it to the next crawl
    SPENT = "spent"  # the day's quota is used up
    GONE = "gone"  # what was asked for is not there (any more)
    CLOSED = "closed"  # it is there and not shown: comments switched off
    TOO_MUCH = "too_much"  # the answer would be too large: ask for less
    TRANSIENT = "transient"  # try again


KIND_BY_STATUS = {
    401: Trouble.EXPIRED,
    404: Trouble.GONE,
    410: Trouble.GONE,
    429: Trouble.LIMITED,
}


@dataclass(frozen=True)
class Problem:
    """An error in the platform's own words; `wait` in seconds when it says how long."""

    kind: Trouble
    code: str
    message: str
    wait: float | None = None


@dataclass(frozen=True)
class Answer:
    """What came back: the JSON, and its headers by lower-case name."""

    data: Any
    call: Call
    headers: Mapping[str, str] = field(default_factory=dict)

    def link(self, relation: str) -> str | None:
        """Return a URL of the Link header."""
        found = LINK.finditer(self.headers.get("link", ""))
        return next((match[1] for match in found if match[2] == relation), None)


Steps = Iterator[Any]
Reader = Callable[[Answer, Any], Steps]


@dataclass(frozen=True)
class Call:
    """One request, and who reads its answer.

    `path` begins behind the source's base URL, or is a whole URL of the same server. `root`: the
    post under which it reads; when the platform does not show it, the crawl goes on. `asked`: posts
    that are asked for by id; one that the answer leaves out is gone.
    """

    path: str
    read: Reader
    query: Mapping[str, Any] = field(default_factory=dict)
    cost: int = 1
    root: str | None = None
    asked: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None  # sent by POST
    is_signed: bool = True  # False for the call that obtains a token
    tries: int = 0

    def turned(self, **query: Any) -> Call:
        """Return the call for another page of the same list."""
        return replace(self, query={**self.query, **query}, tries=0)

    def at(self, url: str) -> Call:
        """Return the call for the page whose whole URL the platform names."""
        parts = urlsplit(url)
        pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
        return replace(self, path=parts._replace(query="").geturl(), query=pairs, tries=0)


@dataclass(frozen=True)
class Listed:
    """A post of the channel's own list, and the calls that read what stands under it.

    `counter` names the counter that says how much that is. A pinned post is out of order.
    """

    record: PostRecord
    under: Sequence[Call] = ()
    counter: str | None = None
    is_pinned: bool = False
    listed_at: datetime | None = None  # by which the list is ordered; published_at when None

    @property
    def at(self) -> datetime | None:
        return self.listed_at or self.record.published_at


@dataclass(frozen=True)
class Page:
    """A page of the channel's own list; `is_capped` when the platform shows no more of it."""

    listed: Sequence[Listed]
    next: Call | None = None
    is_capped: bool = False
    declared_total: int | None = None


def problem_by_status(
    data: Any, response: Response, kinds: Mapping[str, Trouble] | None = None
) -> Problem | None:
    """Return the problem of an answer like `{"error": …, "message": …}`; None below HTTP 300.

    `kinds` names what follows from the platform's own words, before its status is asked.
    """
    status = response.status
    if status < 300:
        return None
    said = data if isinstance(data, dict) else {}
    code, message = said.get("error"), said.get("message") or said.get("error_description")
    kind = (kinds or {}).get(str(code)) or KIND_BY_STATUS.get(status)
    if kind is None:
        kind = Trouble.TRANSIENT if status >= 500 else Trouble.REFUSED
    return Problem(
        kind, f"HTTP {status}", ": ".join(str(x) for x in (code, message) if x) or "no word"
    )


def headers_of(response: Response) -> dict[str, str]:
    """Return an answer's headers by lower-case name."""
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }


def pause_until_reset(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds to wait when a rate limit is used up: X-RateLimit-* and RateLimit-*.

    The reset is told in Unix seconds, in seconds from now or in ISO 8601.
    """
    named = {name.removeprefix("x-"): value.strip() for name, value in headers.items()}
    left, reset = named.get("ratelimit-remaining", ""), named.get("ratelimit-reset", "")
    if not left.isdigit() or int(left) > 0 or not reset:
        return 0
    if reset.isdigit():
        number = int(reset)
        return max(0.0, number - now.timestamp()) if number > 10**9 else float(number)
    try:
        return max(0.0, (parse_rfc3339(reset, UTC).at - now).total_seconds())
    except TimeFormatError:
        return 0
