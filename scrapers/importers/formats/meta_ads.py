"""Meta Ads Manager's report, by day: what campaigns, ad sets or ads cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from scrapers.errors import ParsingFailedError
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.importers.spend import (
    IDS,
    NAMES,
    completed,
    currency_in,
    happened_on,
    names_in,
    paid_for,
)
from scrapers.parsers.values import read_amount, read_day, read_word

# Every name of a column that the interface has, in the languages that its users have.
COLUMNS = {
    "day": ("day", "天數", "日期", "天"),
    "start": ("reporting starts", "分析報告開始", "报告开始日期"),
    "end": ("reporting ends", "分析報告結束", "报告结束日期"),
    "account_id": ("account id", "帳號編號", "账户编号"),
    "campaign_id": ("campaign id", "行銷活動編號", "广告系列编号"),
    "campaign_name": ("campaign name", "行銷活動名稱", "广告系列名称"),
    "ad_group_id": ("ad set id", "廣告組合編號", "广告组编号"),
    "ad_group_name": ("ad set name", "廣告組合名稱", "广告组名称"),
    "ad_id": ("ad id", "廣告編號", "广告编号"),
    "ad_name": ("ad name", "廣告名稱", "广告名称"),
    "currency": ("currency", "幣別", "货币"),
    "impression_count": ("impressions", "曝光次數", "展示次数"),
    "click_count": ("link clicks", "連結點擊次數", "链接点击量"),
}
AMOUNTS = ("amount spent", "花費金額", "已花费金额", "花费金额")
OF_A_ROW = (*IDS[1:], *NAMES)


class MetaAds(Format):
    """Ads Manager → Reports → Export table data, broken down by day."""

    name = "meta_ads"

    def recognise(self, head: Head) -> Verdict:
        names = names_in(head.columns, COLUMNS)
        if head.is_table and _amount_column(head.columns) and names.keys() & {"day", "start"}:
            return Verdict(Sureness.CERTAIN, "a column `Amount spent (…)` beside reporting days")
        return Verdict.no("no column `Amount spent (…)` beside days")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield rows of something that was shown; the first may sum up the whole report."""
        names = names_in(head.columns, COLUMNS)
        told = [names[name] for name in OF_A_ROW if name in names]
        amount, _ = _amount_column(head.columns) or ("", None)
        for row in read_items(head, skipped):
            what = None if row.problem else _what_to_skip(row.cells, told, amount)
            if what:
                skipped[what] = skipped.get(what, 0) + 1
            else:
                yield row

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        cells, names = row.cells, names_in(row.cells, COLUMNS)
        amount, currency = _amount_column(tuple(cells)) or ("", None)
        day = _day(cells, names)
        record: dict[str, Any] = {
            "spend_date": day,
            "platform": self.name,
            **paid_for(cells, names),
            "spend_amount": read_amount(cells.get(amount)),
            "currency": currency or read_word(cells.get(names.get("currency", ""))),
        }
        taken = {*names.values(), amount}
        unread = self.unknown(frozenset(cells) - taken)
        happened = happened_on(day, reading.zone)
        yield Found(table="spend", record=completed(record), happened=happened, unread=unread)


def _what_to_skip(cells: Mapping[str, Any], told: list[str], amount: str) -> str | None:
    if told and not any(cells.get(column) for column in told):
        return "total"
    delivered = any(cells.get(column) for column in (amount, *COLUMNS["impression_count"]))
    return None if delivered else "undelivered"


def _amount_column(columns: Collection[str]) -> tuple[str, str | None] | None:
    """Find the amount and the currency in its name."""
    for column in columns:
        name, currency = currency_in(column)
        if name in AMOUNTS:
            return column, currency
    return None


def _day(cells: Mapping[str, Any], names: Mapping[str, str]) -> date:
    """The day of a row; one that sums up several days says of none of them what it cost."""
    told = [read_day(cells.get(names.get(name, "")), ()) for name in ("day", "start", "end")]
    days = {day for day in told if day is not None}
    day = told[0] or (days.pop() if len(days) == 1 else None)
    if day is None:
        raise ParsingFailedError(
            "not_one_day", "a row that sums up several days; export the report broken down by day"
        )
    return day
