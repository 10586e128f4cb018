"""The faults that the loopback server can show on any route, on demand and counted.

A fault says which paths it fits, how often it strikes and what it does. Those that change the page
(`Answer` in, `Answer` out) are pure; those that break the connection are acted out by the server.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from demo import ptt
from demo.feeds import rfc_date


class Break(StrEnum):
    """How the connection fails while an answer goes out."""

    SILENT = "silent"  # nothing at all, until the client hangs up
    SLOW = "slow"
    RESET = "reset"
    SHORT = "short"  # fewer bytes than Content-Length announces


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `items` names the posts in it, for the log."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    breaks: Break | None = None


@dataclass
class Fault:
    """A fault that strikes `times` requests (None: every one) whose path fits `match`.

    `match` is a shell pattern on path and query. `skip` requests go by unharmed first.
    `seconds` is what a fault of time is about: Retry-After, drip, clock.
    """

    name: str
    match: str = "*"
    times: int | None = 1
    skip: int = 0
    seconds: int = 1
    struck: int = 0
    before: Answer | None = field(default=None, init=False)  # the last that fits and went by

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"expected a fault out of {sorted(FAULTS)}, found {self.name!r}")

    def strikes(self, path: str) -> bool:
        """Whether this request is hit; counts it when it fits."""
        if not self.fits(path) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        self.struck += 1
        return True

    def fits(self, path: str) -> bool:
        return fnmatchcase(path, self.match)

    def as_json(self) -> dict[str, Any]:
        """Return it as one plants it."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}


def _too_many(_: Answer, fault: Fault, __: int) -> Answer:
    return Answer(429, b"Too Many Requests\n", {"Retry-After": str(fault.seconds)})


def _too_many_until(_: Answer, fault: Fault, now: int) -> Answer:
    """Retry-After as a date, counted from the wall clock that the client lives by."""
    until = rfc_date(now + fault.seconds).replace("+0000", "GMT")
    return Answer(429, b"Too Many Requests\n", {"Retry-After": until})


def _too_many_silent(_: Answer, __: Fault, ___: int) -> Answer:
    return Answer(429, b"Too Many Requests\n")


def _status(status: int) -> Callable[[Answer, Fault, int], Answer]:
    return lambda _, __, ___: Answer(status, f"{status}\n".encode())


def _busy(_: Answer, __: Fault, ___: int) -> Answer:
    return Answer(500, ptt.BUSY_PAGE.encode(), dict(_HTML))


def _challenge(_: Answer, __: Fault, ___: int) -> Answer:
    headers = {**_HTML, "cf-mitigated": "challenge", "Server": "cloudflare"}
    return Answer(403, ptt.CHALLENGE_PAGE.encode(), headers)


def _blank(answer: Answer, _: Fault, __: int) -> Answer:
    """Status 200 and a page with nothing in it."""
    return replace(answer, body=b"<html><head></head><body></body></html>", items=())


def _half(answer: Answer, _: Fault, __: int) -> Answer:
    """A body that something on the way cut off, and gave its own length."""
    return replace(answer, body=answer.body[: len(answer.body) // 2], items=())


def _wrong_charset(answer: Answer, _: Fault, __: int) -> Answer:
    """A header that names another charset than the body is written in."""
    name = next((n for n in answer.headers if n.lower() == "content-type"), "Content-Type")
    kind = answer.headers.get(name, "text/html").partition(";")[0]
    return replace(answer, headers={**answer.headers, name: f"{kind}; charset=iso-8859-1"})


def _repeat(answer: Answer, fault: Fault, _: int) -> Answer:
    """What was answered last, once more, in place of what was asked for."""
    return fault.before or answer


def _emptied(answer: Answer, _: Fault, __: int) -> Answer:
    """An answer in good order whose lists are empty."""
    return replace(_with_lists(answer, lambda _: []), items=())


def _newest_only(answer: Answer, _: Fault, __: int) -> Answer:
    """An answer whose lists end after their first row."""
    return _with_lists(answer, lambda rows: rows[:1])


def _upside_down(answer: Answer, _: Fault, __: int) -> Answer:
    """An answer whose lists begin at their end."""
    return _with_lists(answer, lambda rows: rows[::-1])


def _with_lists(answer: Answer, change: Callable[[list[Any]], list[Any]]) -> Answer:
    """Change the rows of a page or feed, or the outermost lists of a JSON answer."""
    found = list(ROW.finditer(answer.body))
    if found:
        head, tail = answer.body[: found[0].start()], answer.body[found[-1].end() :]
        return replace(answer, body=head + b"\n".join(change([row[0] for row in found])) + tail)
    try:
        told = json.loads(answer.body)
    except ValueError:
        return answer
    changed = _change_lists(told, change)
    return replace(answer, body=json.dumps(changed, ensure_ascii=False).encode())


def _change_lists(told: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    if isinstance(told, list):
        return change(told)
    if isinstance(told, dict):
        return {key: _change_lists(value, change) for key, value in told.items()}
    return told


def _breaks(how: Break) -> Callable[[Answer, Fault, int], Answer]:
    return lambda answer, _, __: replace(answer, breaks=how)


def _gzip(answer: Answer, _: Fault, __: int) -> Answer:
    packed = gzip.compress(answer.body, mtime=0)
    return replace(answer, body=packed, headers={**answer.headers, "Content-Encoding": "gzip"})


def _loop(_: Answer, __: Fault, ___: int) -> Answer:
    """A redirect to itself; the server fills in the path."""
    return Answer(302, b"", {"Location": ""})


def _unchanged(answer: Answer, _: Fault, __: int) -> Answer:
    return answer


def _no_times(answer: Answer, _: Fault, __: int) -> Answer:
    """Pushes that have an address or nothing where the time was."""
    body = re.sub(rb" \d\d/\d\d \d\d:\d\d\n</span></div>", b"\n</span></div>", answer.body)
    return replace(answer, body=body)


def _no_list(answer: Answer, _: Fault, __: int) -> Answer:
    """A page of a new make: everything is there, under other names."""
    body = answer.body.replace(b"r-ent", b"row-entry").replace(b"main-content", b"story")
    return replace(answer, body=body.replace(b"r-list-container", b"list-box"))


def _stale_cache(answer: Answer, _: Fault, __: int) -> Answer:
    """Discuz rebuilds its cache and stops: a whole feed without one item."""
    body = re.sub(rb"    <item>.*</item>\n", b"", answer.body, flags=re.DOTALL)
    return replace(answer, body=body, items=())


def _switched_off(_: Answer, __: Fault, ___: int) -> Answer:
    return Answer(200, b"RSS Disabled", dict(_HTML))


def _forbid_all(_: Answer, __: Fault, ___: int) -> Answer:
    return Answer(200, b"User-agent: *\nDisallow: /\n", {"Content-Type": "text/plain"})


_HTML = {"Content-Type": "text/html; charset=utf-8"}
ROW = re.compile(  # of a feed, of a PTT board, of a Discuz list
    rb"<(item|entry)>.*?</\1>"
    rb'|<div class="r-ent">.*?<div class="mark"></div>\s*</div>\s*</div>'
    rb'|<tbody id="normalthread_.*?</tbody>',
    re.DOTALL,
)
PAGE_SHIFT = "page_shift"  # the server moves its clock on after answering
FAULTS: dict[str, Callable[[Answer, Fault, int], Answer]] = {
    "too_many": _too_many,
    "too_many_until": _too_many_until,
    "too_many_silent": _too_many_silent,
    "error_500": _status(500),
    "error_502": _status(502),
    "error_503": _status(503),
    "not_found": _status(404),
    "gone": _status(410),
    "busy": _busy,
    "challenge": _challenge,
    "blank": _blank,
    "half": _half,
    "wrong_charset": _wrong_charset,
    "repeat": _repeat,
    "emptied": _emptied,
    "newest_only": _newest_only,
    "upside_down": _upside_down,
    "silence": _breaks(Break.SILENT),
    "slow": _breaks(Break.SLOW),
    "reset": _breaks(Break.RESET),
    "wrong_length": _breaks(Break.SHORT),
    "gzip": _gzip,
    "redirect_loop": _loop,
    PAGE_SHIFT: _unchanged,
    "no_times": _no_times,
    "new_make": _no_list,
    "stale_cache": _stale_cache,
    "rss_disabled": _switched_off,
    "forbid_all": _forbid_all,
}
