"""Shopify's order export: one row per line item, the order itself on the first row of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapers.errors import ParsingFailedError
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.parsers.orders import attributes_touch, read_status, settle_status
from scrapers.parsers.values import read_amount, read_id, read_time, read_word

TAKEN = frozenset(
    {"name", "email", "financial status", "currency", "shipping", "taxes", "total"}
    | {"discount code", "discount amount", "created at", "note attributes", "cancelled at"}
    | {"payment method", "refunded amount", "source"}
)
TEST_GATEWAY = "bogus gateway"  # what Shopify lets a shop try its checkout with


class ShopifyOrders(Format):
    """Orders → Export: `orders_export.csv`."""

    name = "shopify_csv"
    kept = frozenset(
        {"financial status", "currency", "total", "taxes", "shipping", "created at"}
        | {"cancelled at", "refunded amount", "discount amount"}
    )

    def recognise(self, head: Head) -> Verdict:
        if head.is_table and head.has("name", "financial status", "lineitem name", "created at"):
            return Verdict(Sureness.CERTAIN, "the columns of Shopify's order export")
        return Verdict.no("no columns Name, Financial Status, Lineitem name, Created at")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield the first row of every order; its further line items say nothing of the order."""
        above = None
        for row in read_items(head, skipped):
            if row.problem or row.cells.get("total"):
                above = row.cells.get("name")
                yield row
            elif row.cells.get("name") == above:
                skipped["line item"] = skipped.get("line item", 0) + 1
            else:
                yield row  # its order is nowhere: `read` refuses it

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        cells = row.cells
        if not cells.get("total"):
            raise ParsingFailedError(
                "line_without_order",
                "a line item whose order's first row is not above it; export the orders again and "
                "leave the rows in their order",
            )
        ordered = read_time(cells.get("created at"), reading.zone, ())
        cancelled = read_time(cells.get("cancelled at"), reading.zone, ())
        is_test = TEST_GATEWAY in str(cells.get("payment method") or "").casefold()
        noted = _note_attributes(cells.get("note attributes"))
        record: dict[str, Any] = {
            "order_id": read_id(cells.get("name")),
            "customer": read_id(cells.get("email")),
            "ordered_at": ordered.at if ordered else None,
            "status": settle_status(
                read_status(cells.get("financial status")),
                is_test=is_test,
                is_cancelled=cancelled is not None,
            ),
            "is_test": is_test or None,  # of any other gateway nobody knows
            "cancelled_at": cancelled.at if cancelled else None,
            "sales_channel": read_word(cells.get("source")),
            "amount": read_amount(cells.get("total")),
            "tax_amount": read_amount(cells.get("taxes")),
            "shipping_amount": read_amount(cells.get("shipping")),
            "discount_amount": read_amount(cells.get("discount amount")),
            "refund_amount": read_amount(cells.get("refunded amount")),
            "currency": read_word(cells.get("currency")),
            "coupon": read_word(cells.get("discount code")),
            **attributes_touch(noted),
        }
        unread = self.unknown(frozenset(cells) - TAKEN)
        yield Found(table="orders", record=record, happened=ordered, unread=unread)


def _note_attributes(cell: Any) -> dict[str, str]:
    """Read `name: value` lines; a value may hold colons, not line breaks."""
    lines = (line.partition(":") for line in str(cell or "").splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}
