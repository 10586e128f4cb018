"""The same lists and threads as Discuz's mobile plugin tells them, in JSON.

Every number is a string, an unset value null, an empty map a list, and empty fields are left out.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import UTC
from itertools import pairwise
from typing import Any

import lxml.html

from lake.schemas import Precision
from lake.times import Instant, TimeFormatError, parse_epoch
from scrapers.parsers.discuz_message import Message, read_message
from scrapers.parsers.discuz_notice import Notice, classify
from scrapers.parsers.discuz_page import ForumPage, ForumPost, ForumRow, PageClock, ThreadPage

ROW_KEYS = frozenset(
    [
        "tid",
        "typeid",
        "author",
        "authorid",
        "subject",
        "dateline",
        "dbdateline",
        "lastpost",
        "dblastpost",
        "lastposter",
        "replies",
        "views",
        "displayorder",
        "moved",
        "readperm",
        "price",
    ]
)
POST_KEYS = frozenset(
    [
        "pid",
        "tid",
        "first",
        "author",
        "authorid",
        "username",
        "dateline",
        "dbdateline",
        "message",
        "number",
        "position",
        "anonymous",
    ]
)
THREAD_KEYS = frozenset(
    [
        "tid",
        "fid",
        "subject",
        "author",
        "authorid",
        "dateline",
        "lastpost",
        "lastposter",
        "views",
        "replies",
        "typeid",
        "recommend_add",
        "recommend_sub",
        "favtimes",
        "sharetimes",
        "subjectenc",
        "short_subject",
        "starttime",
    ]
)
COUNTERS = {
    "view": "views",
    "reply": "replies",
    "recommend": "recommend_add",
    "oppose": "recommend_sub",
    "favorite": "favtimes",
    "share": "sharetimes",
}


class NotMobileError(ValueError):
    """The answer is no answer of the mobile plugin; the message says what it is."""


def read_answer(text: str) -> Mapping[str, Any]:
    """Return the answer's object; `NotMobileError` when it is none."""
    try:
        answer = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise NotMobileError(f"expected JSON, found {text.strip()[:40]!r} ({error})") from None
    if not isinstance(answer, dict) or not {"Variables", "error", "Message"} & set(answer):
        raise NotMobileError(f"expected Variables, found {str(answer)[:60]}")
    return answer


def notice_in(answer: Mapping[str, Any]) -> tuple[Notice, str] | None:
    """Return what the answer says instead of a page; None when it brings one."""
    message = _map(answer.get("Message"))
    name = str(message.get("messageval") or answer.get("error") or "")
    if not name:
        return None
    said = str(message.get("messagestr") or name)
    notice = classify(name)
    return (notice if notice is not Notice.UNKNOWN else classify(said)), said


def parse_mobile_forum(answer: Mapping[str, Any]) -> ForumPage | None:
    """Read a list; None when the answer has none."""
    told = _map(answer.get("Variables"))
    rows = told.get("forum_threadlist")
    if not isinstance(rows, list):
        return None
    forum = _map(told.get("forum"))
    types = _map(_map(told.get("threadtypes")).get("types"))
    per_page, total = _int(told.get("tpp")), _int(forum.get("threads"))
    number = _int(told.get("page")) or 1
    read = [_row(row, types) for row in map(_map, rows) if _is_numbered(row, "tid")]
    return ForumPage(
        tuple(_pin(read) if number == 1 else read),
        number,
        max(number, -(-total // per_page)) if per_page and total else number,
        name=_text(forum.get("name")),
        fans=_text(forum.get("favtimes")),
    )


def parse_mobile_thread(
    answer: Mapping[str, Any], number: int, clock: PageClock
) -> ThreadPage | None:
    """Read a page of a thread, the one that was asked for; None when the answer has no post.

    A later page may have none: removed posts leave their places empty.
    """
    told = _map(answer.get("Variables"))
    listed = told.get("postlist")
    posts = [post for post in map(_map, listed or ()) if _is_numbered(post, "pid")]
    if not isinstance(listed, list) or not (posts or number > 1):
        return None
    thread = _map(told.get("thread"))
    per_page, replies = _int(told.get("ppp")), _int(thread.get("replies"))
    count = max(_int(thread.get("maxposition")) or 0, (replies or 0) + 1)
    return ThreadPage(
        tid=_text(thread.get("tid")),
        fid=_text(thread.get("fid") or told.get("fid")),
        title=html.unescape(_text(thread.get("subject")) or "") or None,
        posts=tuple(_post(post, clock) for post in posts),
        number=number,
        last_number=max(number, -(-count // per_page)) if per_page else number,
        counters={name: str(thread[key]) for name, key in COUNTERS.items() if thread.get(key)},
        choices=_choices(told),
        unread=frozenset(thread) - THREAD_KEYS,
    )


def _row(row: Mapping[str, Any], types: Mapping[str, Any]) -> ForumRow:
    return ForumRow(
        tid=str(row.get("tid") or ""),
        title=html.unescape(_text(row.get("subject")) or ""),
        author=_person(row),
        created=_epoch(row.get("dbdateline")),
        last_reply=_epoch(row.get("dblastpost")),
        replies=_text(row.get("replies")),
        views=_text(row.get("views")),
        category=_text(types.get(str(row.get("typeid") or ""))),
        marks=("阅读权限",) if (_int(row.get("readperm")) or 0) > 0 else (),
        is_pinned=(_int(row.get("displayorder")) or 0) > 0,
        is_moved=(_int(row.get("moved")) or 0) > 0,
        unread=frozenset(row) - ROW_KEYS,
    )


def _pin(rows: list[ForumRow]) -> list[ForumRow]:
    """Mark the rows above the order: the interface does not always say that they are pinned."""
    times = [row.last_reply.at if row.last_reply else None for row in rows]
    begin = 0
    for i, (above, below) in enumerate(pairwise(times)):
        if above is not None and below is not None and above < below:
            begin = i + 1
    return [
        row if i >= begin or row.is_pinned else ForumRow(**{**vars(row), "is_pinned": True})
        for i, row in enumerate(rows)
    ]


def _post(post: Mapping[str, Any], clock: PageClock) -> ForumPost:
    message = _message(str(post.get("message") or ""), clock)
    return ForumPost(
        pid=str(post.get("pid") or ""),
        floor=_int(post.get("number") or post.get("position")),
        author=None if post.get("anonymous") == "1" else _person(post),
        at=_epoch(post.get("dbdateline")),
        body=message.text,
        edited=message.edited,
        quoted=message.quoted,
        locks=message.locks,
        noise=message.noise,
        unread=frozenset(post) - POST_KEYS,
    )


def _message(fragment: str, clock: PageClock) -> Message:
    wrapped = f"<div>{fragment}</div>".replace("\x00", "")
    parser = lxml.html.HTMLParser(huge_tree=True, encoding="utf-8")
    root = lxml.html.document_fromstring(wrapped.encode("utf-8", "replace"), parser=parser)
    return read_message(root, clock)


def _choices(told: Mapping[str, Any]) -> tuple[str, ...]:
    options = _map(_map(told.get("special_poll")).get("polloptions"))
    return tuple(str(o["polloption"]) for o in options.values() if _map(o).get("polloption"))


def _person(record: Mapping[str, Any]) -> str | None:
    uid = str(record.get("authorid") or "0")
    return None if uid == "0" else uid


def _epoch(value: Any) -> Instant | None:
    try:
        found = parse_epoch(str(value), "s") if value else None
    except TimeFormatError:
        return None
    return found and Instant(found.at.astimezone(UTC), Precision.SECOND, str(value))


def _map(value: Any) -> Mapping[str, Any]:
    """Return a map; PHP writes an empty one as a list."""
    return value if isinstance(value, dict) else {}


def _is_numbered(record: Mapping[str, Any], key: str) -> bool:
    """Whether a record bears a number that can be one."""
    number = str(record.get(key) or "")
    return number.isdecimal() and number.isascii() and len(number) <= 20


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _int(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
