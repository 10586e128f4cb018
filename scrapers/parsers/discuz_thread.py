"""A thread's page: Discuz! X (3.x, default template) and 7.2, which share the ids of its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsel import Selector

from lake.times import Instant
from scrapers.parsers.discuz_message import (
    lock_of,
    read_message,
)
from scrapers.parsers.discuz_page import (
    FORUM_IN_LINK,
    THREAD_IN_LINK,
    ForumPost,
    PageClock,
    Remark,
    ThreadPage,
    number_in,
    pages_of,
    person_in,
    text_of,
    time_in,
)

POSTS = "#postlist > div[id^=post_], #postlist > table[id^=pid], form > div[id^=post_]"
POST_ID = re.compile(r"(?:post_|pid)(\d{1,20})")
FLOOR_NAMES = {"楼主": 1, "樓主": 1, "沙发": 2, "沙發": 2, "板凳": 3, "地板": 4}
STUCK = re.compile(r"来自|來自|推荐|推薦|置顶|置頂")
COUNTERS = {
    "recommend": "#recommendv_add",
    "oppose": "#recommendv_subtract, #recommendv_sub",
    "favorite": "#favoritenumber",
    "share": "#sharenumber",
}
VOTERS = re.compile(r"共有\s*(\d+)\s*人参[与與]|共有\s*(\d+)\s*人[参參][与與]投票")
CHOICE_NUMBER = re.compile(r"^\s*\d{1,3}\s*[.、．]\s*")
SCORE = re.compile(r"[+-]\s?\d{1,6}")


def parse_thread(page: Selector, clock: PageClock) -> ThreadPage | None:
    """Read a page of a thread; None when it has no post, which every true one has."""
    parts = [(part, POST_ID.fullmatch(part.attrib["id"])) for part in page.css(POSTS)]
    posts = tuple(_post(part, match[1], clock) for part, match in parts if match)
    if not posts:
        return None
    number, last_number = pages_of(page)
    title = next(iter(page.css("#thread_subject, #threadtitle h1")), None)
    return ThreadPage(
        tid=_number_of_thread(page),
        fid=_number_of_forum(page),
        title=_title(title),
        posts=posts,
        number=number,
        last_number=last_number,
        category=_category(page),
        tags=tuple(filter(None, map(text_of, page.css("div.ptg a")))),
        counters=dict(_counters(page)),
        choices=_choices(page),
    )


def _post(part: Selector, pid: str, clock: PageClock) -> ForumPost:
    floor = text_of(next(iter(part.css(f"#postnum{pid}")), None))
    cells = part.css(f"#postmessage_{pid}")
    outer = [lock_of(text_of(box) or "") for box in part.css("div.locked")]
    ratings = dict(_ratings(part, pid))
    remarks = tuple(_remarks(part, pid, clock))
    message = read_message(cells[0].root, clock) if cells else None
    return ForumPost(
        pid=pid,
        floor=_floor(floor),
        author=person_in(part.css("td.pls, td.postauthor")) or person_in(part.css(".authi")),
        at=time_in(next(iter(part.css(f"#authorposton{pid}")), None), clock),
        body=message.text if message else None,
        edited=message.edited if message else None,
        quoted=message.quoted if message else (),
        locks=tuple(dict.fromkeys([*outer, *(message.locks if message else ())])),
        counters=ratings,
        remarks=remarks,
        noise=message.noise if message else 0,
        is_stuck=floor is not None and STUCK.search(floor) is not None,
    )


def _floor(printed: str | None) -> int | None:
    """Read `12 #` and 沙发; None when nothing is printed, as a site does for programs."""
    digits = re.search(r"\d{1,9}", printed or "")
    if digits:
        return int(digits[0])
    return next((n for name, n in FLOOR_NAMES.items() if name in (printed or "")), None)


def _number_of_thread(page: Selector) -> str | None:
    links = page.css("a[id^=postnum]::attr(href), link[rel=canonical]::attr(href)").getall()
    scripts = re.search(r"\btid\s*=\s*(?:parseInt\(')?'?(\d+)", _scripts(page))
    if scripts and scripts[1] != "0":
        return scripts[1]
    return next((n for link in links if (n := number_in(THREAD_IN_LINK, link))), None)


def _number_of_forum(page: Selector) -> str | None:
    script = re.search(r"\bfid\s*=\s*(?:parseInt\(')?'?(\d+)", _scripts(page))
    if script and script[1] != "0":
        return script[1]
    links = page.css("#pt a::attr(href), #nav a::attr(href)").getall()
    found = [n for link in links if (n := number_in(FORUM_IN_LINK, link))]
    return found[-1] if found else None


def _scripts(page: Selector) -> str:
    return "\n".join(page.css("head script::text").getall())


def _title(found: Selector | None) -> str | None:
    """Read the title without its category, which is a link of its own."""
    if found is None:
        return None
    parts = found.xpath(".//text()[not(parent::a[contains(@href, 'typeid')])]").getall()
    return " ".join("".join(parts).split()) or None


def _category(page: Selector) -> str | None:
    links = page.css("h1.ts > a, #threadtitle h1 a")
    text = text_of(links[0]) if links else None
    return text.strip("[]【】 ") or None if text else None


def _counters(page: Selector) -> Iterator[tuple[str, str]]:
    """Yield what stands over the first page: readers, replies, recommendations."""
    labels = page.css("#postlist span.xg1")
    for label in labels:
        name = {"查看": "view", "回复": "reply", "回復": "reply", "回覆": "reply"}.get(
            (text_of(label) or "").rstrip(":： ")
        )
        value = text_of(next(iter(label.xpath("following-sibling::span[1]")), None))
        if name and value:
            yield name, value
    for name, where in COUNTERS.items():
        value = text_of(next(iter(page.css(where)), None))
        if value:
            yield name, value
    voters = VOTERS.search(text_of(next(iter(page.css("form#poll")), None)) or "")
    if voters:
        yield "voter", voters[1] or voters[2]


def _choices(page: Selector) -> tuple[str, ...]:
    """Read what a poll lets people choose between."""
    boxes = page.css("form#poll label[for^=option_]") or page.css("form#poll td.pvt")
    texts = [CHOICE_NUMBER.sub("", text_of(box) or "") for box in boxes]
    return tuple(text for text in texts if text)


def _ratings(part: Selector, pid: str) -> Iterator[tuple[str, str]]:
    """Yield how many people rated a post and what their scores add up to, and its thumbs."""
    log = next(iter(part.css(f"#ratelog_{pid}")), None)
    if log is not None:
        scores = [int(s.replace(" ", "")) for s in SCORE.findall(" ".join(_totals(log)))]
        people = text_of(next(iter(log.css("th .xi1")), None)) or str(
            len(log.css("tr[id^=rate_], li"))
        )
        yield "rater", people
        if scores:
            yield "rating", str(sum(scores))
    for name, word in (("support", "support"), ("against", "against")):
        value = text_of(next(iter(part.css(f"#review_{word}_{pid}")), None))
        if value:
            yield name, value


def _totals(log: Selector) -> list[str]:
    """Return the printed sums of a rating table; where it has none, its single scores."""
    sums = log.css("th i span.xi1::text, th i::text").getall()
    return sums or log.css("td.xi1::text, td.rate_score::text, em::text").getall()


def _remarks(part: Selector, pid: str, clock: PageClock) -> Iterator[Remark]:
    for box in part.css(f"#comment_{pid} div.pstl"):
        said = next(iter(box.css("div.psti")), None)
        if said is None:
            continue
        stamp = next(iter(said.css("span.xg1")), None)
        at: Instant | None = time_in(stamp, clock)
        words = said.xpath(".//text()[not(ancestor::span[contains(@class, 'xg1')])]").getall()
        text = " ".join("".join(words).split())
        if text:
            yield Remark(person_in(box.css("div.psta")), text, at)
