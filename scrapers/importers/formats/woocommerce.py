"""WooCommerce's REST orders with the attribution that its core has noted since 8.5."""

from __future__ import annotations

from collections.abc import Iterator

from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.parsers.woocommerce import DRAFTS, KEPT, TAKEN, placed_at, read_order


class WooCommerce(Format):
    """`GET /wp-json/wc/v3/orders`, saved as JSON or one order a line."""

    name = "woocommerce"
    kept = KEPT

    def recognise(self, head: Head) -> Verdict:
        if head.has("status", "total", "date_created_gmt", "billing"):
            return Verdict(Sureness.CERTAIN, "orders with date_created_gmt, billing and total")
        return Verdict.no("no orders with date_created_gmt, billing, status and total")

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        for row in read_items(head, skipped):
            if str(row.cells.get("status")) in DRAFTS:
                skipped["draft"] = skipped.get("draft", 0) + 1
            else:
                yield row

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        order = row.cells
        yield Found(
            table="orders",
            record=read_order(order, reading.zone),
            happened=placed_at(order, reading.zone),
            unread=self.unknown(frozenset(order) - TAKEN),
        )
