"""What every shop says of an order, whatever the wire format: its state, its money, its touch.

Amounts stay exact and in the currency of the order; nothing is converted. What went back is apart
from what was paid, and tax, shipping and discount are told beside the amount, never taken off it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from lake.schemas import OrderStatus
from scrapers.errors import ParsingFailedError
from scrapers.parsers.values import UTM, read_amount, read_word, without_query

STATUSES = {
    OrderStatus.PAID: "paid complete completed confirmed processing fulfilled shipped delivered "
    "closed 已付款 已完成 完成 已確認 已确认 已出貨 已出货 已送達 已送达 交易成功 付款完成",
    OrderStatus.PENDING: "pending on-hold unpaid authorized partially_paid awaiting_payment "
    "待付款 未付款 處理中 处理中 部分付款",
    OrderStatus.CANCELLED: "cancelled canceled voided failed expired trash "
    "已取消 取消 交易關閉 交易关闭",
    OrderStatus.REFUNDED: "refunded returned 已退款 退款 已退貨 已退货",
    OrderStatus.PARTIALLY_REFUNDED: "partially_refunded 部分退款 部分退貨 部分退货",
    OrderStatus.TEST: "test 測試 测试",
}
STATUS_OF = {word: status for status, words in STATUSES.items() for word in words.split()}
# What analytics write where there is nothing to say.
NO_TOUCH = frozenset(
    {"(direct)", "(none)", "(not set)", "(not provided)", "(data deleted)", "<other>", "direct"}
)
CLIENT_IDS = ("_ga_client_id", "ga_client_id", "client_id", "google-clientid", "user_pseudo_id")
LANDING_PAGES = ("landing_page", "landing_site", "landing_url", "first_landing_page")
REFERRERS = ("referrer", "referring_site", "referrer_url")
_COOKIE = re.compile(r"GA\d\.\d\.(\d+\.\d+)")


def read_status(cell: Any) -> str | None:
    """Read the state of an order in a shop's word for it."""
    text = read_word(cell)
    if text is None:
        return None
    status = STATUS_OF.get(text.casefold().replace(" ", "_"))
    if status is None:
        raise ParsingFailedError(
            "unknown_status", f"expected one of {', '.join(STATUSES)}, found {text[:40]!r}"
        )
    return status.value


def settle_status(
    status: str | None, *, is_test: bool | None = None, is_cancelled: bool = False
) -> str | None:
    """Return the one state of an order of which several are true: a test first, then cancelled."""
    if is_test:
        return OrderStatus.TEST.value
    return OrderStatus.CANCELLED.value if is_cancelled else status


def inner(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a nested object, an empty one when there is none; anything else is refused."""
    value = record.get(name)
    if value is None or value == []:
        return {}
    if not isinstance(value, Mapping):
        raise ParsingFailedError("wrong_shape", f"{name}: expected an object")
    return value


def each(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of objects, none when there is none; anything else is refused."""
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ParsingFailedError("wrong_shape", f"{name}: expected a list of objects")
    return value


def codes(coupons: Iterable[Any]) -> str | None:
    """Return the coupons of an order in one text."""
    told = [read_word(coupon) for coupon in coupons]
    return ", ".join(code for code in told if code) or None


def refunded_in_part(status: str | None, amount: Decimal | None, refund: Decimal | None) -> bool:
    """Whether a paid order has given some of its amount back and kept the rest."""
    return status == OrderStatus.PAID and bool(refund) and (amount or Decimal(0)) > (refund or 0)


def total_of(amounts: Iterable[Any]) -> Decimal | None:
    """Add up amounts exactly, none to 0; unknown when one of them says nothing."""
    total = Decimal(0)
    for amount in amounts:
        read = read_amount(amount)
        if read is None:
            return None
        total += read
    return total


def touch_of(
    utm: Mapping[str, Any], landing_url: Any = None, referrer: Any = None
) -> dict[str, str | None]:
    """Return the touch columns: addresses without their query, whose utm fields fill the gaps.

    `utm` has names with or without `utm_`; words for "nothing" are NULL.
    """
    page, carried = without_query(_text(landing_url))
    touch = {name: _touch_word(utm.get(name, utm.get(name[4:]))) for name in UTM}
    for name, value in carried.items():
        touch[name] = touch[name] or _touch_word(value)
    return {**touch, "landing_url": page, "referrer": without_query(_text(referrer))[0]}


def attributes_touch(noted: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the touch and the visitor that a shop's theme or app noted on the order."""
    named = {str(name).strip().casefold(): value for name, value in noted.items()}
    landing, referrer = (_first(named, names) for names in (LANDING_PAGES, REFERRERS))
    return {**touch_of(named, landing, referrer), "visitor": client_id(_first(named, CLIENT_IDS))}


def client_id(value: Any) -> str | None:
    """Return the analytics' id of a browser, from the id itself or its cookie `GA1.1.…`."""
    text = _text(value)
    cookie = _COOKIE.fullmatch(text) if text else None
    return cookie[1] if cookie else text


def _first(named: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((named[name] for name in names if named.get(name)), None)


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def _touch_word(value: Any) -> str | None:
    text = _text(value)
    return None if text is None or text.casefold() in NO_TOUCH else text
