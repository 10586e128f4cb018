"""Shopify's GraphQL orders: saved answers, their nodes one a line, or a bulk operation's lines.

With `customerJourneySummary` every visit before the order is told; those become visits. Shopify
names no visitor: the visits of an order are of the one who placed it, and nothing ties them to the
visits before another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.orders import (
    attributes_touch,
    codes,
    each,
    inner,
    read_status,
    settle_status,
    touch_of,
)
from scrapers.importers.rows import Row
from scrapers.importers.values import (
    read_amount,
    read_flag,
    read_id,
    read_tags,
    read_time,
    read_word,
)

ORDER, VISIT = "gid://shopify/Order/", "gid://shopify/CustomerVisit/"
PARENT = "__parentId"
TAKEN = frozenset(
    {"id", "name", "customer", "createdAt", "displayFinancialStatus", "test", "cancelledAt"}
    | {"sourceName", "totalPriceSet", "currentTotalPriceSet", "totalTaxSet", "totalRefundedSet"}
    | {"totalShippingPriceSet", "totalDiscountsSet", "totalRefundedShippingSet", "discountCodes"}
    | {"customerJourneySummary", "customAttributes"}
)


class ShopifyGraphql(Format):
    """`orders(query: …)` or `bulkOperationRunQuery`."""

    name = "shopify_graphql"
    kept = frozenset(
        {"id", "createdAt", "cancelledAt", "displayFinancialStatus", "totalPriceSet"}
        | {"currentTotalPriceSet", "totalRefundedSet", "test", "occurredAt"}
    )

    def recognise(self, head: Head) -> Verdict:
        nodes = (node for sample in head.samples for node in _nodes_in(sample))
        if any(str(node.get("id", "")).startswith(ORDER) for node in nodes):
            return Verdict(Sureness.CERTAIN, f"ids that begin with {ORDER}")
        return Verdict.no(f"no node whose id begins with {ORDER}")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield orders, and of a bulk file the visits that stand apart from their order."""
        for row in read_items(head, skipped):
            if row.problem:
                yield row
                continue
            for node in _nodes_in(row.cells):
                if PARENT in node and not str(node.get("id", "")).startswith(VISIT):
                    kind = _kind(node)
                    skipped[kind] = skipped.get(kind, 0) + 1
                else:
                    yield Row(row.line, node)

    def table_of(self, row: Row) -> str:
        return "visits" if PARENT in row.cells else "orders"

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        node = row.cells
        if PARENT in node:
            yield _visit(node, str(node[PARENT]), reading)
            return
        journey = inner(node, "customerJourneySummary")
        ordered = read_time(node.get("createdAt"), reading.zone, ())
        cancelled = read_time(node.get("cancelledAt"), reading.zone, ())
        is_test = read_flag(node.get("test"))
        price = "totalPriceSet" if node.get("totalPriceSet") else "currentTotalPriceSet"
        record: dict[str, Any] = {
            "order_id": read_id(node.get("name")),
            "customer": _tail(inner(node, "customer").get("id")),
            "visitor": f"order {_tail(node.get('id'))}" if journey else None,
            "ordered_at": ordered.at if ordered else None,
            "status": settle_status(
                read_status(node.get("displayFinancialStatus")),
                is_test=is_test,
                is_cancelled=cancelled is not None,
            ),
            "is_test": is_test,
            "cancelled_at": cancelled.at if cancelled else None,
            "sales_channel": read_word(node.get("sourceName")),
            "amount": _price(node),
            "tax_amount": _money(node, "totalTaxSet"),
            "shipping_amount": _money(node, "totalShippingPriceSet"),
            "discount_amount": _money(node, "totalDiscountsSet"),
            "refund_amount": _money(node, "totalRefundedSet"),
            "refunded_shipping_amount": _money(node, "totalRefundedShippingSet"),
            "currency": read_word(_shop_money(node, price).get("currencyCode")),
            "coupon": codes(read_tags(node.get("discountCodes")) or ()),
            **_touch(node, journey),
        }
        unread = self.unknown(frozenset(node) - TAKEN)
        yield Found(table="orders", record=record, happened=ordered, unread=unread)
        for visit in _visits(journey):
            yield _visit(visit, str(node.get("id")), reading)


def _nodes_in(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the orders of an answer, whatever they are wrapped in."""
    data = document.get("data")
    orders = (data if isinstance(data, dict) else document).get("orders")
    if not isinstance(orders, dict):
        node = document.get("node")
        yield node if isinstance(node, dict) else document
        return
    edges = [edge.get("node") for edge in _objects(orders.get("edges"))]
    yield from _objects([*edges, *_objects(orders.get("nodes"))])


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _visits(journey: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the visits of a journey once each, however often they are told."""
    moments = inner(journey, "moments")
    told = [inner(edge, "node") for edge in each(moments, "edges")]
    told += [*each(moments, "nodes"), inner(journey, "firstVisit"), inner(journey, "lastVisit")]
    by_id = {str(visit["id"]): visit for visit in told if visit.get("id")}
    return list(by_id.values())


def _visit(visit: Mapping[str, Any], order_gid: str, reading: Reading) -> Found:
    began = read_time(visit.get("occurredAt"), reading.zone, ())
    record = {
        "visit_id": str(visit.get("id", "")).removeprefix("gid://shopify/"),
        "visitor": f"order {_tail(order_gid)}",
        "occurred_at": began.at if began else None,
        **_touch_of_visit(visit),
    }
    return Found(table="visits", record=record, happened=began)


def _touch_of_visit(visit: Mapping[str, Any]) -> dict[str, str | None]:
    return touch_of(
        inner(visit, "utmParameters"), visit.get("landingPage"), visit.get("referrerUrl")
    )


def _touch(node: Mapping[str, Any], journey: Mapping[str, Any]) -> dict[str, str | None]:
    """The last visit before the order; without a journey, what an app noted on it."""
    if last := inner(journey, "lastVisit"):
        return _touch_of_visit(last)
    noted = each(node, "customAttributes")
    touch = attributes_touch({str(a.get("key")): a.get("value") for a in noted})
    return {name: value for name, value in touch.items() if value}


def _price(node: Mapping[str, Any]) -> Decimal | None:
    """What the order cost before anything went back.

    `currentTotalPriceSet` is what is left, so what went back is added where only that is told.
    """
    whole = _money(node, "totalPriceSet")
    if whole is not None:
        return whole
    left, refund = _money(node, "currentTotalPriceSet"), _money(node, "totalRefundedSet")
    return left if left is None or refund is None else left + refund


def _money(node: Mapping[str, Any], name: str) -> Decimal | None:
    return read_amount(_shop_money(node, name).get("amount"))


def _shop_money(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return inner(inner(node, name), "shopMoney")


def _tail(gid: Any) -> str | None:
    return str(gid).rpartition("/")[2] or None if gid else None


def _kind(node: Mapping[str, Any]) -> str:
    """Name what a line is that is neither an order nor a visit, e.g. `LineItem`."""
    parts = str(node.get("id", "")).split("/")
    return parts[-2] if len(parts) > 2 else "nameless child"
