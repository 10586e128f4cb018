"""SHOPLINE's orders (Open API of the Asia platform)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.parsers.orders import inner, read_status, settle_status, touch_of
from scrapers.parsers.values import read_amount, read_id, read_time, read_word

DRAFTS = frozenset({"temp", "removed"})  # a basket that nobody has paid for, an order taken out
# What the payment knows and the order's own status does not.
PAYMENTS = {"refunded": "refunded", "partially_refunded": "partially_refunded"}
TAKEN = frozenset(
    {"order_number", "customer_id", "created_at", "status", "order_payment", "created_from"}
    | {"total", "total_tax_fee", "order_delivery", "order_discount", "refund_total", "utm_data"}
    | {"cancelled_at"}
)


class Shopline(Format):
    """`GET /v1/orders`, saved as JSON or one order a line."""

    name = "shopline"
    kept = frozenset({"order_number", "status", "total", "created_at", "cancelled_at"})

    def recognise(self, head: Head) -> Verdict:
        orders = (order for sample in head.samples for order in _orders_in(sample))
        if any({"order_number", "order_payment", "total"} <= order.keys() for order in orders):
            return Verdict(Sureness.CERTAIN, "orders with order_number and order_payment")
        return Verdict.no("no orders with order_number, order_payment and total")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        for row in read_items(head, skipped):
            if row.problem:
                yield row
                continue
            for order in _orders_in(row.cells):
                if str(order.get("status")) in DRAFTS:
                    skipped["draft"] = skipped.get("draft", 0) + 1
                else:
                    yield Row(row.line, order)

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        del reading
        order = row.cells
        ordered = read_time(order.get("created_at"), UTC, ())
        cancelled = read_time(order.get("cancelled_at"), UTC, ())
        record: dict[str, Any] = {
            "order_id": read_id(order.get("order_number")),
            "customer": read_id(order.get("customer_id")),
            "ordered_at": ordered.at if ordered else None,
            "status": _status(order, is_cancelled=cancelled is not None),
            "cancelled_at": cancelled.at if cancelled else None,
            "sales_channel": read_word(order.get("created_from")),
            "amount": _money(inner(order, "total")),
            "tax_amount": _money(inner(order, "total_tax_fee")),
            "shipping_amount": _money(inner(inner(order, "order_delivery"), "total")),
            "discount_amount": _money(inner(order, "order_discount")),
            "refund_amount": _money(inner(order, "refund_total")),
            "currency": read_word(inner(order, "total").get("currency_iso")),
            **touch_of(inner(order, "utm_data")),
        }
        unread = self.unknown(frozenset(order) - TAKEN)
        yield Found(table="orders", record=record, happened=ordered, unread=unread)


def _orders_in(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    items = document.get("items")
    if isinstance(items, list):
        yield from (order for order in items if isinstance(order, dict))
    else:
        yield document


def _status(order: Mapping[str, Any], *, is_cancelled: bool) -> str | None:
    payment = PAYMENTS.get(str(inner(order, "order_payment").get("status")))
    own = read_status(order.get("status"))
    return settle_status(payment or own, is_cancelled=is_cancelled or own == "cancelled")


def _money(money: Mapping[str, Any]) -> Decimal | None:
    """`dollars` is the value; `cents` is the same number where a currency has no cents."""
    return read_amount(money.get("dollars"))
