"""Board pages against PTT's own format, blank by blank."""

from __future__ import annotations

import re
from datetime import date

import pytest

from demo import ptt
from demo.cast import PLACE
from demo.life import Quirk
from demo.phrases import Saying
from tests.demo.planting import Planted, at

DAY = date(2026, 7, 12)
NOW = at(date(2026, 7, 20), 0)


def board_of(planted: Planted, place: str = "ptt-teadrink") -> ptt.Board:
    pushes: dict[str, list] = {}
    for post in planted.posts:
        if post.parent is not None:
            pushes.setdefault(post.parent.post_id, []).append(post)
    articles = [post for post in planted.posts if post.parent is None]
    return ptt.Board(PLACE[place], articles, pushes, lambda post: f"user{post.author}")


def titled(planted: Planted, title: str, when: int, place: str = "ptt-teadrink", **more):
    post = planted.say(place, 1, when, **more)
    post.saying = Saying(more.get("text", "內文"), title)
    return post


def test_index_rows_are_padded_dated_and_cut():
    planted = Planted()
    post = titled(planted, "[討論] 茶 & 奶 <3 " + "長" * 40, at(DAY))
    page = ptt.index_page(board_of(planted), None, NOW)
    assert '<div class="date"> 7/12</div>' in page
    assert '\n\t\t\t<div class="nrec"></div>\n' in page
    cut = re.search(r'<a href="/bbs/TeaDrink/M\.\d+\.A\.000\.html">(.*)</a>', page)[1]
    assert cut == "[討論] 茶 &amp; 奶 &lt;3 " + "長" * 23  # 18 + 46 bytes
    assert post.saying.title not in page


def test_scores_are_capped_as_the_list_shows_them():
    shown = {value: re.sub(r"<[^>]*>", "", ptt.show_score(value)) for value in SCORES}
    assert shown == SCORES
    assert ptt.show_score(9) == '<span class="hl f2">9</span>'
    assert ptt.show_score(10) == '<span class="hl f3">10</span>'


SCORES = {250: "爆", 100: "爆", 99: "99", 1: "1", 0: "", -9: "", -10: "X1", -99: "X9", -100: "XX"}


def test_twenty_a_page_oldest_first_and_the_pinned_row_after_the_separator():
    planted = Planted()
    for index in range(45):
        titled(planted, f"第{index}篇", at(DAY) + index * 60)
    board = board_of(planted)
    pages = [re.findall(r">第(\d+)篇<", ptt.index_page(board, n, NOW)) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert pages[0][0] == "0"
    newest = ptt.index_page(board, None, NOW)
    body, pinned = newest.split('<div class="r-list-sep"></div>')
    assert re.findall(r">第(\d+)篇<", body) == pages[2]
    assert re.findall(r">第(\d+)篇<", pinned) == ["0"]
    assert '<a class="btn wide" href="/bbs/TeaDrink/index2.html">&lsaquo; 上頁</a>' in newest
    assert '<a class="btn wide disabled">下頁 &rsaquo;</a>' in newest
    assert ptt.index_page(board, 4, NOW) is None
    assert '<a class="btn wide disabled">&lsaquo; 上頁</a>' in ptt.index_page(board, 1, NOW)


def test_a_deleted_row_loses_its_link_and_later_its_place():
    planted = Planted()
    titled(planted, "走了", at(DAY), gone_at=at(DAY, 15))
    titled(planted, "被刪", at(DAY, 13), gone_at=at(DAY, 15)).quirks = frozenset(
        [Quirk.DELETED_BY_MASTER]
    )
    board = board_of(planted)
    page = ptt.index_page(board, None, at(DAY, 16))
    assert "(本文已被刪除) [user1]" in page
    assert "(已被teamaster刪除) &lt;user1&gt; 違反板規" in page
    assert page.count('<div class="author">-</div>') == 3  # the first one is pinned, too
    assert "/M." not in page
    assert "r-ent" not in ptt.index_page(board, None, NOW)


def test_the_article_header_and_tail():
    planted = Planted()
    article = titled(planted, "[心得] A+B", at(date(2026, 7, 2), 9))
    page = ptt.article_page(board_of(planted), article, NOW)
    stamp = '<span class="article-meta-value">Thu Jul  2 09:00:00 2026</span></div>\n內文\n'
    assert stamp in page
    assert '<span class="article-meta-value">[心得] A&#43;B</span>' in page
    assert re.search(r"\n--\n<span class=\"f2\">※ 發信站: 批踢踢實業坊\(ptt.cc\), 來自: ", page)
    assert f"/bbs/TeaDrink/{article.post_id}.html</a>\n</span>" in page


def test_a_header_edited_away_is_plain_text_and_a_system_one_names_its_zone():
    planted = Planted()
    gone = titled(planted, "無頭", at(DAY), quirks=frozenset([Quirk.HEADER_GONE]))
    system = titled(planted, "公告", at(DAY), quirks=frozenset([Quirk.SYSTEM_HEADER]))
    board = board_of(planted)
    page = ptt.article_page(board, gone, NOW)
    assert "article-metaline" not in page
    assert re.search(r">作者: user1 \(.*\) 看板: TeaDrink\n標題: 無頭\n時間: Sun Jul 12 ", page)
    assert "Sun Jul 12 12:00:00 CST 2026" in ptt.article_page(board, system, NOW)


@pytest.mark.parametrize(
    ("place", "user", "stamp"),
    [
        ("ptt-teadrink", r"user2       ", r" 07/12 13:05\n"),
        ("ptt-towntalk", r"user2", r" {1,8}\d+\.\d+\.\d+\.\d+ 07/12 13:05\n"),
    ],
)
def test_pushes_pad_ids_or_log_addresses(place, user, stamp):
    planted = Planted()
    article = titled(planted, "推", at(DAY), place)
    planted.say(place, 2, at(DAY, 13) + 300, "<推>", parent=article, tag="噓")
    page = ptt.article_page(board_of(planted, place), article, NOW)
    assert re.search(
        r'<div class="push"><span class="f1 hl push-tag">噓 </span>'
        rf'<span class="f3 hl push-userid">{user}</span>'
        r'<span class="f3 push-content">: &lt;推&gt;</span>'
        rf'<span class="push-ipdatetime">{stamp}</span></div>',
        page,
    )
    if place == "ptt-towntalk":
        address = re.search(r'push-ipdatetime">([ \d.]{15}) ', page)
        assert address is not None


def test_an_edit_stands_between_the_pushes_with_what_the_author_added():
    planted = Planted()
    article = titled(planted, "問", at(DAY), edited_at=at(DAY, 14), inline_reply="謝謝")
    article.later_saying = Saying("改過的內文", "問")
    planted.say("ptt-teadrink", 2, at(DAY, 13), parent=article)
    planted.say("ptt-teadrink", 3, at(DAY, 15), parent=article)
    board = board_of(planted)
    page = ptt.article_page(board, article, NOW)
    order = [
        page.index(text) for text in ("改過的內文", "user2 ", "\n謝謝\n", "※ 編輯: ", "user3 ")
    ]
    assert order == sorted(order)
    assert "臺灣), 07/12/2026 14:00:00\n</span>" in page
    assert "編輯" not in ptt.article_page(board, article, at(DAY, 13.5))


def test_a_long_article_shows_head_and_tail_under_a_warning():
    planted = Planted()
    article = titled(planted, "長", at(DAY))
    for index in range(500):
        planted.say("ptt-teadrink", 2, at(DAY, 13) + index, str(index), parent=article)
    page = ptt.article_page(board_of(planted), article, NOW)
    numbers = [int(n) for n in re.findall(r'push-content">: (\d+)<', page)]
    assert "檔案過大！部分文章無法顯示" in page
    assert (len(numbers), numbers[248:251]) == (374, [248, 375, 376])


def test_pushes_roll_over_the_year_without_saying_so():
    planted = Planted(start=date(2026, 12, 1))
    article = titled(planted, "跨年", at(date(2026, 12, 31), 23.5))
    planted.say("ptt-teadrink", 2, at(date(2027, 1, 1), 0.5), parent=article)
    page = ptt.article_page(board_of(planted), article, at(date(2027, 1, 2)))
    assert "Thu Dec 31 23:30:00 2026" in page
    assert '<span class="push-ipdatetime"> 01/01 00:30\n</span>' in page


def test_the_boards_feed_dates_itself_by_its_oldest_entry():
    planted = Planted()
    for index in range(25):
        titled(planted, f"第{index}篇", at(DAY) + index * 60)
    feed = ptt.atom_feed(board_of(planted), NOW)
    assert feed.count("<entry>") == 20
    assert feed.index("第24篇") < feed.index("第5篇")
    assert "<updated>2026-07-12T12:05:00+08:00</updated>\n  <entry>" in feed
