"""Bytes to text: a declaration that does not fit is not believed, and what was used is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake import StopReason
from scrapers.encodings import charset_of, decode, read_text
from scrapers.parsers.feed_document import parse_feed
from scrapers.spiders.ptt import PttSpider
from tests.scrapers.stage import END, Page, make_channel, make_job, play
from tests.scrapers.test_boards import BASE, INDEX, article, board, name
from tests.scrapers.test_feeds import hours, item, rss, visit

SIMPLIFIED = "雾屿茶研的新品来了，我们都说好，他们也有人去。"
TRADITIONAL = "霧嶼茶研的新品來了，我們都說好，他們也有人去。"
WESTERN = "Voilà un thé glacé très frais, réservé à l'été; à côté, où l'on goûte déjà."

CASES = [
    ("utf-8", TRADITIONAL, ["iso-8859-1"]),
    ("utf-8", TRADITIONAL, ["gbk", "big5"]),
    ("utf-8-sig", TRADITIONAL, ["big5"]),
    ("utf-16", TRADITIONAL, ["utf-8"]),
    ("gb18030", SIMPLIFIED, ["iso-8859-1"]),
    ("gb18030", SIMPLIFIED, ["gbk", "iso-8859-1"]),
    ("gb18030", SIMPLIFIED, ["utf-8", "windows-1252"]),
    ("gb18030", SIMPLIFIED, ["big5"]),
    ("gb18030", "某某手机", ["iso-8859-1"]),
    ("cp950", TRADITIONAL, ["latin-1"]),
    ("cp950", TRADITIONAL, ["gb2312"]),
    ("cp950", TRADITIONAL, []),
    ("euc_kr", "차가운 홍차를 마셨다", ["euc-kr"]),
    ("shift_jis", "冷たい紅茶を飲んだ", ["Shift_JIS"]),
    ("cp1252", WESTERN, ["iso-8859-1"]),
]


@pytest.mark.parametrize(("encoding", "text", "declared"), CASES)
def test_row_22_a_wrong_declaration_makes_no_mojibake(
    encoding: str, text: str, declared: list[str]
) -> None:
    read = read_text(text.encode(encoding), declared)
    assert read.text.lstrip("\ufeff") == text
    assert read.undecoded == 0
    is_as_told = encoding in ("euc_kr", "shift_jis", "cp1252")
    assert bool(read.remark(declared)) is not is_as_told


@pytest.mark.parametrize(
    "name",
    ["zip", "hex", "rot13", "unicode_escape", "undefined", "idna", "utf-7", "a\0b", "\udcff", "é"],
)
def test_a_page_cannot_choose_a_codec_that_is_none_of_texts(name: str) -> None:
    assert decode(b"\xff" + TRADITIONAL.encode(), [name]).endswith(TRADITIONAL)


def test_a_torn_character_costs_itself_alone_and_is_told() -> None:
    torn = (TRADITIONAL * 3).encode().replace("新".encode(), "新".encode()[:2], 1)
    read = read_text(torn, ["gbk"])
    assert (read.encoding, read.undecoded) == ("utf-8", 1)
    assert read.text.count("霧嶼茶研") == 3
    assert "1 characters could not be read" in (read.remark() or "")
    read = read_text((SIMPLIFIED * 3).encode("gbk") + b"\xff\xff", ["gbk"])
    assert read.text.startswith(SIMPLIFIED)
    assert "could not be read" in (read.remark(["gbk"]) or "")


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ("text/xml; charset=GBK", "GBK"),
        ('text/xml;CHARSET="utf-8"; x=y', "utf-8"),
        ("text/xml", None),
        (None, None),
    ],
)
def test_a_header_names_its_charset(header: str | None, charset: str | None) -> None:
    assert charset_of(header) == charset


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_feed_under_a_latin_header_is_read_and_the_encoding_told(
    encoding: str, tmp_path: Path
) -> None:
    page = rss(item(hours(1), "a", SIMPLIFIED), Content_Type="text/xml; charset=iso-8859-1")
    page.body = str(page.body).encode(encoding)
    played = visit(tmp_path, page)
    assert played.posts()[0].body_text == SIMPLIFIED
    used = {"utf-8": "utf-8", "gbk": "gb18030"}[encoding]
    assert f"read as {used} where cp1252 was told" in (played.end.detail or "")


def test_the_document_is_believed_before_its_header() -> None:
    feed = f"<?xml version='1.0' encoding='{{}}'?><rss><channel><title>{SIMPLIFIED}</title>"
    for declared, header in (("gbk", "euc-kr"), ("GB2312", "iso-8859-1"), ("gbk", None)):
        read = parse_feed(feed.format(declared).encode("gbk") + b"</channel></rss>", charset=header)
        assert read.title == SIMPLIFIED


class TestPtt:
    """Its pages are UTF-8; a proxy or a mirror may say otherwise."""

    @pytest.mark.parametrize("charset", ["iso-8859-1", "big5", "gbk", "utf-8", "zip"])
    def test_no_header_makes_another_text_of_a_page(self, charset: str, tmp_path: Path) -> None:
        at = name(END.replace(hour=1))
        pages = {INDEX: board(at), f"{BASE}/{at}.html": article("10/11 09:30")}
        for page in pages.values():
            page.headers = {"Content-Type": f"text/html; charset={charset}"}
        played = play(PttSpider(make_job(tmp_path, make_channel(INDEX))), pages)
        post, push = played.posts()
        assert (post.title_text, post.body_text) == ("[閒聊] 標題", "內文")
        assert push.body_text == "推 0"
        assert "undecoded_characters" not in post.raw

    def test_a_page_in_another_encoding_is_refused_with_its_reason(self, tmp_path: Path) -> None:
        at = name(END.replace(hour=1))
        page = Page(str(article().body).replace("內文", TRADITIONAL).encode("cp950", "replace"))
        site = {INDEX: board(at), f"{BASE}/{at}.html": page}
        played = play(PttSpider(make_job(tmp_path, make_channel(INDEX))), site)
        assert played.posts() == []
        (refused,) = [one for one in played.items if getattr(one, "rule", "") == "not_utf8"]
        assert "expected UTF-8, PTT's only encoding, found" in refused.reason

    def test_a_list_in_another_encoding_ends_the_channel(self, tmp_path: Path) -> None:
        page = Page(str(board(name(END)).body).encode("cp950", "replace"))
        end = play(PttSpider(make_job(tmp_path, make_channel(INDEX))), {INDEX: page}).end
        assert end.stop_reason is StopReason.ERROR
        assert "expected UTF-8" in (end.detail or "")

    def test_a_torn_character_is_counted_beside_the_post(self, tmp_path: Path) -> None:
        at = name(END.replace(hour=1))
        body = str(article().body).replace("內文", TRADITIONAL * 4).encode()
        torn = body.replace("新".encode(), "新".encode()[:2], 1)
        site = {INDEX: board(at), f"{BASE}/{at}.html": Page(torn)}
        (post,) = play(PttSpider(make_job(tmp_path, make_channel(INDEX))), site).posts()
        assert post.raw["undecoded_characters"] == 1
        assert (post.body_text or "").count("霧嶼茶研") == 4
