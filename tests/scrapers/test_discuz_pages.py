"""Discuz pages as the software writes them, against golden values; and what differs by the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import lxml.html
import pytest
from parsel import Selector

from lake.times import Precision
from scrapers.access.thread_pages import ShownPage, ThreadReading
from scrapers.encodings import decode_page
from scrapers.parsers.discuz_address import ForumAddress, page_in
from scrapers.parsers.discuz_message import lock_of, read_message
from scrapers.parsers.discuz_mobile import parse_mobile_thread
from scrapers.parsers.discuz_notice import Notice, classify
from scrapers.parsers.discuz_page import (
    THREAD_IN_LINK,
    PageClock,
    declared_charsets,
    number_in,
    pages_of,
    read_clock,
    time_in,
)
from scrapers.parsers.discuz_thread import parse_thread
from scrapers.source import load_source
from scrapers.spiders.discuz import DiscuzSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import Page, make_channel, make_job, play

FOLDER = FIXTURES / "discuz"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 9, 4, 30, tzinfo=UTC)
CLOCK = PageClock(SHANGHAI, NOW)
X = "https://bbs.example.cn/forum.php?mod="
OLD = "https://old.example.cn/forum/"
API = "https://bbs.example.cn/api/mobile/index.php?version=4&module="


def saved(name: str) -> Page:
    return Page((FOLDER / name).read_bytes(), headers={"Content-Type": "text/html; charset=utf-8"})


SITES: dict[str, tuple[str, dict[str, Any], dict[str, Page]]] = {
    "x": (
        f"{X}forumdisplay&fid=2",
        {},
        {
            f"{X}forumdisplay&fid=2&page=1": saved("x_forum.html"),
            f"{X}viewthread&tid=123&page=1": saved("x_thread.html"),
            f"{X}viewthread&tid=124&page=1": saved("x_locked.html"),
        },
    ),
    "old": (
        f"{OLD}forumdisplay.php?fid=2",
        {},
        {
            f"{OLD}forumdisplay.php?fid=2&page=1": saved("old_forum.html"),
            f"{OLD}viewthread.php?tid=2089&page=1": saved("old_thread.html"),
        },
    ),
    "mobile": (
        f"{X}forumdisplay&fid=2",
        {"route": "mobile"},
        {
            f"{API}forumdisplay&fid=2&page=1": saved("mobile_forum.json"),
            f"{API}viewthread&tid=123&page=1": saved("mobile_thread.json"),
        },
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_fixture_forum_reads_as_golden(tmp_path: Path, name: str) -> None:
    url, options, site = SITES[name]
    channel = make_channel(
        url,
        start=NOW - timedelta(days=2),
        end=NOW,
        time_zone="Asia/Shanghai",
        options={"revisit_days": 0, **options},
    )
    job = make_job(tmp_path, channel, source="discuz", now=NOW, permalink_base=None)
    played = play(DiscuzSpider(job), site)
    ignored = set(load_source("discuz").ignored_keys)
    rows = [
        post.row()
        | {"author": post.author, "raw": post.raw, "unread": sorted(post.unread - ignored)}
        for post in played.posts()
    ]
    compare(FOLDER / f"{name}.golden.json", rows)


@pytest.mark.parametrize(
    ("printed", "at", "precision"),
    [
        (
            '<em>发表于 <span title="2026-10-8 21:05:11">昨天&nbsp;21:05</span></em>',
            "08 13:05:11",
            0,
        ),
        ("<em>發表於 2026-10-8 21:05</em>", "08 13:05:00", 1),
        ("<em>昨天&nbsp;12:30</em>", "08 04:30:00", 1),
        ("<em>3&nbsp;分钟前</em>", "09 04:27:00", 1),
        ("<em>半小时前</em>", "09 04:00:00", 3),
        ("<em>3&nbsp;小時前</em>", "09 01:30:00", 3),
        ("<em>刚刚</em>", "09 04:30:00", 1),
        ("<em>2026-10-8</em>", "07 16:00:00", 2),
        ('<em><span title="2026-10-8 09:05 PM">昨天</span></em>', "08 13:05:00", 1),
    ],
)
def test_times_are_as_exact_as_the_page_prints_them(printed: str, at: str, precision: int) -> None:
    found = time_in(Selector(text=printed).css("em")[0], CLOCK)
    assert found is not None
    assert f"{found.at:%d %H:%M:%S}" == at
    assert found.precision == list(Precision)[precision]


@pytest.mark.parametrize(
    ("foot", "hours"),
    [
        ("GMT+8, 2026-10-9 12:30, ", 8),
        ("GMT-3.5, 2026-10-9 01:00", -3.5),
        ("GMT, 2026-10-9 04:30", 0),
    ],
)
def test_the_foot_of_a_page_tells_its_zone_and_moment(foot: str, hours: float) -> None:
    clock = read_clock(f"<p>{foot}<span>Processed</span></p>", SHANGHAI, NOW - timedelta(days=9))
    assert clock == PageClock(timezone(timedelta(hours=hours)), NOW)
    assert read_clock("<p>nothing</p>", SHANGHAI, NOW) == CLOCK


def test_a_declared_charset_is_believed_only_when_it_fits() -> None:
    page = '<meta charset="utf-8"><title>雾屿茶研的新品来了，我们都说好</title>'
    for declared in (("utf-8", "utf-8"), ("gbk", None), (None, None), (None, "big5")):
        assert decode_page(page.encode("gb18030"), declared) == page
        assert decode_page(page.encode(), declared) == page
    torn = page.encode("gb18030").replace(b"</title>", b"\xb2</title>")
    assert "雾屿茶研的新品" in decode_page(torn, ("gbk", None))
    assert "雾屿茶研" in decode_page(page.encode() + b"\xe9\x9b", ("utf-8", None))
    head = b'<meta http-equiv="Content-Type" content="text/html; charset=GBK" />'
    assert declared_charsets(head, "text/html; charset=utf-8") == ("GBK", "utf-8")


@pytest.mark.parametrize(
    ("said", "notice"),
    [
        ("抱歉，指定的主题不存在或已被删除或正在被审核", Notice.GONE),
        ("抱歉，指定的主題不存在或已被刪除或正在被審核", Notice.GONE),
        ("thread_nonexistence", Notice.GONE),
        ("抱歉，指定的版块不存在", Notice.NO_FORUM),
        ("抱歉，您需要先登录才能继续本操作", Notice.LOGIN),
        ("抱歉，您没有权限访问该版块", Notice.LOGIN),
        ("抱歉，您所在的用户组(游客)无法进行此操作", Notice.LOGIN),
        ("抱歉，本版块只有特定用户组可以访问", Notice.LOGIN),
        ("抱歉，本帖要求阅读权限高于 10 才能浏览", Notice.PERMISSION),
        ("抱歉，您的请求过于频繁，请稍后再试", Notice.FLOOD),
        ("服务器繁忙，请稍候再试", Notice.FLOOD),
        ("站点暂时关闭，请稍后访问", Notice.CLOSED),
        ("论坛维护中", Notice.CLOSED),
        ("您当前的访问请求当中含有非法字符，已经被系统拒绝", Notice.UNKNOWN),
    ],
)
def test_what_a_site_says_instead_of_a_page_is_told_apart(said: str, notice: Notice) -> None:
    assert classify(said) is notice


@pytest.mark.parametrize(
    ("said", "lock"),
    [
        ("提示: 作者被禁止或删除 内容自动屏蔽", "banned"),
        ("提示: 该帖被管理员或版主屏蔽", "shielded"),
        ("本帖为密码帖 ，请输入密码", "password"),
        ("此帖仅作者可见", "author"),
        ("游客，如果您要查看本帖隐藏内容请回复", "reply"),
        ("游客，本帖隐藏的内容需要积分高于 100 才可浏览，您当前积分为 0", "credits"),
        ("本主题需向作者支付 5 金钱 才能浏览", "paid"),
        ("别的什么", "other"),
    ],
)
def test_locks_are_named_by_what_they_want(said: str, lock: str) -> None:
    assert lock_of(said) == lock


def test_noise_that_looks_like_markup_leaves_nothing_behind() -> None:
    cell = lxml.html.fragment_fromstring(
        '<td>甲<font class="jammer">&amp;lt; b&gt; x</font><br>\r\n'
        '<span style="DISPLAY : none">y</span>乙<font size="0">z</font>'
        '<p style="font-size:0">q</p><i style="font-size:0.9em">丙</i></td>',
        parser=lxml.html.HTMLParser(encoding="utf-8"),
    )
    message = read_message(cell, CLOCK)
    assert (message.text, message.noise) == ("甲\n乙丙", 4)


@pytest.mark.parametrize("pid", ["9" * 300, "new", "12x", "9" * 5000])
def test_what_bears_no_number_is_no_post(pid: str) -> None:
    page = Selector(text=f'<div id="postlist"><div id="post_{pid}"></div></div>')
    assert parse_thread(page, CLOCK) is None
    answer = {"Variables": {"postlist": [{"pid": pid, "message": "x"}, 7, None]}}
    assert parse_mobile_thread(answer, 1, CLOCK) is None
    assert number_in(THREAD_IN_LINK, f"viewthread&tid={pid}") in (None, "12")


def test_deep_nesting_is_survived() -> None:
    root = Selector(text="<div>" * 1_500 + "深" + "</div>" * 1_500).root
    assert read_message(root, CLOCK).text == "深"


@pytest.mark.parametrize(
    ("url", "forum", "thread"),
    [
        (
            "https://a.cn/forum.php?mod=forumdisplay&fid=2&filter=typeid&typeid=5&page=3",
            "https://a.cn/forum.php?mod=forumdisplay&fid=2&filter=typeid&typeid=5&page=4",
            "https://a.cn/forum.php?mod=viewthread&tid=9&page=2",
        ),
        (
            "https://a.cn/bbs/forum-2-1.html",
            "https://a.cn/bbs/forum-2-4.html",
            "https://a.cn/bbs/thread-9-2-1.html",
        ),
        (
            "https://a.cn/forumdisplay.php?fid=2&sid=x",
            "https://a.cn/forumdisplay.php?fid=2&page=4",
            "https://a.cn/viewthread.php?tid=9&page=2",
        ),
    ],
)
def test_addresses_keep_the_spelling_of_their_site(url: str, forum: str, thread: str) -> None:
    address = ForumAddress.of(url)
    assert (address.forum(4), address.thread("9", 2)) == (forum, thread)
    assert (page_in(forum), page_in(thread), page_in(address.mobile_forum(7))) == (4, 2, 7)


def test_an_address_that_names_no_forum_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="fid=36"):
        ForumAddress.of("https://a.cn/forum.php?mod=guide")


def test_pagers_of_both_makes() -> None:
    assert pages_of(Selector(text="<p>one page</p>")) == (1, 1)
    near = '<div class="pg"><a class="prev">&nbsp;</a><a>4</a><strong>5</strong><a>6</a></div>'
    assert pages_of(Selector(text=near)) == (5, 6)


class TestPagesOfAThread:
    """Which pages are read: numbers of posts stand for their times."""

    def reading(self, *held: int, declared: int | None = None) -> ThreadReading:
        since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=50)
        return ThreadReading(since, {n: f"p{n}" for n in held}, declared)

    def page(self, number: int, last: int, *posts: int) -> ShownPage:
        oldest = min(posts[1:] if number == 1 else posts, default=None)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        return ShownPage(number, last, posts, start + timedelta(days=oldest) if oldest else None)

    def test_backwards_until_a_page_begins_before_what_is_looked_for(self) -> None:
        reading = self.reading()
        reading.add(self.page(1, 9, 1, 2, 3))
        assert reading.next_number() == 9
        reading.add(self.page(9, 9, 60, 61))
        assert reading.next_number() == 8
        reading.add(self.page(8, 9, 40, 55, 59))
        assert reading.next_number() is None
        assert reading.gone() == []

    def test_newest_first_is_read_forwards(self) -> None:
        reading = self.reading(62)
        reading.add(self.page(1, 3, 1, 63, 61))
        assert reading.next_number() == 2
        reading.add(self.page(2, 3, 60, 40))
        assert reading.next_number() is None
        assert reading.gone() == ["p62"]

    def test_fewer_than_are_known_sends_back_to_every_page(self) -> None:
        reading = self.reading(2, 3, 4, 5, 6, declared=4)
        reading.add(self.page(1, 3, 1, 2))
        reading.add(self.page(3, 3, 6))
        assert reading.next_number() == 2
        reading.add(self.page(2, 3, 3, 5))
        assert reading.next_number() is None
        assert reading.gone() == ["p4"]

    def test_merged_threads_prove_nothing_before_all_was_read(self) -> None:
        reading = self.reading(8)
        reading.add(self.page(1, 3, 1, 9, 2))
        reading.add(self.page(3, 3, 7, 20))
        assert reading.gone() == []
