"""WooCommerce shops, by the REST API of a WordPress site: orders with their attribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy.http import Response

from scrapers.access.calls import Answer, Call, Problem
from scrapers.access.cursor import CursorVisit
from scrapers.access.shop import ShopSpider
from scrapers.errors import SiteChangedError
from scrapers.parsers import woocommerce as parse
from scrapers.records import Record

AT_ONCE = 100
PAGES, TOTAL = "x-wp-totalpages", "x-wp-total"
# What an order says of people beyond this is never sent.
FIELDS = ",".join(
    sorted(parse.TAKEN - {"billing", "date_created"} | {"billing.email", "date_modified_gmt"})
)


class WooCommerceSpider(ShopSpider):
    """Orders by their last change; those in the bin stand in a list of their own."""

    name = "woocommerce"
    lists = ("trash", "any")
    kept = parse.KEPT
    people = frozenset({"reason"})  # of a refund, in somebody's own words

    def orders_since(self, visit: CursorVisit, name: str, since: datetime) -> Call:  # noqa: ARG002
        query = {
            "status": name,
            "modified_after": _just_before(since),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": AT_ONCE,
            "page": 1,
            "_fields": FIELDS,
        }
        return Call("wp-json/wc/v3/orders", self.read_page, query)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        return parse.read_error(data, response) or super().find_error(data, response)

    def read_page(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take a page, and ask again from its last change on.

        An order that changes meanwhile leaves its page, and all behind it move up by one: whoever
        turned pages by number would miss one. Only orders of one second are turned by number.
        """
        query = answer.call.query
        page, pages = int(query["page"]), _number(answer, PAGES)
        totals = visit.facts.setdefault("totals", {})
        totals.setdefault(query["status"], _number(answer, TOTAL))
        visit.declared_total = sum(totals.values())  # later pages count what is left

        def following(last: datetime | None) -> Call | None:
            if page >= pages:
                return None
            since = _just_before(last) if last is not None else ""
            if since > str(query["modified_after"]):
                return answer.call.turned(modified_after=since, page=1)
            return answer.call.turned(page=page + 1)

        yield from self.turn(visit, str(query["status"]), answer.data, following)

    def changed_at(self, order: Mapping[str, Any]) -> datetime | None:
        return parse.updated_at(order)

    def read(self, visit: CursorVisit, order: Mapping[str, Any]) -> Iterator[Record]:
        if str(order.get("status")) in parse.DRAFTS:
            return
        columns = parse.read_order(order)
        account = columns["customer"]
        if account is not None and "@" not in account:  # every site counts its accounts from 1
            columns["customer"] = f"{self.prefix(visit.channel)}{account}"
        yield self.order(visit, columns, frozenset(order) - parse.TAKEN)


def _number(answer: Answer, header: str) -> int:
    """Return a count that WordPress tells beside the list; without it no list is ever whole."""
    told = answer.headers.get(header, "")
    if not told.isdigit():
        raise SiteChangedError(
            f"woocommerce: expected the header {header} with a number, found {told!r:.40}; does a "
            "proxy before the shop take it out?"
        )
    return int(told)


def _just_before(at: datetime) -> str:
    """Print the second before: `modified_after` leaves its own second out."""
    return (at.astimezone(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
