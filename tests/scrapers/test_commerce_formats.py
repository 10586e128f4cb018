"""Exports of shops, analytics and advertising in their true formats: what lands, what must not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import Lake, Window
from lake.pseudonyms import Pseudonyms
from lake.schemas import TABLES
from scrapers.errors import ParsingFailedError
from scrapers.importers.detect import detect_format
from scrapers.importers.format import Reading
from scrapers.importers.formats import all_formats
from scrapers.importers.head import look_at
from scrapers.importers.land import FileOutcome, land_file
from scrapers.importers.mapping import ColumnMap, find_mistakes
from scrapers.importers.named import NamedFile, land_named
from tests.scrapers.golden import FIXTURES, compare
from tingchao.config import Import

NOW = datetime(2026, 10, 20, tzinfo=UTC)
KEYS = Pseudonyms(b"k" * 32)
BOOKKEEPING = {"collected_at", "crawl_id", "segment_id", "content_hash"}
FILES = {
    "shopify_csv": ("orders_export.csv",),
    "shopify_graphql": ("answer.json", "bulk.jsonl"),
    "shopify_rest": ("orders.json",),
    "woocommerce": ("orders.json",),
    "shopline": ("orders.json",),
    "ga4": ("events_20261008.jsonl",),
    "meta_ads": ("report.csv",),
    "google_ads": ("report.csv",),
}
CASES = [(form, name) for form, names in FILES.items() for name in names]
# What stands in the fixtures of people, and may stand nowhere in what lands.
PEOPLE = (
    "amy",
    "王小明",
    "0900",
    "192.0.2.1",
    "測試路",
    "陳店員",
    "1234567890.179",
    "770000000",
    "Mozilla",
)


class Counter:
    """A lake, and exports to land in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake.open(folder / "landing")
        self.runs = 0

    def land(self, path: Path, **options: Any) -> FileOutcome:
        """Land a file as `tingchao import auto` would."""
        self.runs += 1
        head = look_at(path)
        form, _ = detect_format(head)
        spec = Import(id="files", format=form.name, path=path.name, **options)
        file = NamedFile(form=form, head=head, spec=spec, channels=())
        run_id, at = f"run-{self.runs}", NOW.replace(hour=self.runs)
        return land_named(self.lake, file, KEYS, crawl_id=run_id, now=lambda: at)

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All that landed, without what the lake adds and what says nothing."""
        return {
            table: [
                {k: v for k, v in row.items() if k not in BOOKKEEPING and v is not None}
                for row in self.rows(table)
            ]
            for table in TABLES
            if table != "crawls" and self.rows(table)
        }


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_golden_what_an_export_says_and_says_no_second_time(
    form: str, name: str, counter: Counter
) -> None:
    outcome = counter.land(FIXTURES / form / name)
    told = {
        "format": outcome.format_name,
        "rows": outcome.rows,
        "skipped": outcome.skipped,
        "unknown keys": dict(outcome.unknown_keys),
        "covered": outcome.covered and [outcome.covered.start, outcome.covered.end],
    }
    said = {"outcome": told, **counter.everything()}
    compare(FIXTURES / form / f"{name}.landed.golden.json", said)
    again = counter.folder / f"again-{name}"
    shutil.copy(FIXTURES / form / name, again)
    assert counter.land(again).is_known


@pytest.mark.parametrize(("form", "name"), CASES)
def test_nobody_is_named_in_what_landed(form: str, name: str) -> None:
    """A golden file is all that landed, what was refused included."""
    golden = (FIXTURES / form / f"{name}.landed.golden.json").read_text("utf-8")
    assert [word for word in PEOPLE if word in golden] == []


def test_the_fixtures_name_people() -> None:
    written = "".join((FIXTURES / form / name).read_text("utf-8") for form, name in CASES[:6])
    assert [word for word in PEOPLE if word not in written] == []


ORDERS_HEAD = (
    "Name,Email,Financial Status,Currency,Shipping,Taxes,Total,Discount Code,Discount Amount,"
    "Created at,Lineitem name,Billing Street,Notes,Note Attributes,Cancelled at,Payment Method,"
    "Refunded Amount,Source\n"
)
ORDER = (
    "{name},Amy@mail.example,{status},TWD,80.00,57.14,{total},,0.00,2026-10-08 21:05:10 +0800,杯,"
    "測試路 1 號,,,{cancelled},ECPay,{refund},web\n"
)


def order(name: str = "#1", **said: str) -> str:
    plain = {"status": "paid", "total": "1280.00", "cancelled": "", "refund": "0.00"}
    return ORDER.format(name=name, **{**plain, **said})


def newest(counter: Counter) -> dict[str, Any]:
    return max(counter.rows("orders"), key=lambda row: row["collected_at"])


def test_a_later_export_updates_an_order_and_says_nothing_again(counter: Counter) -> None:
    exports = [
        order(),
        order() + order("#2"),
        order(total="1180.00") + order("#2"),  # edited
        order(status="partially_refunded", total="1180.00", refund="100.00") + order("#2"),
        order(status="refunded", refund="1180.00", total="1180.00") + order("#2"),
        order(
            status="refunded",
            refund="1180.00",
            total="1180.00",
            cancelled="2026-10-12 09:00:00 +0800",
        ),
    ]
    landed = [
        counter.land(counter.write(f"{n}.csv", ORDERS_HEAD + rows)).landed
        for n, rows in enumerate(exports)
    ]
    assert landed == [1, 1, 1, 1, 1, 1]
    last = newest(counter)
    assert (last["status"], last["amount"], last["refund_amount"]) == (
        "cancelled",
        Decimal("1180.0000"),
        Decimal("1180.0000"),
    )


def test_a_line_item_without_its_order_is_refused_without_its_people(counter: Counter) -> None:
    line = "#9,amy@mail.example,,,,,,,,2026-10-08 21:05:10 +0800,杯 黑,測試路 1 號,,,,,,\n"
    broken = order(status="lost").replace("#1", "#8")
    counter.land(
        counter.write("a.csv", ORDERS_HEAD + line + order() + line.replace("#9", "#1") + broken)
    )
    assert [row["order_id"] for row in counter.rows("orders")] == ["#1"]
    refused = counter.rows("quarantine")
    assert {row["rule"] for row in refused} == {"line_without_order", "unknown_status"}
    assert "測試路" not in str(refused)
    assert "amy" not in str(refused).casefold()


def test_one_address_is_one_customer_however_it_is_written(counter: Counter) -> None:
    rows = order() + order("#2").replace("Amy@mail.example", "ＡＭＹ@mail.example")
    counter.land(counter.write("a.csv", ORDERS_HEAD + rows))
    assert {row["customer_key"] for row in counter.rows("orders")} == {
        KEYS.key("shopify", "amy@MAIL.example")
    }


def _event(name: str, at: float, session: int, **more: Any) -> str:
    params = [{"key": "ga_session_id", "value": {"int_value": str(session)}}]
    told = {
        "event_timestamp": str(int(at * 1_000_000)),
        "event_name": name,
        "event_params": params,
        "user_pseudo_id": "1.2",
        "collected_traffic_source": None,
    }
    return json.dumps({**told, **more}) + "\n"


MIDNIGHT = 1_791_388_800
SOURCE = {"collected_traffic_source": {"manual_source": "ptt"}}


def test_a_day_that_is_loaded_again_replaces_and_nothing_doubles(counter: Counter) -> None:
    at = MIDNIGHT + 60
    early = _event("session_start", at, at) + _event("page_view", at + 9, at)
    late = early + _event("campaign_details", at + 1, at, **SOURCE)
    other = _event("session_start", at + 500, at + 500)
    added = [
        counter.land(counter.write(f"{n}.jsonl", lines)).landed
        for n, lines in enumerate([early, early + other, late + other, late + other + other])
    ]
    assert added == [1, 1, 1, 0]
    visits = counter.rows("visits")
    assert len({visit["visit_id"] for visit in visits}) == 2
    first = [v for v in visits if v["occurred_at"].timestamp() == at]
    assert [v["utm_source"] for v in first] == [None, "ptt"]


def test_a_session_over_midnight_is_one_visit_told_by_its_first_day(counter: Counter) -> None:
    at = MIDNIGHT - 300
    before = _event("session_start", at, at, **SOURCE) + _event("page_view", MIDNIGHT - 1, at)
    after = _event("page_view", MIDNIGHT + 5, at) + _event(
        "session_start", MIDNIGHT + 9, MIDNIGHT + 9
    )
    counter.land(counter.write("8.jsonl", before))
    outcome = counter.land(counter.write("9.jsonl", after))
    assert outcome.skipped == {"session begun in an earlier file": 1}
    assert [v["utm_source"] for v in counter.rows("visits")] == ["ptt", None]
    whole = Counter(counter.folder / "whole")
    (whole.folder).mkdir(exist_ok=True)
    whole.land(whole.write("both.jsonl", before + after))
    assert whole.everything() == counter.everything()


@pytest.mark.parametrize("wrap", [False, True], ids=["plain lists", "lists of elements"])
def test_parquet_says_what_json_lines_say(wrap: bool, counter: Counter) -> None:
    lines = (FIXTURES / "ga4" / "events_20261008.jsonl").read_text("utf-8").splitlines()[:10]
    events = [_as_parquet(json.loads(line), wrap=wrap) for line in lines]
    pq.write_table(pa.Table.from_pylist(events), counter.folder / "events.parquet")
    counter.land(counter.folder / "events.parquet")
    golden = json.loads(
        (FIXTURES / "ga4" / "events_20261008.jsonl.landed.golden.json").read_text("utf-8")
    )
    visits = json.loads(json.dumps(counter.everything()["visits"], default=str))
    told = [v for v in golden["visits"] if v.get("utm_medium") != "email"]
    # a table has every column: what one event does not collect was looked for
    assert [v for v in visits if v.get("referrer") != "https://search.example/"] == told


def _as_parquet(event: dict[str, Any], *, wrap: bool) -> dict[str, Any]:
    params = [
        {
            "key": pair["key"],
            "value": {
                "string_value": pair["value"].get("string_value"),
                "int_value": int(pair["value"]["int_value"])
                if "int_value" in pair["value"]
                else None,
            },
        }
        for pair in event["event_params"]
    ]
    wrapped: Any = {"list": [{"element": pair} for pair in params]} if wrap else params
    kept = {k: event.get(k) for k in ("event_date", "event_name", "user_pseudo_id", "stream_id")}
    collected = dict.fromkeys(("manual_source", "manual_medium", "manual_campaign_name", "gclid"))
    click = event.get("session_traffic_source_last_click") or {}
    return {
        **kept,
        "event_timestamp": int(event["event_timestamp"]),
        "batch_event_index": event["batch_event_index"],
        "event_params": wrapped,
        "collected_traffic_source": event.get("collected_traffic_source")
        and {**collected, **event["collected_traffic_source"]},
        "session_traffic_source_last_click": click
        and {
            "google_ads_campaign": click.get("google_ads_campaign") or {"campaign_name": None},
        },
    }


SPEND = {
    "table": "spend",
    "source": "billboards",
    "format": "csv",
    "columns": {
        "spend_date": "date_day",
        "utm_source": "utm_source",
        "utm_campaign": "utm_campaign",
        "spend_amount": "spend",
        "click_count": "clicks",
    },
    "constants": {"currency": "TWD", "platform": "billboards"},
}


def test_what_was_spent_is_told_once_however_often_it_is_reported(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "landing")
    head = "date_day,utm_source,utm_campaign,spend,clicks\n"
    reports = [
        "2026-10-01,line,launch,13,2\n2026-10-01,line,other,1.25,\n",
        "2026-10-01,line,launch,13.00,2\n2026-10-01,line,other,1.25,\n",
        "2026-10-01,line,launch,14,2\n2026-10-02,line,launch,x,2\n",
    ]
    column_map = ColumnMap(Import(id="boards", path="*.csv", **SPEND), KEYS, NOW)
    outcomes = []
    for number, report in enumerate(reports):
        path = tmp_path / f"{number}.csv"
        path.write_text(head + report, encoding="utf-8")
        at = NOW.replace(hour=number)
        outcomes.append(land_file(lake, column_map, path, crawl_id=path.stem, now=lambda at=at: at))
    assert [(o.landed, o.quarantined) for o in outcomes] == [(2, 0), (0, 0), (1, 1)]
    rows = lake.read("spend").to_pylist()
    assert [(r["utm_campaign"], r["spend_amount"], r["click_count"]) for r in rows] == [
        ("launch", Decimal("13.0000"), 2),
        ("other", Decimal("1.2500"), None),
        ("launch", Decimal("14.0000"), 2),
    ]
    assert {r["level"] for r in rows} == {"account"}
    assert len({r["spend_id"] for r in rows}) == 2
    assert outcomes[0].covered == Window(
        datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 10, 1, 16, tzinfo=UTC)
    )


def test_a_report_of_several_days_at_once_is_refused(counter: Counter) -> None:
    head = "Reporting starts,Reporting ends,Campaign name,Amount spent (USD),Impressions\n"
    days = "2026-10-01,2026-10-31,Autumn,100.10,5\n2026-10-31,2026-10-31,Autumn,3.30,5\n"
    counter.land(counter.write("report.csv", head + days))
    (refused,) = counter.rows("quarantine")
    assert refused["rule"] == "not_one_day"
    (row,) = counter.rows("spend")
    assert (row["currency"], row["spend_amount"]) == ("USD", Decimal("3.3000"))


# 91APP has no public file format: a report of a row per line item is read by a column map.
REPORT = {
    "table": "orders",
    "source": "91app",
    "format": "csv",
    "line_items": True,
    "columns": {
        "order_id": "主單編號",
        "ordered_at": "訂單日期",
        "status": "訂單狀態",
        "sales_channel": "通路",
        "amount": "實際金額",
        "discount_amount": "折扣金額",
        "shipping_amount": "運費",
        "customer": "會員編號",
        "coupon": "折扣碼",
        "utm_source": "來源",
    },
    "constants": {"currency": "TWD"},
}
REPORT_HEAD = (
    "主單編號,訂單日期,訂單狀態,通路,商品編號,數量,實際金額,折扣金額,運費,會員編號,折扣碼,來源,"
    "收件人\n"
)


def land_report(folder: Path, rows: str) -> tuple[FileOutcome, Lake]:
    lake, path = Lake.open(folder / "landing"), folder / "report.csv"
    path.write_text(REPORT_HEAD + rows, encoding="cp950")
    column_map = ColumnMap(Import(id="91app", path="*.csv", **REPORT), KEYS, NOW)
    return land_file(lake, column_map, path, crawl_id="r", now=lambda: NOW), lake


def test_the_line_items_of_an_order_add_up(tmp_path: Path) -> None:
    outcome, lake = land_report(
        tmp_path,
        'TG1,2026/10/08 21:05,已完成,官網,A,1,"1,000",50,80,m1,LINE100,line,王小明\n'
        "TG2,2026/10/08 22:00,已完成,APP,A,1,300,,,m2,,,王小明\n"
        "TG1,2026/10/08 21:05,已退貨,官網,B,2,200.5,50,,m1,LINE100,line,王小明\n"
        "TG3,2026/10/08 23:00,已取消,官網,B,1,9,,,m3,,,王小明\n"
        "TG3,2026/10/08 23:00,已取消,官網,A,1,1,,,m3,,,王小明\n",
    )
    assert (outcome.rows, outcome.landed, outcome.quarantined) == (5, 3, 0)
    said = [
        (r["order_id"], r["status"], r["amount"], r["refund_amount"])
        for r in lake.read("orders").to_pylist()
    ]
    assert said == [
        ("TG1", "partially_refunded", Decimal("1200.5000"), Decimal("200.5000")),
        ("TG2", "paid", Decimal("300.0000"), None),
        ("TG3", "cancelled", Decimal("10.0000"), None),
    ]
    first = lake.read("orders").to_pylist()[0]
    assert (first["discount_amount"], first["shipping_amount"]) == (
        Decimal("100.0000"),
        Decimal("80.0000"),
    )
    assert (first["customer_key"], first["coupon"]) == (KEYS.key("91app", "m1"), "LINE100")


def test_an_order_of_which_a_line_was_refused_has_no_sum(tmp_path: Path) -> None:
    outcome, lake = land_report(
        tmp_path,
        "TG1,2026/10/08 21:05,已完成,官網,A,1,1000,,,m1,,,王小明\n"
        "TG1,2026/10/08 21:05,已完成,官網,B,1,???,,,m1,,,王小明\n"
        "TG2,2026/10/08 21:05,已完成,官網,B,1,,,,m1,,,王小明\n"
        "TG3,2026/10/08 21:05,已完成,官網,B,1,5,,,m1,,,王小明\n",
    )
    assert (outcome.landed, outcome.quarantined) == (1, 3)
    refused = {(r["record_id"], r["rule"]) for r in lake.read("quarantine").to_pylist()}
    assert refused == {("TG1", "amount_format"), ("TG1", "line_refused"), ("TG2", "missing_value")}
    assert "王小明" not in str(lake.read("quarantine").to_pylist())


def test_only_orders_have_line_items() -> None:
    spec = Import(id="boards", path="*.csv", **{**SPEND, "line_items": True})
    assert [m.message for m in find_mistakes(spec)] == ["orders have line items, spend have none"]


@pytest.mark.parametrize(
    ("cancelled", "test", "state"),
    [
        ("", "no", "paid"),
        ("2026-10-09 10:00", "no", "cancelled"),
        ("2026-10-09 10:00", "yes", "test"),
    ],
)
def test_a_paid_order_that_was_cancelled_or_a_test_is_no_sale(
    cancelled: str, test: str, state: str, tmp_path: Path
) -> None:
    lake, path = Lake.open(tmp_path / "landing"), tmp_path / "orders.csv"
    head = "id,at,status,total,cancelled_at,test\n"
    path.write_text(f"{head}1,2026-10-08 21:05,PAID,9,{cancelled},{test}\n", encoding="utf-8")
    columns = {"order_id": "id", "ordered_at": "at", "status": "status", "amount": "total"}
    spec = {
        "table": "orders",
        "source": "shop",
        "format": "csv",
        "columns": {**columns, "cancelled_at": "cancelled_at", "is_test": "test"},
        "constants": {"currency": "TWD"},
    }
    column_map = ColumnMap(Import(id="shop", path="*.csv", **spec), KEYS, NOW)
    land_file(lake, column_map, path, crawl_id="r", now=lambda: NOW)
    (landed,) = lake.read("orders").to_pylist()
    assert (landed["status"], landed["is_test"]) == (state, test == "yes")
    assert (landed["cancelled_at"] is None) == (cancelled == "")


JUNK: tuple[Any, ...] = (
    None,
    "x",
    "",
    5,
    -1,
    True,
    [],
    [1],
    ["x"],
    {},
    {"a": 1},
    [{"a": [1]}],
    10**40,
)
DOCUMENTS = [(form, name) for form, name in CASES if name.endswith((".json", ".jsonl"))]


def spoiled(document: Any, depth: int = 4) -> Iterator[Any]:
    """Yield the document with junk in the place of each of its values, one at a time."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from ({**document, name: junk} for junk in JUNK)
            if depth:
                yield from ({**document, name: inner} for inner in spoiled(value, depth - 1))
    elif isinstance(document, list) and document:
        yield from ([inner, *document[1:]] for inner in spoiled(document[0], depth))


@pytest.mark.parametrize(("form", "name"), DOCUMENTS)
def test_an_odd_record_is_refused_and_never_ends_the_file(
    form: str, name: str, tmp_path: Path
) -> None:
    text = (FIXTURES / form / name).read_text("utf-8")
    first = (
        json.loads(text.splitlines()[0]) if name.endswith(".jsonl") else _first(json.loads(text))
    )
    path = tmp_path / "odd.jsonl"
    lines = [json.dumps(odd, ensure_ascii=False) for odd in spoiled(first)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    head = look_at(path)
    reader = all_formats()[form]
    reading = Reading(head=head, zone=ZoneInfo("Asia/Taipei"), now=NOW, source=form)
    said = refused = 0
    for row in reader.items(head, {}):
        try:
            if row.problem:
                raise ParsingFailedError(*row.problem)
            said += len(list(reader.read(row, reading)))
        except ParsingFailedError as error:
            refused += 1
            assert error.rule
    assert said > 20
    assert refused > 10


def _first(document: Any) -> Any:
    """The first order of an answer, whatever it is wrapped in."""
    if isinstance(document, list):
        return document[0]
    if "data" in document:
        return document["data"]["orders"]["edges"][0]["node"]
    return next(value[0] for value in document.values() if isinstance(value, list))


def test_an_address_that_is_none_refuses_no_visit(counter: Counter) -> None:
    params = [
        {"key": "page_location", "value": {"string_value": "http://[bot"}},
        {"key": "page_referrer", "value": {"string_value": "https://a]b/"}},
    ]
    event = _event("page_view", MIDNIGHT, 0, event_params=params, user_pseudo_id=None)
    start = _event("session_start", MIDNIGHT, MIDNIGHT)
    counter.land(counter.write("events.jsonl", event + start))
    assert {visit["landing_url"] for visit in counter.rows("visits")} == {None}
    assert counter.rows("quarantine") == []


def test_a_report_broken_down_further_loses_no_row_in_silence(counter: Counter) -> None:
    head = "Day,Campaign name,Age,Amount spent (TWD),Impressions\n"
    rows = "2026-10-01,Autumn,18-24,10,5\n2026-10-01,Autumn,25-34,20,5\n"
    counter.land(counter.write("report.csv", head + rows + rows))
    told = [(r["rule"], json.loads(r["raw_record"])["line"]) for r in counter.rows("quarantine")]
    assert told == [("same_spend_twice", 3), ("same_spend_twice", 5)]
    assert len(counter.rows("spend")) == 1
