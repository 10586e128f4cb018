"""Shopify's REST answers: `orders.json` as saved, or its orders one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.rows import Row
from scrapers.parsers.orders import (
    attributes_touch,
    codes,
    each,
    inner,
    read_status,
    settle_status,
    total_of,
    touch_of,
)
from scrapers.parsers.values import UTM, read_amount, read_flag, read_id, read_time, read_word

TAKEN = frozenset(
    {"name", "customer", "email", "financial_status", "test", "cancelled_at", "created_at"}
    | {"source_name", "total_price", "total_tax", "total_shipping_price_set", "total_discounts"}
    | {"currency", "refunds", "discount_codes", "note_attributes", "landing_site"}
    | {"referring_site"}
)


class ShopifyRest(Format):
    """`GET /admin/api/…/orders.json?status=any`."""

    name = "shopify_rest"
    kept = frozenset(
        {"order_number", "financial_status", "currency", "total_price", "total_tax"}
        | {"created_at", "cancelled_at", "test"}
    )

    def recognise(self, head: Head) -> Verdict:
        orders = (order for sample in head.samples for order in _orders_in(sample))
        if any(
            {"financial_status", "total_price", "order_number"} <= order.keys() for order in orders
        ):
            return Verdict(Sureness.CERTAIN, "orders with financial_status and order_number")
        return Verdict.no("no orders with financial_status, total_price and order_number")

    def explode(self, row: Row) -> Iterator[Row]:
        for order in _orders_in(row.cells):
            yield Row(row.line, order)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        order = row.cells
        ordered = read_time(order.get("created_at"), reading.zone, ())
        cancelled = read_time(order.get("cancelled_at"), reading.zone, ())
        is_test = read_flag(order.get("test"))
        record: dict[str, Any] = {
            "order_id": read_id(order.get("name")),
            "customer": _customer(order),
            "ordered_at": ordered.at if ordered else None,
            "status": settle_status(
                read_status(order.get("financial_status")),
                is_test=is_test,
                is_cancelled=cancelled is not None,
            ),
            "is_test": is_test,
            "cancelled_at": cancelled.at if cancelled else None,
            "sales_channel": read_word(order.get("source_name")),
            "amount": read_amount(order.get("total_price")),
            "tax_amount": read_amount(order.get("total_tax")),
            "shipping_amount": _shop_money(inner(order, "total_shipping_price_set")),
            "discount_amount": read_amount(order.get("total_discounts")),
            "currency": read_word(order.get("currency")),
            "coupon": codes(coupon.get("code") for coupon in each(order, "discount_codes")),
            **_refund_parts(order),
            **_touch(order),
        }
        unread = self.unknown(frozenset(order) - TAKEN)
        yield Found(table="orders", record=record, happened=ordered, unread=unread)


def _orders_in(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    orders = document.get("orders")
    if isinstance(orders, list):
        yield from (order for order in orders if isinstance(order, dict))
    else:
        yield document


def _customer(order: Mapping[str, Any]) -> str | None:
    return read_id(inner(order, "customer").get("id")) or read_id(order.get("email"))


def _shop_money(money: Mapping[str, Any]) -> Decimal | None:
    return read_amount(inner(money, "shop_money").get("amount"))


def _touch(order: Mapping[str, Any]) -> dict[str, str | None]:
    """What an app noted on the order says more than where the checkout began."""
    noted = attributes_touch(
        {str(a.get("name")): a.get("value") for a in each(order, "note_attributes")}
    )
    own = touch_of({}, order.get("landing_site"), order.get("referring_site"))
    is_noted = any(noted[name] for name in UTM)
    kept = {name: noted[name] if is_noted else own[name] for name in UTM}
    return {**own, **{name: value for name, value in noted.items() if value}, **kept}


def _refund_parts(order: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """Add up what went back; unknown when no refunds are listed, or in other money."""
    if order.get("refunds") is None:
        return {}
    refunds = each(order, "refunds")
    paid_back = [
        transaction
        for refund in refunds
        for transaction in each(refund, "transactions")
        if transaction.get("kind") == "refund" and transaction.get("status") == "success"
    ]
    if any(t.get("currency", order.get("currency")) != order.get("currency") for t in paid_back):
        return {}
    shipping = [
        adjustment
        for refund in refunds
        for adjustment in each(refund, "order_adjustments")
        if adjustment.get("kind") == "shipping_refund"
    ]
    taxes = [line.get("total_tax") for r in refunds for line in each(r, "refund_line_items")]
    taxes += [_given_back(adjustment.get("tax_amount")) for adjustment in shipping]
    return {
        "refund_amount": total_of(t.get("amount") for t in paid_back),
        "refunded_tax_amount": total_of(taxes),
        "refunded_shipping_amount": total_of(_given_back(a.get("amount")) for a in shipping),
    }


def _given_back(amount: Any) -> Decimal | None:
    """Adjustments are told as what the shop loses: below 0."""
    read = read_amount(amount)
    return None if read is None else -read
