"""Google Ads' report, by day: what campaigns, ad groups or ads cost.

Two lines stand above the header (the report's title and its days), totals at the foot.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from scrapers.errors import ParsingFailedError
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.rows import Row, normalise
from scrapers.importers.spend import completed, happened_on, names_in, paid_for
from scrapers.parsers.values import read_amount, read_day, read_word

COLUMNS = {
    "day": ("day", "日期", "天"),
    "account_id": ("customer id", "account id", "客戶編號", "客户 id"),
    "campaign_id": ("campaign id", "廣告活動 id", "广告系列 id"),
    "campaign_name": ("campaign", "廣告活動", "广告系列"),
    "ad_group_id": ("ad group id", "廣告群組 id", "广告组 id"),
    "ad_group_name": ("ad group", "廣告群組", "广告组"),
    "ad_id": ("ad id", "廣告 id", "广告 id"),
    "currency": ("currency code", "currency", "貨幣代碼", "货币代码"),
    "spend_amount": ("cost", "費用", "费用"),
    "impression_count": ("impr.", "impressions", "曝光", "展示次数"),
    "click_count": ("clicks", "點擊", "點擊次數", "点击次数"),
}
NEEDED = ("day", "campaign_name", "currency", "spend_amount")
TOTALS = ("total:", "總計:", "总计:")
LINES_ABOVE = 10


class GoogleAds(Format):
    """Campaigns → Download, segmented by day, with the currency code as a column."""

    name = "google_ads"

    def recognise(self, head: Head) -> Verdict:
        lines = head.start.splitlines()[:LINES_ABOVE]
        if head.shape == "csv" and any(_header_in(line) for line in lines):
            return Verdict(Sureness.CERTAIN, "columns Day, Campaign, Currency code and Cost")
        return Verdict.no("no line with columns Day, Campaign, Currency code and Cost")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        encoding = head.encoding or "utf-8"
        with head.path.open(encoding=encoding, errors="replace", newline="") as text:
            above = 0
            for line in text:
                above += 1
                if header := _header_in(line):
                    break
                skipped["heading"] = skipped.get("heading", 0) + 1
            else:
                return
            reader = csv.reader(text, delimiter=_separator(line))
            for cells in reader:
                if what := _what_to_skip(cells):
                    skipped[what] = skipped.get(what, 0) + 1
                else:
                    yield _row(above + reader.line_num, cells, header)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        cells, names = row.cells, names_in(row.cells, COLUMNS)
        day = read_day(cells.get(names.get("day", "")), ())
        if day is None:
            raise ParsingFailedError("time_format", "day: expected a day, found nothing")
        record: dict[str, Any] = {
            "spend_date": day,
            "platform": self.name,
            **paid_for(cells, names),
            "spend_amount": read_amount(cells[names["spend_amount"]]),
            "currency": read_word(cells[names["currency"]]),
        }
        unread = self.unknown(frozenset(cells) - set(names.values()))
        happened = happened_on(day, reading.zone)
        yield Found(table="spend", record=completed(record), happened=happened, unread=unread)


def _header_in(line: str) -> list[str]:
    """Return the columns that a line names, when it is the header; else nothing."""
    cells = [normalise(cell) for cell in next(csv.reader([line], delimiter=_separator(line)), [])]
    return cells if all(name in names_in(cells, COLUMNS) for name in NEEDED) else []


def _what_to_skip(cells: list[str]) -> str | None:
    if not any(cell.strip() for cell in cells):
        return "blank"
    return "total" if normalise(cells[0]).startswith(TOTALS) else None


def _separator(line: str) -> str:
    return max(("\t", ",", ";"), key=line.count)


def _row(line: int, cells: list[str], header: list[str]) -> Row:
    named: Mapping[str, Any] = dict(zip(header, cells, strict=False))
    if any("\ufffd" in cell for cell in cells):
        return Row(line, named, ("undecodable", "bytes that the file's encoding does not have"))
    if len(cells) != len(header):
        reason = f"expected {len(header)} cells, found {len(cells)}"
        return Row(line, named, ("cell_count", reason))
    return Row(line, named)
