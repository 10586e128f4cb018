"""Mentions: the right brand, at the place where the author wrote it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from enrichment import Alias, Brand, Topic, build_lexicon, reader_of
from tests.enrichment.sayings import lexicon

BRANDS = [
    Brand("lg", (Alias("LG"), Alias("樂金"))),
    Brand("midea", (Alias("美的"),)),
    Brand("apple", (Alias("蘋果", ("手機", "iPhone"), ("蘋果汁", "水果")), Alias("蘋果公司"))),
    Brand("starbucks", (Alias("星巴克"), Alias("Starbucks"), Alias("星巴克臻選"))),
    Brand("cht", (Alias("中華電"),)),
    Brand("banri", (Alias("半日紅"),)),
    Brand("seven", (Alias("7-11"),)),
    Brand("nestle", (Alias("Nestlé"),)),
    Brand("datong", (Alias("大同", deny=("世界大同", "大同小異")),)),
    Brand("tongxue", (Alias("同學會"),)),
    Brand("ext", (Alias("𠮷野家"),)),
]
LEXICON = build_lexicon(BRANDS, [Topic("price", ("貴", "划算")), Topic("value", ("划算",))])


def found(text: str) -> list[tuple[str, str]]:
    """Brand and the very characters that its span shows."""
    mentions = reader_of(LEXICON).read(text).mentions
    return [(m.brand_id, text[m.start : m.end]) for m in mentions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LG8080 好用", [("lg", "LG")]),
        ("買了lg的電視", [("lg", "lg")]),
        ("ＬＧ的電視", [("lg", "ＬＧ")]),
        ("MLGB、LGBT、algae", []),
        ("@LG台灣 你好，a@lg.com，https://lg.com/x www.lg.com", []),
        ("＠LG台灣 你好", []),
        ("lg.com、看lg.example.com.tw/lg?x=lg，shop.lg.cn", []),
        ("ＬＧ．ｃｏｍ 和LG.COM/lg", []),
        ("我的LG.好用，LG.TV，LG.company", [("lg", "LG"), ("lg", "LG"), ("lg", "LG")]),
        ("她是最美的人", []),
        ("美的冷氣很靜", [("midea", "美的")]),
        ("去星巴克臻選喝", [("starbucks", "星巴克臻選")]),
        ("星巴克星巴克", [("starbucks", "星巴克"), ("starbucks", "星巴克")]),
        ("星\u200b巴\u200b克", [("starbucks", "星\u200b巴\u200b克")]),
        ("STARBUCKS和starbucks", [("starbucks", "STARBUCKS"), ("starbucks", "starbucks")]),
        ("在中華電影院看中華電的廣告", [("cht", "中華電")]),
        ("半日紅外送漏了兩杯", [("banri", "半日紅")]),
        ("去7-11買，2027-11-07、17-11", [("seven", "7-11")]),
        ("Nestle\u0301 和 NESTLÉ", [("nestle", "Nestle\u0301"), ("nestle", "NESTLÉ")]),
        ("👨‍👩‍👧𠮷野家😀LG", [("ext", "𠮷野家"), ("lg", "LG")]),
        ("\u200f\u202e星巴克", [("starbucks", "星巴克")]),
        ("#星巴克# 買一送一", [("starbucks", "星巴克")]),
    ],
)
def test_aliases_are_found_where_they_stand(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("蘋果很甜", []),
        ("蘋果的手機很順", [("apple", "蘋果")]),
        ("苹果的手机很顺", [("apple", "苹果")]),
        ("蘋果的iphone", [("apple", "蘋果")]),
        ("邊滑手機邊喝蘋果汁", []),
        ("喝蘋果汁時看蘋果的手機", [("apple", "蘋果")]),
        ("手機和水果，蘋果很甜", []),
        ("蘋果公司發表會", [("apple", "蘋果公司")]),
        ("大同電鍋", [("datong", "大同")]),
        ("大同小異，大同電鍋", [("datong", "大同")]),
    ],
)
def test_context_decides_on_ambiguous_aliases(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_an_alias_that_does_not_hold_hides_no_shorter_one() -> None:
    brands = [
        Brand("long", (Alias("潮鳴茶旗艦店", require_context=("信義",)),)),
        Brand("short", (Alias("潮鳴茶"),)),
    ]
    reader = reader_of(build_lexicon(brands))
    assert [m.brand_id for m in reader.read("潮鳴茶旗艦店開幕").mentions] == ["short"]
    assert [m.brand_id for m in reader.read("信義的潮鳴茶旗艦店開幕").mentions] == ["long"]


def test_a_product_right_behind_its_brand_may_end_inside_a_word() -> None:
    brands = [
        Brand("songfeng", (Alias("松風"), Alias("輕語", product_id="songfeng-qingyu"))),
        Brand("other", (Alias("山河"),)),
    ]
    reader = reader_of(build_lexicon(brands))

    def products(text: str) -> list[tuple[str | None, str]]:
        return [(m.product_id, m.rule) for m in reader.read(text).mentions]

    behind = ("songfeng-qingyu", "behind_brand")
    assert products("松風輕語氣炸鍋很安靜") == [(None, "word"), behind]
    assert products("松风轻语气炸锅很安静") == [(None, "word"), behind]
    assert products("山河輕語氣炸鍋") == [(None, "word")]
    assert products("年輕語氣") == []


def test_the_alias_is_told_as_configured() -> None:
    (mention,) = reader_of(lexicon()).read("我愛潮鸣茶").mentions
    assert mention == ("chaoming", None, "潮鳴茶", "word", False, 2, 5)


def test_topics_may_share_words_and_single_characters_are_words() -> None:
    reader = reader_of(LEXICON)
    assert reader.read("這個划算").topics == ["price", "value"]
    assert reader.read("好貴").topics == reader.read("很貴").topics == ["price"]
    assert reader.read("貴州的茶").topics == []


def test_a_thousand_mentions_do_not_overlap() -> None:
    mentions = reader_of(LEXICON).read("星巴克 LG " * 1000).mentions
    assert len(mentions) == 2000
    assert all(a.end <= b.start for a, b in pairwise(mentions))
