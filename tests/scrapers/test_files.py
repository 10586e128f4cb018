"""Files as people have them: encodings, spreadsheets' damage, totals, and never twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import Added, Lake, Window
from lake.pseudonyms import Pseudonyms
from lake.schemas import POST_KINDS
from quality import landing
from scrapers.encodings import decode, detect_encoding
from scrapers.errors import ImportFileError, ParsingFailedError
from scrapers.importers.land import FileOutcome, land_file
from scrapers.importers.mapping import PERSONAL, ColumnMap
from scrapers.importers.rows import open_rows
from scrapers.parsers.values import (
    read_amount,
    read_flag,
    read_id,
    read_kind,
    read_tags,
    without_query,
)
from tingchao.config import Import
from tingchao.context import Context
from tingchao.errors import ConfigurationError
from tingchao.steps.import_files import import_files

NOW = datetime(2026, 10, 20, tzinfo=UTC)
KEYS = Pseudonyms(b"k" * 32)
CHINESE = "這是一段繁體中文的說明，裡面有我們的產品和你的意見。" * 20

ORDERS = {
    "id": "shop-orders",
    "table": "orders",
    "source": "shop",
    "format": "csv",
    "path": "orders*.csv",
    "columns": {
        "order_id": "訂單編號",
        "customer": "顧客",
        "ordered_at": "訂購時間",
        "status": "狀態",
        "amount": "金額",
        "landing_url": "到達頁",
    },
    "constants": {"currency": "TWD"},
}
HEADER = "訂單編號,顧客,訂購時間,狀態,金額,到達頁\n"
POSTS = {
    "id": "weibo",
    "table": "posts",
    "source": "weibo",
    "format": "csv",
    "path": "*.csv",
    "channel": "weibo",
    "time_zone": "Asia/Shanghai",
    "columns": {"post_id": "id", "body_text": "正文", "published_at": "日期", "author": "用户id"},
    "constants": {"kind": "post"},
    "counters": {"点赞数": "点赞数"},
    "counter_cap": 1_000_000,
}


class Desk:
    """A lake, and files to land in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake.open(folder / "landing")
        self.runs = 0

    def land(self, spec: dict[str, Any], content: str | bytes, name: str = "a.csv") -> FileOutcome:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.runs += 1
        column_map = ColumnMap(Import(**spec), KEYS, NOW)
        return land_file(self.lake, column_map, path, crawl_id=f"run-{self.runs}", now=lambda: NOW)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_order_lands_exactly(desk: Desk) -> None:
    line = 'A001,c-7,115/10/08 下午 3:05,已付款,"NT$1,234.50",https://shop.tw/a?utm_source=line&x=1#y\n'
    outcome = desk.land(ORDERS, HEADER + line)
    (order,) = desk.rows("orders")
    assert outcome.landed == 1
    assert (order["order_id"], order["status"], order["currency"]) == ("A001", "paid", "TWD")
    assert order["amount"] == Decimal("1234.5000")
    assert order["ordered_at"] == datetime(2026, 10, 8, 7, 5, tzinfo=UTC)
    assert order["customer_key"] == KEYS.key("shop", "c-7")
    assert (order["landing_url"], order["utm_source"]) == ("https://shop.tw/a", "line")
    assert outcome.covered == Window(order["ordered_at"], datetime(2026, 10, 8, 7, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp950", "gb18030"]
)
def test_row_22_usual_encodings_are_told_apart(encoding: str, desk: Desk) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    lines = [f'A{i},,2026-10-0{i},已付款,1,"{CHINESE}"' for i in range(1, 4)]
    text = mark + HEADER + "\n".join(lines) + "\n"
    assert desk.land(ORDERS, text.encode(encoding)).landed == 3


@pytest.mark.parametrize("head", ["sep=;\n", "", "# 匯出\n#\n\n", "\n\n"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_separators_and_heads(head: str, separator: str, desk: Desk) -> None:
    head = head.replace(";", separator)
    header = HEADER.replace(",", separator)
    line = separator.join(["A1", "", "2026-10-01", "paid", "1", ""])
    assert desk.land(ORDERS, f"{head}{header}{line}\r\n").landed == 1


def test_a_file_that_ends_within_a_cell_is_told(desk: Desk) -> None:
    whole = "A1,,2026-10-01,paid,1,\n"
    cut = 'A2,,2026-10-02,paid,2,"https://shop.tw/a\nA3,,2026-10-03,paid,3,\n'
    outcome = desk.land(ORDERS, HEADER + whole + cut)
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert "line 3: expected the quote that closes a cell" in (outcome.first_refusal or "")
    assert desk.land(ORDERS, HEADER + whole + 'A4,,2026-10-04,paid,4,"x"').landed == 1


def test_headers_match_in_any_width_and_case(desk: Desk) -> None:
    spec = {**ORDERS, "columns": {**ORDERS["columns"], "order_id": "Order ID"}}
    header = HEADER.replace("訂單編號", " ＯＲＤＥＲ　ｉｄ ")
    assert desk.land(spec, header + "A1,,2026-10-01,paid,1,\n").landed == 1


def test_quoted_newlines_keep_the_line_numbers_of_what_follows(desk: Desk) -> None:
    text = HEADER + 'A1,,2026-10-01,paid,1,"x\ny\nz"\nA2,,2026-10-01,paid,free,\n'
    outcome = desk.land(ORDERS, text)
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    (refused,) = desk.rows("quarantine")
    assert refused["reason"].startswith("line 5: amount: expected an amount")
    assert (refused["rule"], refused["record_id"]) == ("amount_format", "A2")


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ("1.22158E+17,,2026-10-01,paid,1,", "damaged_id"),
        ("A1,,someday,paid,1,", "time_format"),
        ("A1,,10/08/2026,paid,1,", "time_format"),
        ("A1,,2026-10-01,maybe,1,", "unknown_status"),
        ('A1,,2026-10-01,paid,"1.234,50",', "amount_format"),
        ("A1,,2026-10-01,paid", "cell_count"),
        (",,2026-10-01,paid,1,", "missing_value"),
    ],
)
def test_a_bad_row_is_quarantined_and_the_rest_lands(cells: str, rule: str, desk: Desk) -> None:
    outcome = desk.land(ORDERS, f"{HEADER}{cells}\nA9,,2026-10-01,paid,1,\n")
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert desk.rows("quarantine")[0]["rule"] == rule


@pytest.mark.parametrize("word", ["合計", "Total", "小計"])
def test_a_whole_row_that_begins_like_a_total_lands(word: str, desk: Desk) -> None:
    header = "商品,訂單編號,顧客,訂購時間,狀態,金額,到達頁\n"
    text = f"{header}{word},A1,,2026-10-01,paid,1,\n{word},,,,,1,\n{word},{word},,,,1,\n"
    outcome = desk.land(ORDERS, text)
    assert (outcome.landed, outcome.quarantined, outcome.skipped) == (1, 0, {"total": 2})


@pytest.mark.parametrize("word", ["NA", "none", "null", "-"])
def test_ids_that_look_like_nothing_are_ids(word: str, desk: Desk) -> None:
    desk.land(ORDERS, f"{HEADER}{word},{word},2026-10-01,paid,1,\n")
    (order,) = desk.rows("orders")
    assert (order["order_id"], order["customer_key"]) == (word, KEYS.key("shop", word))


def test_what_stands_for_no_id_can_be_told(desk: Desk) -> None:
    spec = {**ORDERS, "missing_ids": ["guest"]}
    desk.land(spec, f"{HEADER}A1,guest,2026-10-01,paid,1,\n")
    (order,) = desk.rows("orders")
    assert order["customer_key"] is None


def test_an_option_that_nobody_set_makes_no_file_new(desk: Desk) -> None:
    """The digest under which files of this map stand in the ledgers that there are."""
    desk.land(ORDERS, f"{HEADER}A1,,2026-10-01,paid,1,\n")
    assert desk.lake.ledger()["query"][0].as_py() == "a.csv (map 134d3f16)"


def test_totals_repeated_headers_and_blank_lines_are_no_records(desk: Desk) -> None:
    text = f"{HEADER}A1,,2026-10-01,paid,1,\n\n{HEADER}合計：,,,,1,\nTotal,,,,1,\n"
    outcome = desk.land(ORDERS, text)
    assert (outcome.landed, outcome.quarantined) == (1, 0)
    assert outcome.skipped == {"blank": 1, "header": 1, "total": 2}


def test_of_many_columns_some_are_named(desk: Desk) -> None:
    with pytest.raises(ImportFileError) as error:
        desk.land(ORDERS, ",".join(["x" * 9000, *(f"c{i}" for i in range(499))]) + "\n1\n")
    assert "… (500)" in str(error.value)
    assert len(str(error.value)) < 500


def test_a_missing_key_column_names_file_found_and_expected(desk: Desk) -> None:
    with pytest.raises(ImportFileError) as error:
        desk.land(ORDERS, "編號,金額\n1,2\n")
    said = str(error.value)
    assert all(part in said for part in ("a.csv", "訂單編號", "shop-orders", "編號, 金額"))
    assert desk.rows("crawls") == []


def test_other_missing_columns_are_null_and_named(desk: Desk) -> None:
    header = HEADER.replace(",到達頁", "").replace(",顧客", "")
    outcome = desk.land(ORDERS, f"{header}A1,2026-10-01,paid,1\n")
    assert outcome.landed == 1
    assert "the file has no 到達頁, 顧客" in (outcome.detail or "")


def test_row_28_the_same_file_adds_nothing_and_a_longer_one_only_what_is_new(desk: Desk) -> None:
    first = f"{HEADER}A1,,2026-10-01,paid,1,\nA2,,2026-10-01,paid,1,\n"
    assert desk.land(ORDERS, first).landed == 2
    again = desk.land(ORDERS, first, "renamed_copy.csv")
    assert (again.landed, again.added[Added.UNCHANGED]) == (0, 2)
    assert "imported before, by run run-1" in (desk.land(ORDERS, first).detail or "")
    longer = desk.land(ORDERS, f"{first}A3,,2026-10-02,paid,1,\nA2,,2026-10-01,refunded,1,\n")
    assert (longer.landed, longer.added[Added.UNCHANGED]) == (2, 2)
    assert len({order["order_id"] for order in desk.rows("orders")}) == 3


def test_one_file_read_in_two_ways_lands_both_times_in_one_run(desk: Desk) -> None:
    text = "id,正文,日期,用户id,点赞数\n1,甲,2026-10-01,7,5\n"
    (desk.folder / "a.csv").write_text(text, encoding="utf-8")
    other = {
        **POSTS,
        "constants": {"kind": "comment"},
        "columns": POSTS["columns"] | {"url": "网址"},
    }
    for spec in (POSTS, other):
        mapped = ColumnMap(Import.model_validate(spec), KEYS, NOW)
        outcome = land_file(
            desk.lake, mapped, desk.folder / "a.csv", crawl_id="one", now=lambda: NOW
        )
        assert outcome.landed == 1
    assert {post["kind"] for post in desk.rows("posts")} == {"post", "comment"}


def test_an_id_repeated_with_other_content_is_another_observation(desk: Desk) -> None:
    text = "id,正文,日期,用户id,点赞数\n1,甲,2026-10-01,7,5\n1,甲,2026-10-01,7,6\n"
    outcome = desk.land(POSTS, text)
    assert outcome.landed == 2
    assert {post["post_id"] for post in desk.rows("posts")} == {"1"}


def test_posts_keep_text_and_counters_and_nobodys_name(desk: Desk) -> None:
    text = (
        "\ufeffid,正文,日期,用户id,点赞数,用户昵称,位置,备注\n"
        '4466107907728107,"第一行 😀\n第二行",2026-10-01,7,1000000,王小明,厦门,电话 0912-345-678\n'
        "4466107907728108,x,2026-10-01T09:05:11,7,1.2万,王小明,,\n"
    )
    assert desk.land(POSTS, text).landed == 2
    first, second = desk.rows("posts")
    assert first["body_text"] == "第一行 😀\n第二行"
    assert (first["published_precision"], second["published_precision"]) == ("day", "second")
    assert first["counters"][0]["how"] == "at_least"
    assert second["counters"][0]["how"] == "rounded"
    assert first["author_key"] == second["author_key"] == KEYS.key("weibo", "7")
    kept = json.loads(first["raw_record"])
    assert kept["位置"] == "厦门"
    assert "王小明" not in json.dumps([first, second], default=str, ensure_ascii=False)
    assert "0912-345-678" not in first["raw_record"]


def test_a_quarantined_row_names_nobody(desk: Desk) -> None:
    desk.land(POSTS, "id,正文,日期,用户id,点赞数,昵称\n1,x,someday,canary,5,canary\n")
    assert "canary" not in desk.rows("quarantine")[0]["raw_record"]


def test_members_carry_handles_as_keys(desk: Desk) -> None:
    spec = {
        "id": "crm",
        "table": "members",
        "source": "crm",
        "format": "jsonl",
        "path": "x",
        "columns": {"member": "no", "joined_at": "joined"},
        "handles": {"ptt": "social.ptt", "shop": "shop_id"},
    }
    line = {"no": 1, "joined": "2026-01-05", "name": "王", "level": "gold", "shop_id": "c-7"}
    lines = [json.dumps({**line, "social": {"ptt": "alice01"}}), "", "{oops", "[1]"]
    outcome = desk.land(spec, "\n".join(lines), "crm.jsonl")
    (member,) = desk.rows("members")
    assert (outcome.landed, outcome.quarantined) == (1, 2)
    assert member["member_key"] == KEYS.key("crm", "1")
    assert member["handles"] == [
        {"source": "ptt", "key": KEYS.key("ptt", "alice01")},
        {"source": "shop", "key": KEYS.key("shop", "c-7")},
    ]
    assert json.loads(member["attributes"]) == {"level": "gold"}


def test_a_visitor_is_the_same_in_visits_and_orders(desk: Desk) -> None:
    visits = {
        "id": "ga",
        "table": "visits",
        "source": "ga",
        "format": "csv",
        "path": "x",
        "columns": {"visit_id": "v", "visitor": "cid", "occurred_at": "t", "referrer": "r"},
    }
    desk.land(visits, "v,cid,t,r\n1,GA1.2,1791464711,https://l.facebook.com/l?u=1\n")
    orders = {**ORDERS, "columns": {**ORDERS["columns"], "visitor": "顧客"}}
    desk.land(orders, f"{HEADER}A1,GA1.2,2026-10-09,paid,1,\n", "b.csv")
    (visit,), (order,) = desk.rows("visits"), desk.rows("orders")
    assert visit["visitor_key"] == order["visitor_key"]
    assert visit["referrer"] == "https://l.facebook.com/l"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": {"order_id": "x"}}, "orders needs ordered_at, status, amount"),
        ({"columns": {**ORDERS["columns"], "amont": "x"}}, "orders has no amont"),
        ({"constants": {}}, "orders needs currency"),
    ],
)
def test_a_wrong_column_map_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ImportFileError, match=said):
        ColumnMap(Import(**{**ORDERS, **change}), KEYS, NOW)


def test_a_constant_kind_that_nobody_knows_is_told() -> None:
    spec = Import(**{**POSTS, "constants": {"kind": "banana"}})
    with pytest.raises(ImportFileError, match=r"expected one of article, post, .*, found 'banana'"):
        ColumnMap(spec, KEYS, NOW)


def test_posts_need_a_channel() -> None:
    with pytest.raises(ImportFileError, match="channel_id"):
        ColumnMap(Import(**{**POSTS, "channel": None}), KEYS, NOW)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1,200", "1200"),
        ("NT$ 1,200.50", "1200.50"),
        ("￥８８．５", "88.5"),
        ("(30.00)", "-30.00"),
        ("-5", "-5"),
        ("88元", "88"),
        ("", None),
        ("-", None),
    ],
)
def test_amounts(cell: str, amount: str | None) -> None:
    assert read_amount(cell) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("cell", ["1.200,50", "1,2", "free", "1e3", "NaN元", "１２,３４"])
def test_what_is_no_amount_is_refused(cell: str) -> None:
    with pytest.raises(ParsingFailedError):
        read_amount(cell)


@pytest.mark.parametrize(
    ("cell", "native"),
    [('="00123"', "00123"), ("'0912", "0912"), ("123.0", "123"), (4466107907728107, None)],
)
def test_ids(cell: Any, native: str | None) -> None:
    assert read_id(cell) == (native or str(cell))


@pytest.mark.parametrize("cell", ["1.22158E+17", "1e+5", "12345678901234567890.0"])
def test_damaged_ids_are_refused(cell: str) -> None:
    with pytest.raises(ParsingFailedError) as error:
        read_id(cell)
    assert error.value.rule == "damaged_id"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("comment", "comment"),
        ("Comment ", "comment"),
        ("留言", "comment"),
        ("貼文", "post"),
        ("", None),
    ],
)
def test_what_a_post_is(cell: str, kind: str | None) -> None:
    assert read_kind(cell) == kind


def test_a_post_of_a_kind_that_nobody_knows_is_refused(desk: Desk) -> None:
    spec = {**POSTS, "columns": {**POSTS["columns"], "kind": "類型"}, "constants": {}}
    text = "id,正文,日期,用户id,類型\n1,a,2026-10-01,u,banana\n2,b,2026-10-01,u,評論\n"
    outcome = desk.land(spec, text)
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert "line 2: kind: expected one of article, post" in (outcome.first_refusal or "")
    assert [row["kind"] for row in desk.rows("posts")] == ["comment"]


def test_the_marts_know_the_same_kinds() -> None:
    models = Path(__file__).parents[2] / "dbt_project" / "models" / "intermediate"
    described = (models / "int_posts.yml").read_text(encoding="utf-8")
    assert f"values: [{', '.join(POST_KINDS)}]" in described
    assert landing.POST_KINDS == POST_KINDS


def test_flags_and_tags() -> None:
    assert [read_flag(c) for c in ("True", "否", "", True)] == [True, False, None, True]
    assert read_tags("手機，相機,") == ["手機", "相機"]
    with pytest.raises(ParsingFailedError):
        read_flag("perhaps")


def test_addresses_lose_query_and_password() -> None:
    assert without_query("https://u:p@x.tw/a?utm_medium=m&q=1#f") == (
        "https://x.tw/a",
        {"utm_medium": "m"},
    )


@pytest.mark.parametrize(
    "name", ["用户昵称", "@用户", "E-mail", "手機", "收件人", "Full Name", "ip"]
)
def test_columns_that_speak_of_a_person(name: str) -> None:
    assert PERSONAL.search(name)


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_row_22_any_text_is_decoded_without_a_crash(text: str, encoding: str) -> None:
    body = text.encode(encoding, "replace")
    assert isinstance(decode(body, [encoding]), str)
    detect_encoding(body)


@given(st.binary(max_size=400))
def test_row_22_any_bytes_are_rows_or_are_refused(body: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(body)
        file.flush()
        try:
            with open_rows(Path(file.name), "csv") as rows:
                list(rows.rows)
        except ImportFileError as error:
            assert str(error)


class TestStep:
    @pytest.fixture
    def context(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Context]:
        monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)

        def make(**spec: Any) -> Context:
            from tingchao.config import Channel, Config

            config = Config(
                version=1,
                channels=(Channel(id="weibo", source="weibo", address="x"),),
                imports=(Import(**{**ORDERS, **spec}),),
                path=tmp_path / "config.yml",
            )
            return Context(config, lambda: NOW)

        return make

    def test_a_glob_lands_file_by_file(self, context: Any, tmp_path: Path) -> None:
        for i in range(3):
            line = f"A{i},,2026-10-01,paid,1,\n"
            (tmp_path / f"orders{i}.csv").write_text(HEADER + line, encoding="utf-8")
        (tmp_path / "orders9.csv").write_text("x,y\n1,2\n", encoding="utf-8")
        summary = import_files(context(), run_id="r")
        assert (summary.landed, len(summary.files), summary.exit_code) == (3, 3, 1)
        assert "orders9.csv" in str(summary)

    def test_no_file_is_a_failure(self, context: Any) -> None:
        assert "no file matches" in str(import_files(context()))

    def test_an_unknown_import_names_the_known(self, context: Any) -> None:
        with pytest.raises(ConfigurationError, match="configured: shop-orders"):
            import_files(context(), ["nope"])
