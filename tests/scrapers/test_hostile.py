"""What the web and people's files throw at a reader: bombs, nests, traps. Nothing of it hurts.

Each is survived with an error that says what was found and what to do, in bounded memory, and
nothing wrong lands. The servers that misbehave on the wire stand in `test_faults`.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.test import get_crawler

from lake import StopReason
from lake.errors import RefusedRecordError
from lake.records import make_row
from scrapers import settings as ours
from scrapers.errors import (
    AddressRefusedError,
    ImportFileError,
    ParsingFailedError,
    SourceError,
)
from scrapers.importers import documents
from scrapers.importers.head import look_at
from scrapers.importers.sheets import open_workbook
from scrapers.middlewares.guard import Guard, PublicResolver, check_url
from scrapers.parsers.feed_document import NotAFeedError, parse_feed
from scrapers.parsers.json_record import JsonRecord, make_json_storable
from scrapers.parsers.sitemap import parse_sitemap
from scrapers.plan import channel_url
from scrapers.records import Refused
from scrapers.source import FOLDER, load_source
from tests.scrapers.stage import Page, Played, make_channel, make_job, play_with
from tests.scrapers.test_feeds import hours, item, rss, visit
from tests.scrapers.test_files import POSTS
from tests.scrapers.test_files import Desk as TableDesk
from tests.scrapers.test_named_files import Desk, lines, note, workbook
from tests.scrapers.townhall import ENVIRONMENT
from tingchao.config import Channel, SourceOverride

MB = 1024 * 1024
LARGEST = ours.DOWNLOAD_MAXSIZE
LOADER = SpiderLoader(Settings({"SPIDER_MODULES": ["scrapers.spiders"]}))


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lake for all, for nothing of this lands: opening a new one costs many syncs."""
    return tmp_path_factory.mktemp("hostile")


class TestBombs:
    """What is small on the wire and large behind it."""

    PACKERS: dict[str, Any] = {  # noqa: RUF012
        "gzip": lambda body: gzip.compress(body, 1),
        "deflate": lambda body: zlib.compress(body, 1),
        "br": lambda body: brotli.compress(body, quality=1),
    }

    @pytest.fixture(scope="class")
    def unpacker(self) -> HttpCompressionMiddleware:
        return HttpCompressionMiddleware.from_crawler(get_crawler(settings_dict=_settings()))

    @pytest.mark.parametrize("packing", [["gzip"], ["deflate"], ["br"], ["gzip", "gzip"]])
    def test_row_12_a_page_of_fifty_megabytes_is_never_held(
        self, packing: list[str], unpacker: HttpCompressionMiddleware
    ) -> None:
        body = b"\0" * (50 * MB)
        for name in packing:
            body = self.PACKERS[name](body)
        request = Request("https://blog.example.tw/feed/")
        headers = {"Content-Encoding": ", ".join(packing)}
        response = Response(request.url, headers=headers, body=body, request=request)
        tracemalloc.start()
        with pytest.raises(IgnoreRequest, match=r"maxsize|larger than|exceed"):
            unpacker.process_response(request, response)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * LARGEST

    def test_row_12_a_sitemap_that_bursts(self) -> None:
        packer = zlib.compressobj(1, wbits=31)
        parts = [packer.compress(b" " * MB) for _ in range(52)]
        with pytest.raises(NotAFeedError, match="more than 52,428,800 bytes"):
            parse_sitemap(b"".join([*parts, packer.flush()]))


def _settings() -> dict[str, Any]:
    names = ("DOWNLOAD_MAXSIZE", "DOWNLOAD_WARNSIZE", "REDIRECT_MAX_TIMES", "METAREFRESH_ENABLED")
    return {name: getattr(ours, name) for name in names}


class TestAddresses:
    """Where nobody asked us to go, in every disguise."""

    INSIDE = (
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00::1]/",
    )
    OTHER = (
        "file:///etc/passwd",
        "ftp://blog.example.tw/x",
        "data:text/html,x",
        "gopher://127.0.0.1:25/",
        "https://user:canary@blog.example.tw/",
        "https://blog.example.tw:6379/",
        "https://blog.example.tw.evil.example/",
    )

    @pytest.mark.parametrize("url", INSIDE)
    def test_row_15_a_private_address_is_refused_unless_it_is_configured(self, url: str) -> None:
        with pytest.raises(AddressRefusedError, match=r"allow_hosts|public"):
            check_url(url, exempt=frozenset())

    @pytest.mark.parametrize("location", [*INSIDE, *OTHER])
    def test_row_15_a_redirect_leads_nowhere_else(self, location: str, folder: Path) -> None:
        crawler = get_crawler(settings_dict=_settings())
        spider_class = LOADER.load("feed")
        job = make_job(folder, make_channel("https://blog.example.tw/feed/"), source="feed")
        crawler.spider = spider_class(job)
        request = Request("https://blog.example.tw/feed/")
        answer = Response(request.url, status=302, headers={"Location": location}, request=request)
        followed = RedirectMiddleware.from_crawler(crawler).process_response(request, answer)
        if isinstance(followed, Request):
            with pytest.raises(AddressRefusedError) as refused:
                Guard.from_crawler(crawler).process_request(followed)
            assert "canary" not in str(refused.value)
        else:
            assert followed.status == 302  # not followed; the spider is told what came

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254", "fe80::1"]
    )
    def test_row_15_a_name_that_is_rebound_is_refused_when_it_is_resolved(
        self, address: str
    ) -> None:
        resolver = PublicResolver.__new__(PublicResolver)
        with pytest.raises(Exception, match="not public"):
            resolver._check(address, "127-0-0-1.nip.example")

    def test_row_13_an_endless_redirect_ends(self) -> None:
        crawler = get_crawler(settings_dict=_settings())
        redirects = RedirectMiddleware.from_crawler(crawler)
        request: Any = Request("https://blog.example.tw/0")
        with pytest.raises(IgnoreRequest):
            for number in range(1, ours.REDIRECT_MAX_TIMES + 2):
                location = {"Location": f"/{number}"}
                answer = Response(request.url, status=302, headers=location, request=request)
                request = redirects.process_response(request, answer)

    @pytest.mark.parametrize("source", sorted(path.stem for path in FOLDER.glob("*.yml")))
    @pytest.mark.parametrize(
        "address",
        [
            "../../etc/passwd",
            "TeaDrink/../../x",
            "..",
            "%2e%2e/%2E%2E/x",
            "https://blog.example.tw/../x",
            "tea\0drink",
            "tea\r\nHost: evil.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "x" * 3_000,
        ],
    )
    def test_row_20_an_address_that_climbs_or_hides_is_refused(
        self, source: str, address: str
    ) -> None:
        described = load_source(source)
        override = SourceOverride(base_url=described.base_url or "https://base.example.tw")
        with pytest.raises(SourceError, match=r"channels\.x\.address: expected") as refused:
            channel_url(Channel(id="x", source=source, address=address), described, override)
        assert len(str(refused.value)) < 700


@dataclass(frozen=True)
class Body:
    """An answer to every request of a spider."""

    name: str
    body: bytes
    kind: str

    def page(self) -> Page:
        return Page(self.body, headers={"Content-Type": self.kind})


HTML, XML, JSON = "text/html", "text/xml", "application/json"
DIGITS = b"9" * 300
SURROGATE = (
    b'{"id":"\\ud800","name":"\\udfff","data":[{"id":"\\ud800","name":"\\ud800"}],"x":"\\ud800"}'
)
BODIES = [
    Body("deep_html", b"<html>" + b"<div>" * (2 * MB // 5), HTML),
    Body("deep_json", b"[" * (2 * MB), JSON),
    Body("deep_objects", b'{"a":' * (2 * MB // 5), JSON),
    Body("deep_xml", b"<rss><channel>" + b"<item>" * (2 * MB // 6), XML),
    Body("nuls", b"\0" * MB, HTML),
    Body("nuls_in_html", b"<html><body>" + b"\0" * MB, HTML),
    Body("surrogates", SURROGATE, JSON),
    Body("digits", b'{"id":' + DIGITS + b',"data":[{"id":' + DIGITS + b"}]}", JSON),
    Body("more_digits", b'{"id":' + DIGITS * 20 + b',"data":[]}', JSON),
    Body("titles", b"<rss><channel>" + b"<title>" * (MB // 7), XML),
    Body("cdata", b"<rss><channel>" + b"<![CDATA[" * (MB // 9), XML),
    Body("doctype", b"<!DOCTYPE x [" + b"<!ENTITY a 'b'>" * (MB // 15), XML),
    Body("ampersands", b"<feed><title>" + b"&" * (MB // 2), XML),
    Body("attributes", b"<html><body " + b"a=1 " * (MB // 4) + b">", HTML),
    Body("nothing", b"", HTML),
    Body("bytes", bytes(range(256)) * 400, "text/html; charset=iso-8859-1"),
]
ADDRESSES = {
    "bluesky": ("tea.bsky.example", "https://public.api.bsky.app/x"),
    "discuz": ("36", "https://bbs.example.tw/forum.php?mod=forumdisplay&fid=36"),
    "facebook_page": ("104000000000001", "https://graph.facebook.com/x"),
    "feed": ("https://blog.example.tw/feed/",) * 2,
    "instagram": ("17840000000000001", "https://graph.facebook.com/x"),
    "line_oa": ("@tea", "https://api.line.me/x"),
    "mastodon": ("https://social.example.tw/@tea",) * 2,
    "ptt": ("Demo", "https://www.ptt.cc/bbs/Demo/index.html"),
    "shopify": ("https://tea.myshopify.com",) * 2,
    "sitemap": ("https://blog.example.tw/sitemap.xml",) * 2,
    "threads": ("20000000000000001", "https://graph.threads.net/x"),
    "wechat_oa": ("gh_tea000000001", "https://api.weixin.qq.com/x"),
    "weibo_api": ("7000000009", "https://api.weibo.com/x"),
    "woocommerce": ("https://shop.example.tw/",) * 2,
    "wordpress": ("https://blog.example.tw/",) * 2,
    "youtube": ("UC0000000000000000000000", "https://www.googleapis.com/x"),
}


BY_DAY = {"line_oa", "wechat_oa"}  # the hours between the ends of two days need no answer


def crawl(source: str, body: Body, folder: Path) -> Played:
    """Play a spider to which every page is the same hostile one."""
    described = load_source(source)
    address, url = ADDRESSES[source]
    job = make_job(
        folder,
        make_channel(url, address=address),
        source=source,
        base_url=described.base_url or "https://bbs.example.tw",
        permalink_base=described.permalink_base,
        auth=described.auth,
    )
    return play_with(LOADER.load(source)(job), lambda _: body.page(), most=30)


def test_every_spider_is_here() -> None:
    assert set(ADDRESSES) == set(LOADER.list())


@pytest.mark.parametrize("source", sorted(ADDRESSES))
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_rows_21_and_22_no_page_breaks_a_spider(source: str, body: Body, folder: Path) -> None:
    played = crawl(source, body, folder)
    assert played.posts() == []
    assert played.end.covered is None or source in BY_DAY
    assert played.end.stop_reason is not StopReason.REACHED_WATERMARK
    detail = played.end.detail or ""
    assert 20 < len(detail) < 2_000
    assert not detail.startswith(("UnicodeEncodeError", "RecursionError", "IndexError"))


class TestFeeds:
    """One hostile entry, or the document around it."""

    def test_an_external_entity_is_neither_read_nor_asked_for(self, folder: Path) -> None:
        secret = folder / "secret"
        secret.write_text("canary")
        for system in (secret.as_uri(), "http://127.0.0.1:9/x"):
            doctype = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "{system}">]>'
            page = rss(item(hours(1), "a", "&x; 茶"))
            page.body = doctype + str(page.body)
            (post,) = visit(folder, page).posts()
            assert post.body_text == "&x; 茶"

    def test_a_billion_laughs_are_one_word(self, folder: Path) -> None:
        lines = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 40))
        page = rss(item(hours(1), "a", "&e39;"))
        page.body = f'<!DOCTYPE r [<!ENTITY e0 "haha">{lines}]>{page.body}'
        assert visit(folder, page).posts()[0].body_text == "&e39;"

    @pytest.mark.parametrize("guid", ["9" * 300, "https://x.tw/" + "a" * 5000])
    def test_an_id_that_no_feed_has_goes_to_quarantine(self, guid: str, folder: Path) -> None:
        (bad, good) = visit(folder, rss(item(hours(1), guid), item(hours(2), "b"))).posts()
        with pytest.raises(RefusedRecordError, match=r"post_id: expected an id of at most"):
            make_row("posts", bad.row(), channel_id="demo")
        assert make_row("posts", good.row(), channel_id="demo")["post_id"] == "b"

    @pytest.mark.parametrize(
        "link", ["http://[", "javascript:alert(1)", "file:///etc/passwd", "//["]
    )
    def test_a_link_that_leads_to_no_page_is_none(self, link: str, folder: Path) -> None:
        entry = item(hours(1), "a").replace("</item>", f"<link>{link}</link></item>")
        (post,) = visit(folder, rss(entry)).posts()
        assert (post.post_id, post.url) == ("a", None)

    def test_nuls_and_half_characters_land_as_text(self, folder: Path) -> None:
        page = rss(item(hours(1), "a", "茶\x00&#0;&#xD800;好"))
        (post,) = visit(folder, page).posts()
        assert (post.body_text or "").startswith("茶")
        (post.body_text or "").encode()
        entry = '{"id": "a", "content_text": "\\ud83d 茶\\u0000"}'
        feed = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{entry}]}}'
        (post,) = visit(folder, Page(feed)).posts()
        assert post.post_id == "a"

    def test_empty_and_halved_entries_are_refused_with_their_reason(self, folder: Path) -> None:
        page = rss("<item></item>", item(hours(1), "whole"), item(hours(2), "half", "開頭" * 50))
        page.body = str(page.body).partition("開頭" * 20)[0]
        played = visit(folder, page)
        assert [post.post_id for post in played.posts()] == ["whole"]
        refused = [one for one in played.items if isinstance(one, Refused)]
        assert [one.rule for one in refused] == ["empty_entry", "broken_off"]
        assert all("expected" in one.reason and "found" in one.reason for one in refused)
        assert (played.end.stop_reason, played.end.covered) == (StopReason.ERROR, None)
        assert "breaks off" in (played.end.detail or "")

    def test_a_feed_that_breaks_off_before_its_first_entry_is_not_silent(
        self, folder: Path
    ) -> None:
        end = visit(folder, Page("<rss><channel><title>x</title><descr")).end
        assert (end.stop_reason, end.covered) == (StopReason.ERROR, None)

    def test_more_entries_than_any_feed_has(self) -> None:
        with pytest.raises(NotAFeedError, match="30,000 entries, where no feed has more"):
            parse_feed(b"<rss><channel>" + b"<item/>" * 30_000 + b"</channel></rss>")

    @pytest.mark.parametrize(
        "text",
        [
            "The post a appeared first on b" * 3_000,
            "[…]" + "\u3000" * 100_000 + "x",
            "閱讀全文" * 20_000,
            "<a href='#comment-1" * 5_000,
            "發表於 2026-" * 10_000,
        ],
    )
    def test_row_39_no_text_takes_forever(self, text: str, folder: Path) -> None:
        assert len(visit(folder, rss(item(hours(1), "a", f"<![CDATA[{text}]]>"))).posts()) == 1

    @pytest.mark.parametrize(
        ("text", "storable"),
        [
            (r'"\ud83d\ude00"', "😀"),
            (r'"\ud83d x"', "\ufffd x"),
            (r'"\\ud83d"', r"\ud83d"),
            (r'"\uDC00\uD800"', "\ufffd\ufffd"),
        ],
    )
    def test_half_a_pair_becomes_a_mark(self, text: str, storable: str) -> None:
        assert json.loads(make_json_storable(text)) == storable


class TestFiles:
    """Imports: what bursts is refused unopened, what is odd is one row in quarantine."""

    @pytest.fixture
    def table(self, tmp_path: Path) -> TableDesk:
        return TableDesk(tmp_path)

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Desk:
        return Desk(tmp_path)

    def test_a_csv_with_a_field_of_ten_megabytes(self, table: TableDesk) -> None:
        long = '2,"' + ("茶" * 999 + "\n") * 5_000 + '",2026-10-01,1\n'
        text = f"id,正文,日期,点赞数\n1,a,2026-10-01,1\n{long}3,b,2026-10-01,1\n"
        outcome = table.land(POSTS, text)
        assert (outcome.landed, outcome.quarantined) == (2, 1)
        assert {row["post_id"] for row in table.rows("posts")} == {"1", "3"}
        (refused,) = table.rows("quarantine")
        assert "line 3: expected CSV, found: field larger" in refused["reason"]

    def test_a_parquet_cell_of_ten_megabytes_is_one_bad_row(self, table: TableDesk) -> None:
        path = table.folder / "a.parquet"
        texts = ["a", "茶" * (5 * MB), "b"]
        pq.write_table(pa.table({"id": ["1", "2", "3"], "正文": texts}), path)
        spec = {**POSTS, "format": "parquet", "path": "*.parquet", "counters": {}}
        spec["columns"] = {"post_id": "id", "body_text": "正文"}
        outcome = table.land(spec, path.read_bytes(), "a.parquet")
        assert (outcome.landed, outcome.quarantined) == (2, 1)
        assert table.rows("quarantine")[0]["rule"] == "cell_too_long"

    def test_a_parquet_file_that_bursts_is_refused(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = desk.folder / "bomb.parquet"
        pq.write_table(
            pa.table({"id": ["茶" * MB] * 20}), path, use_dictionary=False, compression="zstd"
        )
        assert path.stat().st_size < MB
        monkeypatch.setattr(documents, "MAX_CHUNK", 16 * MB)
        with pytest.raises(ImportFileError, match="smaller row groups"):
            list(documents.read_parquet(path))

    def test_a_workbook_that_bursts_is_refused_unopened(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b" " * (50 * MB))
        with pytest.raises(ImportFileError, match="save it as CSV"), open_workbook(path):
            pass

    def test_a_workbook_that_lies_about_its_size_is_refused(self, tmp_path: Path) -> None:
        strings = f"<sst>{'<si/>' * 50_000}</sst>"
        path = workbook(tmp_path / "liar.xlsx", **{"xl__sharedStrings.xml": strings})
        true, told = (size.to_bytes(4, "little") for size in (len(strings), 10))
        path.write_bytes(path.read_bytes().replace(true, told))
        with pytest.raises(ImportFileError, match="workbook"), open_workbook(path):
            pass

    def test_deep_nests_nuls_and_halves_in_json(self, desk: Desk) -> None:
        deep = '{"note_id": ' + '{"a":' * 100_000 + "1" + "}" * 100_001
        bad_id = json.dumps({"note_id": "\ud800", "content": "x"})
        with pytest.raises(ImportFileError, match="nested too deep"):
            look_at(desk.write("a.json", "[" * 300_000))
        text = f"{lines(note(1))}{deep}\n" + json.dumps(note(2, note_id="\ud800")) + f"\n{bad_id}\n"
        outcome = desk.land(desk.write("a.jsonl", text), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (1, 3)
        assert "damaged_id" in {row["rule"] for row in desk.rows("quarantine")}


@pytest.mark.parametrize(
    "native", ["9" * 300, int("9" * 300), "x" * 900, "a\ud800", "a\nb", "\ufffd"]
)
def test_an_id_that_no_platform_has_is_refused_by_name(native: Any) -> None:
    with pytest.raises(ParsingFailedError, match=r"^id: expected an id") as refused:
        JsonRecord({"id": native}).id("id")
    assert refused.value.rule == "damaged_id"
    assert len(str(refused.value)) < 150
