"""Named formats on their way into the lake: whose channel, what is new, and hostile files."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import Added, Lake, StopReason, Window
from lake.pseudonyms import Pseudonyms
from scrapers.errors import ImportFileError
from scrapers.importers.detect import UnrecognisedError, detect_format
from scrapers.importers.documents import MAX_DOCUMENT
from scrapers.importers.format import Found, Reading
from scrapers.importers.formats import all_formats
from scrapers.importers.head import look_at
from scrapers.importers.items import read_items
from scrapers.importers.land import FileOutcome, land_file
from scrapers.importers.mapping import ColumnMap
from scrapers.importers.named import NamedFile, describe_unfinished, land_named
from scrapers.importers.rows import MAX_LINE, Row
from scrapers.importers.sheets import open_sheet, open_workbook
from tests.scrapers.golden import FIXTURES
from tests.scrapers.test_formats import fixtures
from tingchao.config import Channel, Import

NOW = datetime(2026, 10, 20, tzinfo=UTC)
KEYS = Pseudonyms(b"k" * 32)
NAMES = ("路人甲示例", "路人乙示例", "某人示例", "王示例", "阿明示例", "viewer01", "tea_lover")
WEIBO = Channel(id="tea", source="weibo", address="https://weibo.com/u/1900000002")
OTHER = Channel(id="cafe", source="weibo", address="1900000001")


def note(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "note_id": f"50800000000000{number:02}",
        "content": f"第 {number} 則",
        "create_date_time": f"2026-10-{number:02} 21:05:11+08:00",
        "liked_count": "5",
        "comments_count": "0",
        "shared_count": "0",
        "creator_hash": f"{number:016x}",
        "last_modify_ts": 1791500000000,
        **changes,
    }


def lines(*notes: dict[str, Any]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in notes)


class Desk:
    """A lake, and files to land in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake.open(folder / "landing")
        self.runs = 0

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def land(self, path: Path, channels: tuple[Channel, ...] = (), **spec: Any) -> FileOutcome:
        self.runs += 1
        head = look_at(path)
        form, _ = detect_format(head)
        asked = Import(id="export", format=form.name, path=path.name, **spec)
        file = NamedFile(form=form, head=head, spec=asked, channels=channels)
        return land_named(self.lake, file, KEYS, crawl_id=f"run-{self.runs}", now=lambda: NOW)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()

    def ledger(self) -> list[dict[str, Any]]:
        return [row for row in self.lake.ledger().to_pylist() if row["is_last"]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("name", all_formats())
def test_every_record_fits_the_lake_and_names_nobody(name: str, desk: Desk) -> None:
    """Only what is meant to be refused is, and nothing that is kept beside texts names a person."""
    for path in (p for p in fixtures() if p.relative_to(FIXTURES).parts[0] == name):
        golden = json.loads(path.with_name(f"{path.name}.golden.json").read_text(encoding="utf-8"))
        outcome = desk.land(path, channel=f"tea-{desk.runs}")
        assert outcome.quarantined == sum("refused" in one for one in golden), path
        assert outcome.rows or outcome.skipped
    kept = [row.get("raw_record") for t in ("posts", "quarantine") for row in desk.rows(t)]
    people = [row["author_key"] for t in ("posts", "authors") for row in desk.rows(t)]
    assert kept or people or any(desk.rows(t) for t in ("channels", "orders", "visits", "spend"))
    assert not [n for n in NAMES if n in json.dumps([kept, people], ensure_ascii=False)]


def test_the_same_file_adds_nothing_and_a_longer_one_only_what_is_new(desk: Desk) -> None:
    first = desk.land(desk.write("a.jsonl", lines(note(1), note(2))), channel="tea")
    assert (first.landed, first.encoding) == (2, "utf-8")
    again = desk.land(desk.write("renamed.jsonl", lines(note(1), note(2))), channel="tea")
    assert again.is_known
    assert "imported before, by run run-1" in again.line()
    longer = lines(note(1), note(2), note(3), note(2, liked_count="9"))
    outcome = desk.land(desk.write("a.jsonl", longer), channel="tea")
    assert (outcome.landed, outcome.added[Added.UNCHANGED]) == (2, 2)
    assert len({post["post_id"] for post in desk.rows("posts")}) == 3


def test_each_channel_has_a_ledger_row_of_its_own(desk: Desk) -> None:
    header = "id,uid,正文,日期,点赞数,评论数,转发数\n"
    text = header + "1,1900000001,甲,2026-10-01,1,0,0\n2,1900000002,乙,2026-10-03,1,0,0\n"
    outcome = desk.land(desk.write("two.csv", text), (WEIBO, OTHER))
    assert outcome.landed == 2
    rows = {row["channel_id"]: row for row in desk.ledger()}
    assert set(rows) == {"tea", "cafe", "export"}
    assert {row["stop_reason"] for row in rows.values()} == {StopReason.EXHAUSTED.value}
    assert rows["cafe"]["covered_start_at"] == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert rows["cafe"]["covered_end_at"] == datetime(2026, 10, 1, 16, tzinfo=UTC)
    assert rows["export"]["covered_start_at"] is None
    assert rows["export"]["stop_detail"] == "read as utf-8"
    assert {post["channel_id"] for post in desk.rows("posts")} == {"tea", "cafe"}


def test_rows_of_channels_that_are_not_configured_wait_for_it(desk: Desk) -> None:
    path = FIXTURES / "weibo_crawler" / "云岭茶_1900000002.csv"
    outcome = desk.land(path)
    assert (outcome.landed, outcome.quarantined) == (0, 0)
    said = describe_unfinished(outcome) or ""
    assert "weibo 1900000002 (2)" in said
    assert "under `channels`" in said
    assert desk.land(path).is_known  # nothing was configured meanwhile
    assert desk.land(path, (WEIBO,)).landed == 2


def test_one_channel_has_not_the_audience_of_two_pages(desk: Desk) -> None:
    page = {"id": "1", "name": "甲", "fan_count": 5}
    text = lines(page, {**page, "id": "2", "fan_count": 9})
    outcome = desk.land(desk.write("pages.jsonl", text), channel="page")
    assert [row["fan_count"] for row in desk.rows("channels")] == [5]
    assert outcome.left_out == {"facebook_page 2": 1}


def test_counters_of_a_post_wait_for_the_post_and_complete_it(desk: Desk) -> None:
    folder = FIXTURES / "fivetran"
    metrics = folder / "facebook_pages_lifetime_post_metrics_total.csv"
    early = desk.land(metrics, channel="page")
    assert (early.landed, early.unmatched) == (0, 1)
    assert "import the file with the posts" in (describe_unfinished(early) or "")
    assert desk.ledger() == []
    assert desk.land(folder / "facebook_pages_post_history.csv", channel="page").landed == 1
    assert desk.land(metrics, channel="page").landed == 1
    before, after = desk.rows("posts")
    assert after["body_text"] == before["body_text"]
    assert {c["name"] for c in after["counters"]} > {c["name"] for c in before["counters"]}
    assert desk.land(metrics, channel="page").is_known


def test_a_source_can_be_given_in_place_of_the_format_s_own(desk: Desk) -> None:
    desk.land(desk.write("a.jsonl", lines(note(1))), channel="page", source="fanpage")
    (post,) = desk.rows("posts")
    assert post["source"] == "fanpage"
    assert post["author_key"] == KEYS.key("fanpage", f"{1:016x}")


def test_unknown_keys_are_counted_and_told(desk: Desk) -> None:
    outcome = desk.land(desk.write("a.jsonl", lines(note(1, mood="gut"))), channel="tea")
    assert outcome.unknown_keys == {"mood": 1}
    assert "unknown keys mood (1)" in desk.ledger()[0]["stop_detail"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp950"])
def test_the_encoding_is_found_and_told(encoding: str, desk: Desk) -> None:
    text = "這是一段文字，說的是我們的茶和他們的店，有人來了，也有人不在。" * 5
    path = desk.write("a.csv", f"id,正文\n1,{text}\n".encode(encoding))
    outcome = _land_mapped(desk, path, "csv", post_id="id", body_text="正文")
    assert outcome.encoding == encoding
    assert f"(csv, {encoding})" in outcome.line()
    assert f"read as {encoding}" in desk.ledger()[0]["stop_detail"]
    assert desk.rows("posts")[0]["body_text"] == text


class TestNothingIsRecognisedForNothing:
    def test_what_was_found_and_why_each_format_refused(self, desk: Desk) -> None:
        with pytest.raises(UnrecognisedError) as error:
            detect_format(look_at(desk.write("a.csv", "colour,size\nred,1\n")))
        said = str(error.value)
        assert "found csv, utf-8, columns colour, size" in said
        assert all(f"    {name}: " in said for name in all_formats())

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "an empty file"),
            (b"\x1f\x8b\x08\x00rest", "found gzip"),
            (b"\x1f\x8b\x08\x00rest", "unpack it first"),
            (b"%PDF-1.7", "found PDF; export the table itself"),
            (b"\xd0\xcf\x11\xe0 rest", "or one with a password; save it as .xlsx without one"),
            (b'{"a": [1, 2,', "found no record in it: expected JSON"),
            (b"[1, 2, 3]", "found no record in it: expected "),
            (b"<!DOCTYPE html><html></html>", "found a web page or XML; save its table as CSV"),
            (b"\xef\xbb\xbf <table></table>", "found a web page or XML"),
            (b"PAR1 broken", "expected a whole parquet file"),
            (b"SQLite format 3\x00 broken", "expected a whole sqlite file"),
            (b"PK\x03\x04 broken", "expected a whole workbook"),
        ],
    )
    def test_what_is_no_export(self, content: bytes, said: str, desk: Desk) -> None:
        with pytest.raises(ImportFileError, match=said):
            look_at(desk.write("a.bin", content))

    def test_a_directory_and_a_pipe(self, desk: Desk) -> None:
        (desk.folder / "dir").mkdir()
        os.mkfifo(desk.folder / "pipe")
        with pytest.raises(ImportFileError, match="found a directory"):
            look_at(desk.folder / "dir")
        with pytest.raises(ImportFileError, match="found a pipe"):
            look_at(desk.folder / "pipe")


class TestHostileFiles:
    def test_a_line_of_fifty_megabytes(self, desk: Desk) -> None:
        long = json.dumps(note(2, content="x" * 50_000_000))
        text = f"{lines(note(1))}{long}\n{lines(note(3))}"
        outcome = desk.land(desk.write("a.jsonl", text), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (2, 1)
        (refused,) = desk.rows("quarantine")
        assert refused["rule"] == "line_too_long"
        assert len(refused["raw_record"]) < 20_000

    def test_a_cell_of_a_table_that_is_too_long(self, desk: Desk) -> None:
        header = "id,正文,日期,点赞数,评论数,转发数\n"
        row = "{},{},2026-10-01,1,0,0\n"
        long = "y" * (MAX_LINE + 10)
        text = header + row.format(1, "a") + row.format(2, long) + row.format(3, "b")
        outcome = desk.land(desk.write("a.csv", text), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (2, 1)

    def test_deep_nesting_is_one_bad_row(self, desk: Desk) -> None:
        deep = '{"note_id": ' + "[" * 200_000 + "]" * 200_000 + "}"
        outcome = desk.land(desk.write("a.jsonl", f"{lines(note(1))}{deep}\n"), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (1, 1)
        assert "nested too deep" in desk.rows("quarantine")[0]["reason"]

    def test_nul_bytes_and_lone_surrogates_land_as_text(self, desk: Desk) -> None:
        text = lines(note(1, content="a\x00b")) + json.dumps(note(2, content="\ud83d x")) + "\n"
        assert desk.land(desk.write("a.jsonl", text), channel="tea").landed == 2
        assert [post["body_text"] for post in desk.rows("posts")] == ["a\x00b", "\ufffd x"]

    @pytest.mark.parametrize("digits", [300, 5000])
    def test_ids_of_hundreds_of_digits(self, digits: int, desk: Desk) -> None:
        text = lines(note(1)) + lines(note(2)).replace('"5080000000000002"', "9" * digits)
        outcome = desk.land(desk.write("a.jsonl", text), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (1, 1)

    def test_formulas_are_text(self, desk: Desk) -> None:
        text = "=cmd|'/c calc'!A1"
        desk.land(desk.write("a.jsonl", lines(note(1, content=text))), channel="tea")
        assert desk.rows("posts")[0]["body_text"] == text

    def test_an_array_that_breaks_off_keeps_what_it_had(self, desk: Desk) -> None:
        text = json.dumps([note(1), note(2)])[:-40]
        outcome = desk.land(desk.write("a.json", text), channel="tea")
        assert (outcome.landed, outcome.quarantined) == (1, 1)

    def test_a_document_that_does_not_fit_is_told(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scrapers.importers.documents.MAX_DOCUMENT", 1000)
        assert MAX_DOCUMENT > 1000
        with pytest.raises(ImportFileError, match="JSON lines"):
            look_at(desk.write("a.json", '{"a":\n' + json.dumps("x" * 5000) + "}"))


WORKBOOK = """<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="Contents" sheetId="1" r:id="rId1"/></sheets></workbook>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>"""
STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<numFmts><numFmt numFmtId="164"
 formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot; hh:mm"/>
<numFmt numFmtId="165" formatCode="&quot;days&quot; 0"/></numFmts>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs>
</styleSheet>"""
SHARED = """<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<si><t>note_id</t></si><si><r><t>con</t></r><r><t>tent</t></r><rPh><t>no</t></rPh></si></sst>"""
SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>
<c r="C1" t="inlineStr"><is><t>day</t></is></c>
<c r="D1" t="inlineStr"><is><t>at</t></is></c>
<c r="E1" t="inlineStr"><is><t>flag</t></is></c>
<c r="F1" t="inlineStr"><is><t>n</t></is></c></row>
<row r="3"><c r="A3"><v>4.46610790772811E+15</v></c><c r="C3" s="1"><v>46303</v></c>
<c r="D3" s="2"><v>46303.878587962965</v></c>
<c r="E3" t="b"><v>1</v></c><c r="F3" s="3"><v>7</v></c></row></sheetData></worksheet>"""


def workbook(path: Path, **parts: str) -> Path:
    files = {
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": SHARED,
        "xl/worksheets/sheet1.xml": SHEET,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**files, **{k.replace("__", "/"): v for k, v in parts.items()}}.items():
            archive.writestr(name, text)
    return path


class TestWorkbooks:
    def test_strings_dates_flags_and_numbers(self, tmp_path: Path) -> None:
        with open_sheet(workbook(tmp_path / "a.xlsx")) as sheet:
            (row,) = sheet.rows
        assert row.line == 3
        assert row.cells == {
            "note_id": "4.46610790772811E+15",
            "content": None,
            "day": "2026-10-08",
            "at": "2026-10-08 21:05:10",
            "flag": True,
            "n": "7",
        }

    def test_a_bomb_is_refused_unopened(self, tmp_path: Path) -> None:
        bomb = workbook(tmp_path / "a.xlsx", xl__big="0" * 60_000_000)
        with pytest.raises(ImportFileError, match="packed at most"), open_workbook(bomb):
            pass

    def test_entities_are_not_resolved(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("gold", encoding="utf-8")
        evil = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>{SHARED}'.replace(
            "note_id", "note_id&e;"
        )
        path = workbook(tmp_path / "a.xlsx", **{"xl/sharedStrings.xml": evil})
        with open_sheet(path) as sheet:
            assert "gold" not in str(sheet.columns)

    @pytest.mark.parametrize("cell", ['r="ZZZ1"', 'r="A1"'])
    def test_cells_where_none_can_be(self, cell: str, tmp_path: Path) -> None:
        evil = SHEET.replace('r="B1"', cell)
        path = workbook(tmp_path / "a.xlsx", **{"xl/worksheets/sheet1.xml": evil})
        with pytest.raises(ImportFileError), open_sheet(path) as sheet:
            list(sheet.rows)

    def test_a_column_map_reads_the_first_sheet(self, desk: Desk) -> None:
        sheet = SHEET.replace("4.46610790772811E+15", "4466107907728107")
        path = workbook(desk.folder / "a.xlsx", **{"xl/worksheets/sheet1.xml": sheet})
        _land_mapped(desk, path, "xlsx", post_id="note_id", published_at="at")
        (post,) = desk.rows("posts")
        assert post["post_id"] == "4466107907728107"
        assert post["published_at"] == datetime(2026, 10, 8, 13, 5, 10, tzinfo=UTC)


def test_a_column_map_reads_parquet(desk: Desk) -> None:
    at = datetime(2026, 10, 8, 13, 5, 11, tzinfo=UTC)
    path = desk.folder / "a.parquet"
    pq.write_table(pa.table({"ID": [7, 8], "at": [at, None], "Text": ["甲", "乙"]}), path)
    _land_mapped(desk, path, "parquet", post_id="id", published_at="at", body_text="text")
    assert [(p["post_id"], p["published_at"]) for p in desk.rows("posts")] == [
        ("7", at),
        ("8", None),
    ]


def _land_mapped(desk: Desk, path: Path, file_format: str, **columns: str) -> FileOutcome:
    spec = Import(
        id="x",
        format=file_format,
        path=path.name,
        table="posts",
        source="weibo",
        channel="tea",
        columns=columns,
        constants={"kind": "post"},
    )
    outcome = land_file(desk.lake, ColumnMap(spec, KEYS, NOW), path, crawl_id="r", now=lambda: NOW)
    assert outcome.quarantined == 0
    return outcome


def test_what_is_covered_reaches_from_the_first_to_the_last(desk: Desk) -> None:
    outcome = desk.land(desk.write("a.jsonl", lines(note(2), note(9), note(4))), channel="tea")
    assert outcome.covered == Window(
        datetime(2026, 10, 2, 13, 5, 11, tzinfo=UTC), datetime(2026, 10, 9, 13, 5, 12, tzinfo=UTC)
    )


class TestMoreWorkbooks:
    def test_every_sheet_of_a_named_format_is_read(self, desk: Desk) -> None:
        cells = "".join(
            f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in sorted(note(1)) if name
        )
        values = "".join(
            f'<c t="inlineStr"><is><t>{note(1)[name]}</t></is></c>' for name in sorted(note(1))
        )
        rows = f"<row>{cells}</row><row>{values}</row></sheetData>"
        head = SHEET.split("<row", 1)[0]
        both = WORKBOOK.replace(
            "</sheets>", '<sheet name="More" sheetId="2" r:id="rId2"/></sheets>'
        )
        relations = RELATIONS.replace(
            "</Relationships>",
            '<Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>',
        )
        path = workbook(
            desk.folder / "notes.xlsx",
            **{
                "xl/workbook.xml": both,
                "xl/_rels/workbook.xml.rels": relations,
                "xl/worksheets/sheet1.xml": f"{head}{rows}</worksheet>",
                "xl/worksheets/sheet2.xml": f"{head}{rows.replace('080', '081')}</worksheet>",
            },
        )
        outcome = desk.land(path, channel="tea")
        assert (outcome.format_name, outcome.landed) == ("mediacrawler", 2)

    @pytest.mark.parametrize("number", ["Infinity", "1E+999999", "NaN", "-5", "x"])
    def test_what_is_no_day_stays_as_it_is(self, number: str, tmp_path: Path) -> None:
        sheet = SHEET.replace("<v>46303</v>", f"<v>{number}</v>")
        path = workbook(tmp_path / "a.xlsx", **{"xl/worksheets/sheet1.xml": sheet})
        with open_sheet(path) as rows:
            assert next(iter(rows.rows)).cells["day"] == number


STARTS = (b"", b"{", b"[", b'[{"id": 1}', b"PK\x03\x04", b"PAR1", b"SQLite format 3\x00", b"a,b\n")


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_are_read_or_are_refused(start: bytes, rest: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(start + rest)
        file.flush()
        try:
            head = look_at(Path(file.name))
            list(read_items(head, {}))
            detect_format(head)
        except ImportFileError as error:
            assert str(error)


def test_a_record_that_no_reader_foresaw_is_refused_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = all_formats()["mediacrawler"]
    reads = form.read

    def read(row: Row, reading: Reading) -> Iterator[Found]:
        if row.line == 2:
            raise TypeError("王示例")
        yield from reads(row, reading)

    monkeypatch.setattr(form, "read", read)
    path = desk.write("a.jsonl", lines(note(1), note(2), note(3)))
    outcome = desk.land(path, channel="tea")
    assert (outcome.landed, outcome.quarantined) == (2, 1)
    (refused,) = desk.rows("quarantine")
    assert refused["rule"] == "unreadable_record"
    assert "王示例" not in refused["reason"]
