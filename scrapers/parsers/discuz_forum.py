"""A forum's list of threads: Discuz! X (3.x, default template) and 7.2."""

from __future__ import annotations

import re

from parsel import Selector

from scrapers.parsers.discuz_page import (
    THREAD_IN_LINK,
    ForumPage,
    ForumRow,
    PageClock,
    number_in,
    pages_of,
    person_in,
    text_of,
    time_in,
)

LIST = "#threadlisttableid, #threadlist, table[summary^=forum_], table.datatable"
ROWS = "tbody[id^=normalthread_], tbody[id^=stickthread_]"
TITLE = "th a.xst, th span[id^=thread_] a, th a.s"
MARKS = re.compile(
    r"\[(阅读权限|閱讀權限|售价|售價|悬赏|懸賞|回帖奖励|回帖獎勵|已解决|已解決)[^\]]{0,20}\]"
)
MOVED = re.compile(r"^\s*(?:移动|移動)\s*[:：]")


def parse_forum(page: Selector, clock: PageClock) -> ForumPage | None:
    """Read a list page; None when it has no list, which no true one lacks."""
    if not page.css(LIST):
        return None
    rows = tuple(row for entry in page.css(ROWS) if (row := _row(entry, clock)))
    number, last_number = pages_of(page)
    return ForumPage(
        rows,
        number,
        last_number,
        name=text_of(next(iter(page.css("#forumheader h1, h1.xs2 a, h1.xs2")), None)),
        fans=page.css("#number_favorite_num::text").get(),
    )


def _row(entry: Selector, clock: PageClock) -> ForumRow | None:
    """Read a row; None for one without a thread, such as an announcement.

    The link tells the thread: the row of a moved one still bears the number of its stub.
    """
    links = entry.css(TITLE)
    tid = number_in(THREAD_IN_LINK, links[0].attrib.get("href")) if links else None
    if tid is None:
        return None
    head = entry.css("th")[0]
    cells = entry.css("td.by, td.author, td.lastpost")
    return ForumRow(
        tid=tid,
        title=text_of(links[0]) or "",
        author=person_in(cells[:1].css("cite")),
        created=time_in(next(iter(cells[:1].css("em")), None), clock),
        last_reply=time_in(next(iter(cells[-1:].css("em")), None), clock),
        replies=text_of(next(iter(entry.css("td.num a, td.nums strong")), None)),
        views=text_of(next(iter(entry.css("td.num em, td.nums em")), None)),
        category=text_of(next(iter(head.xpath("./em[1]/a | ./label/em/a")), None)),
        marks=tuple(dict.fromkeys(MARKS.findall(text_of(head) or ""))),
        is_pinned=entry.attrib["id"].startswith("stickthread_"),
        is_moved=MOVED.match("".join(head.xpath("text()").getall())) is not None,
    )
