"""The message of a Discuz post: the author's own words, without what the site puts among them.

Against copying, the site strews random signs between the lines, hidden from the eye and different
on every request. They go first, then edit marks, quotes, locks, attachments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from lxml import etree

from lake.times import Instant
from scrapers.parsers.discuz_page import (
    POST_IN_LINK,
    PageClock,
    number_in,
    read_time,
)
from scrapers.parsers.markup import is_quote, read_tree

INVISIBLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\.0*)?(?:px|pt|em|%)?\s*(?:;|$)",
    re.I,
)
EDITED = re.compile(r"(?:于|於| at )\s*(\d{4}.*?|\S+前|[昨前]天.*?)\s*(?:编辑|編輯|$)")
REPLY_HEAD = re.compile(r"^\s*(?:回复|回復|回覆|Reply)", re.I)
DROPPED = frozenset({"attach_nopermission", "attach_popup", "pattl", "tattl", "attnm", "tip"})
LOCKS = (
    ("banned", r"作者被禁止或|内容自动屏蔽|內容自動屏蔽"),
    ("shielded", r"被管理[员員]或版主屏蔽"),
    ("password", r"密[码碼]帖"),
    ("author", r"[仅僅]作者可[见見]"),
    ("paid", r"[购購][买買]主[题題]|支付|[付收][费費]|售[价價]"),
    ("credits", r"[积積]分高[于於]"),
    ("reply", r"[隐隱]藏.{0,16}(?:回[复覆復])|回[复覆復].{0,4}(?:可[见見]|才)"),
    ("review", r"待[审審]核"),
)
LOCK_PATTERNS = tuple((name, re.compile(pattern, re.S)) for name, pattern in LOCKS)
REMOVED = frozenset({"banned", "shielded"})  # the site took the words away from everybody
# The codes that authors type for the smileys that every installation has.
SMILEY_CODES = {
    "smile": ":)",
    "sad": ":(",
    "biggrin": ":D",
    "cry": ":'(",
    "huffy": ":@",
    "shocked": ":o",
    "tongue": ":P",
    "shy": ":$",
    "titter": ";P",
    "sweat": ":L",
    "mad": ":Q",
    "lol": ":lol",
    "handshake": ":handshake",
    **{
        name: f":{name}:"
        for name in (
            [
                "loveliness",
                "funk",
                "curse",
                "dizzy",
                "shutup",
                "sleepy",
                "hug",
                "victory",
                "time",
                "kiss",
                "call",
            ]
        )
    },
}


Test = Callable[[etree._Element], bool]


@dataclass(frozen=True)
class Message:
    """What a message says; `quoted` are numbers of posts, `noise` how much was strewn in."""

    text: str | None
    quoted: tuple[str, ...]
    edited: Instant | None
    locks: tuple[str, ...]
    noise: int


def read_message(cell: etree._Element, clock: PageClock) -> Message:
    """Read a message; the element is taken apart while reading."""
    noise = _drop(cell, _is_noise)
    edits = [text for mark in _all(cell, _is_edit_mark) for text in _edit_times(mark)]
    _drop(cell, _is_edit_mark)
    locks = tuple(dict.fromkeys(lock_of(_words(box)) for box in _all(cell, is_lock)))
    _drop(cell, is_lock)
    answered = list(_cut_reply_heads(cell))
    for smiley in _all(cell, lambda e: e.tag == "img" and "smilieid" in e.attrib):
        smiley.tail = smiley_code(smiley) + (smiley.tail or "")
    _drop(cell, _is_furniture)
    found = read_tree(cell)
    quoted = [number_in(POST_IN_LINK, link) for link in [*answered, *found.quoted_links]]
    text = found.text.strip()
    return Message(
        text=text or None,
        quoted=tuple(dict.fromkeys(pid for pid in quoted if pid)),
        edited=read_time(edits, clock),
        locks=locks,
        noise=noise,
    )


def lock_of(said: str) -> str:
    """Name what keeps the words from us; `other` for a lock of an unknown kind."""
    return next((name for name, p in LOCK_PATTERNS if p.search(said)), "other")


def is_lock(element: etree._Element) -> bool:
    return "locked" in _classes(element)


def smiley_code(image: etree._Element) -> str:
    """Return what the author typed for a smiley, or the name of its set and picture."""
    typed: str = image.get("alt") or ""
    if typed.strip():
        return typed
    path = PurePosixPath((image.get("src") or "").split("?")[0])
    return SMILEY_CODES.get(path.stem, f"{{:{path.parent.name}_{path.stem}:}}") if path.stem else ""


def _is_noise(element: etree._Element) -> bool:
    if "jammer" in _classes(element):
        return True
    is_tiny = element.tag == "font" and element.get("size") == "0"
    return is_tiny or INVISIBLE.search(element.get("style") or "") is not None


def _is_edit_mark(element: etree._Element) -> bool:
    return "pstatus" in _classes(element)


def _edit_times(mark: etree._Element) -> Iterator[str]:
    yield from (span.get("title") for span in mark.iter("span") if span.get("title"))
    match = EDITED.search(_words(mark))
    if match:
        yield match[1]


def _is_furniture(element: etree._Element) -> bool:
    """Whether something in a message is the site's: attachments, captions, buttons."""
    if element.tag == "ignore_js_op" or DROPPED & _classes(element):
        return True
    parent = element.getparent()
    above = _classes(parent) if parent is not None else frozenset()
    is_caption = element.tag == "h4" and "showhide" in above
    return is_caption or (element.tag == "em" and "blockcode" in above)


def _cut_reply_heads(cell: etree._Element) -> Iterator[str]:
    """Take `回复 5# 小明` out and yield the link of what it answers."""
    for head in _all(cell, lambda e: e.tag in {"b", "strong"}):
        links = [a.get("href") for a in head.iter("a") if number_in(POST_IN_LINK, a.get("href"))]
        if (
            links
            and REPLY_HEAD.match(_words(head))
            and not any(map(is_quote, head.iterancestors()))
        ):
            yield links[0]
            head.drop_tree()


def _drop(cell: etree._Element, is_dropped: Test) -> int:
    """Take out what is to be dropped and say how much it was; text behind it stays."""
    doomed = _all(cell, is_dropped)
    for element in doomed:
        if element.getparent() is not None:
            element.drop_tree()
    return len(doomed)


def _all(cell: etree._Element, is_wanted: Test) -> list[etree._Element]:
    found = (e for e in cell.iter() if e is not cell and isinstance(e.tag, str))
    return [element for element in found if is_wanted(element)]


def _classes(element: etree._Element) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def _words(element: etree._Element) -> str:
    return "".join(element.itertext())
