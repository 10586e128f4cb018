"""Shopify's GraphQL orders: saved answers, their nodes one a line, or a bulk operation's lines.

With `customerJourneySummary` every visit before the order is told; those become visits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.parsers.shopify import (
    KEPT,
    ORDER,
    TAKEN,
    VISIT,
    read_order,
    read_visit,
    visits_before,
)
from scrapers.parsers.values import read_time

PARENT = "__parentId"


class ShopifyGraphql(Format):
    """`orders(query: …)` or `bulkOperationRunQuery`."""

    name = "shopify_graphql"
    kept = KEPT

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
        yield Found(
            table="orders",
            record=read_order(node, reading.zone),
            happened=read_time(node.get("createdAt"), reading.zone, ()),
            unread=self.unknown(frozenset(node) - TAKEN),
        )
        for visit in visits_before(node):
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


def _visit(visit: Mapping[str, Any], order_gid: str, reading: Reading) -> Found:
    return Found(
        table="visits",
        record=read_visit(visit, order_gid, reading.zone),
        happened=read_time(visit.get("occurredAt"), reading.zone, ()),
    )


def _kind(node: Mapping[str, Any]) -> str:
    """Name what a line is that is neither an order nor a visit, e.g. `LineItem`."""
    parts = str(node.get("id", "")).split("/")
    return parts[-2] if len(parts) > 2 else "nameless child"
