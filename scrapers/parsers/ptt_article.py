"""A PTT article page: header, the author's own words, and the pushes under them.

What is not the author's is left out of the body: quoted lines, signature, station and edit lines.
Addresses are dropped while reading; no value of this module holds one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lxml import etree
from parsel import Selector

TAIPEI = ZoneInfo("Asia/Taipei")
SIGNATURE_LINES = 6  # the system allows no longer signature
AID_SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

MAIN = etree.XPath("//*[@id = 'main-content']")
WARNED = etree.XPath("boolean(//div[contains(concat(' ', @class, ' '), ' warning-box ')])")
HEADER_LINES = (
    re.compile(r"^(作者)[:：]?[ \t]+(.+?)[ \t]+(看板|站內)[:：]?[ \t]*(\S+)[ \t]*$"),
    re.compile(r"^(標題)[:：]?[ \t]*(.*)$"),
    re.compile(r"^(時間)[:：]?[ \t]*(.*)$"),
)
TITLE_WITH_TIME = re.compile(r"^(.*?)\s*時間[:：]?\s*([A-Z][a-z]{2} [A-Z][a-z]{2} .+\d{4})\s*$")
STATION = "※ 發信站:"
LINK = "※ 文章網址:"
EDIT = "※ 編輯:"
SYSTEM_LINE = re.compile(
    r"^(?:※ (?:發信站|文章網址|編輯|轉錄者):|◆ From:|※ 引述《.*》之銘言|※ \S+:轉錄至).*\n?", re.M
)
REPOSTED = re.compile(r"^※ \[本文轉錄自 ?(?:\S+ 看板 #([0-9A-Za-z_-]{8})|某隱形看板).*\n?", re.M)
EDITED = re.compile(r"※ 編輯: [^\n]*?(\d{2})/(\d{2})/(\d{4}) (\d{2}):(\d{2}):(\d{2})")
CATEGORY = re.compile(r"^(?:(?:Re|Fw|R):\s*)*\[([^\[\]]{1,20})\]", re.I)
QUOTED_LINE = re.compile(r"^[:>](?: .*)?$")
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.(?:\d{1,3}|\*)){3}(?![\d.])")
DAY = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})(?!\d)")
CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")


@dataclass(frozen=True)
class Push:
    """One line under an article, as printed but for the address."""

    tag: str
    author: str | None
    text: str
    time_raw: str


@dataclass(frozen=True)
class Article:
    """What an article page says; NULLs where the page is silent."""

    author: str | None
    board: str | None
    title: str | None
    time_raw: str | None
    body: str
    pushes: tuple[Push, ...]
    edited_at: datetime | None
    is_truncated: bool
    is_repost: bool
    reposted_file: str | None
    headers: dict[str, str]

    @property
    def category(self) -> str | None:
        match = CATEGORY.match(self.title or "")
        return match[1].strip() if match else None


@dataclass
class _Flow:
    headers: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    is_truncated: bool = False

    def add(self, text: str | None) -> None:
        (self.after if self.pushes else self.before).append((text or "").replace("\r\n", "\n"))

    def opening(self) -> str:
        """Return the article itself; what its author inserts between pushes later is not it.

        An article that opens with pushes pasted from elsewhere goes on to its first edit mark.
        """
        before = "".join(self.before)
        return before if before.strip() else "".join(self.after).split(EDIT, 1)[0]


def parse_article(page: Selector) -> Article | None:
    """Read an article page; None when it has no article, which every true one has."""
    mains = MAIN(page.root)
    if not mains:
        return None
    flow = _walk(mains[0])
    flow.is_truncated = flow.is_truncated or WARNED(page.root)
    headers, text = _headers(flow.headers, flow.opening())
    reposted = REPOSTED.search(text)
    return Article(
        author=author_id(headers.get("作者")),
        board=headers.get("看板") or headers.get("站內"),
        title=headers.get("標題") or page.css('meta[property="og:title"]::attr(content)').get(),
        time_raw=headers.get("時間"),
        body=own_words(text),
        pushes=tuple(flow.pushes),
        edited_at=_edited_at("".join(flow.before + flow.after)),
        is_truncated=flow.is_truncated,
        is_repost=reposted is not None,
        reposted_file=file_of_aid(reposted[1]) if reposted and reposted[1] else None,
        headers=headers,
    )


def author_id(value: str | None) -> str | None:
    """Return the id of `id (nick)`; a nick may hold anything, an id never a blank."""
    name = (value or "").strip().split(" (", 1)[0].split(" ", 1)[0]
    return None if not name or name.startswith(("[", "(")) or name == "-" else name


def own_words(text: str) -> str:
    """Cut the tail and drop every line that the system or another person wrote."""
    text = _without_signature(text)
    text = REPOSTED.sub("", SYSTEM_LINE.sub("", text))
    return text.strip("\n").rstrip()


def file_of_aid(aid: str) -> str:
    """Turn the short code `#1abcDEFG` of an article into its file name."""
    number = 0
    for symbol in aid:
        number = number * 64 + AID_SYMBOLS.index(symbol)
    kind, seconds, suffix = number >> 44, (number >> 12) & 0xFFFFFFFF, number & 0xFFF
    return f"{'G' if kind else 'M'}.{seconds}.A.{suffix:03X}"


def infer_push_times(
    article_at: datetime, times: list[str], not_after: datetime | None
) -> list[datetime | None]:
    """Give years to `MM/DD HH:MM` by walking forward from the article; UTC instants.

    A push that seems more than a day older than the one before it is from the next year. A day that
    no calendar has, and a year that would lie after `not_after`, give None. No result is before the
    article: pushes are printed to the minute, articles to the second.
    """
    found: list[datetime | None] = []
    previous = article_at.astimezone(TAIPEI)
    for text in times:
        at = _next_occurrence(text, previous)
        if at is None or (not_after is not None and at > not_after):
            found.append(None)
            continue
        previous = max(previous, at)
        found.append(max(at.astimezone(UTC), article_at))
    return found


def _next_occurrence(text: str, previous: datetime) -> datetime | None:
    day = DAY.search(text)
    if day is None:
        return None
    clock = CLOCK.search(text)
    hour, minute = (int(clock[1]), int(clock[2])) if clock else (0, 0)
    for year in range(previous.year, previous.year + 9):  # nine hold a leap day
        try:
            at = datetime(year, int(day[1]), int(day[2]), hour, minute, tzinfo=TAIPEI)
        except ValueError:
            continue
        if (previous - at).total_seconds() <= 86_400:
            return at
    return None


def _walk(main: etree._Element) -> _Flow:
    flow = _Flow()
    flow.add(main.text)
    for child in main:
        classes = (child.get("class") or "").split() if isinstance(child.tag, str) else ["comment"]
        if "push" in classes:
            flow.pushes.append(_push(child))
        elif "article-metaline" in classes or "article-metaline-right" in classes:
            flow.headers.update(_meta(child))
        elif "warning-box" in classes:
            flow.is_truncated = True
        elif not {"richcontent", "comment"} & set(classes) and child.tag != "script":
            flow.add(_without_quotes(child, classes))
        flow.add(child.tail)
    return flow


def _meta(line: etree._Element) -> Iterator[tuple[str, str]]:
    parts = [_text_of(part) for part in line]
    if len(parts) >= 2:
        yield parts[0].strip(), parts[1].strip()


def _push(line: etree._Element) -> Push:
    parts: dict[str, str] = {}
    for part in line:
        parts.update(dict.fromkeys((part.get("class") or "").split(), _text_of(part)))
    content = parts.get("push-content", "").removeprefix(":").removeprefix(" ")
    stamp = ADDRESS.sub("", parts.get("push-ipdatetime", ""))
    day, clock = DAY.search(stamp), CLOCK.search(stamp)
    return Push(
        tag=parts.get("push-tag", "").strip(),
        author=parts.get("push-userid", "").strip() or None,
        text=content.rstrip("\n"),
        time_raw=" ".join(match[0] for match in (day, clock) if match),
    )


def _text_of(element: etree._Element) -> str:
    return "".join(element.itertext()) if len(element) else element.text or ""


def _without_quotes(element: etree._Element, classes: list[str]) -> str:
    """Return the text of an element; the site colours quoted lines, so `f6` tells them."""
    text = _text_of(element)
    if "f6" not in classes:
        return text
    kept = [line for line in text.split("\n") if not QUOTED_LINE.match(line)]
    return "\n".join(kept)


def _headers(found: dict[str, str], text: str) -> tuple[dict[str, str], str]:
    """Complete the header from plain text when its author or an old system left it unformatted."""
    headers = dict(found)
    lines = text.lstrip("\n").split("\n")
    taken = 0
    for line in lines[:4]:
        match = next((m for p in HEADER_LINES if (m := p.match(line))), None)
        if match is None or match[1] in found:
            break
        groups = match.groups()
        headers.update(zip(groups[::2], (value.strip() for value in groups[1::2]), strict=True))
        taken += 1
    joined = TITLE_WITH_TIME.match(headers.get("標題", ""))
    if joined and "時間" not in headers:
        headers["標題"], headers["時間"] = joined[1], joined[2]
    return headers, "\n".join(lines[taken:]) if taken else text


def _without_signature(text: str) -> str:
    station = text.rfind(STATION)
    if station < 0:
        link = text.rfind(LINK)
        return (text if link < 0 else text[:link]).rstrip().removesuffix("\n--")
    cut = text.rfind("\n--\n", 0, station)
    if cut < 0:
        return text[:station]
    body = text[:cut]
    start = body.rfind("\n--\n")
    is_signature = start >= 0 and body.count("\n", start + 4) < SIGNATURE_LINES
    return body[:start] if is_signature else body


def _edited_at(text: str) -> datetime | None:
    edits = []
    for month, day, year, hour, minute, second in EDITED.findall(text):
        try:
            stamp = (int(year), int(month), int(day), int(hour), int(minute), int(second))
            edits.append(datetime(*stamp, tzinfo=TAIPEI).astimezone(UTC))
        except ValueError:
            continue
    return max(edits, default=None)
