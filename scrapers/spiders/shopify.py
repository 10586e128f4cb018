"""Shopify shops, by the GraphQL Admin API: orders and the visits that led to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy.http import Response

from lake import Window
from scrapers.access.calls import Answer, Call, Problem
from scrapers.access.cursor import CursorVisit, Lost
from scrapers.access.shop import ShopSpider
from scrapers.errors import SiteChangedError
from scrapers.parsers import shopify as parse
from scrapers.parsers.orders import inner
from scrapers.records import Record, VisitRecord

API_VERSION = "2026-10"  # each is served for a year at least; options.api_version says another
VERSION = re.compile(r"\d{4}-(01|04|07|10)")
AT_ONCE, MOMENTS = 25, 20
DEEPEST = 20_000  # orders of one query; beyond 25,000 Shopify turns no page
SHOWN_FOR = timedelta(days=60)  # without the scope read_all_orders
ALL_ORDERS = "read_all_orders"
SCOPES = "{ currentAppInstallation { accessScopes { handle } } }"
MONEY = "{ shopMoney { amount currencyCode } }"
VISIT = (
    "id occurredAt landingPage referrerUrl utmParameters { source medium campaign content term }"
)
ORDERS = f"""query orders($first: Int!, $after: String, $since: String!) {{
  orders(first: $first, after: $after, query: $since, sortKey: UPDATED_AT) {{
    nodes {{
      id name createdAt updatedAt cancelledAt test sourceName displayFinancialStatus
      customer {{ id }}
      totalPriceSet {MONEY} currentTotalPriceSet {MONEY} totalTaxSet {MONEY}
      totalShippingPriceSet {MONEY} totalDiscountsSet {MONEY} totalRefundedSet {MONEY}
      totalRefundedShippingSet {MONEY}
      discountCodes customAttributes {{ key value }}
      customerJourneySummary {{
        ready momentsCount {{ count }} firstVisit {{ {VISIT} }} lastVisit {{ {VISIT} }}
        moments(first: {MOMENTS}) {{ nodes {{ ... on CustomerVisit {{ {VISIT} }} }} }}
      }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


class ShopifySpider(ShopSpider):
    """Orders by their last change. A query costs points, of which so many come back a second."""

    name = "shopify"
    kept = parse.KEPT

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        yield self.asked(visit, SCOPES, {}, self.read_scopes)

    def orders_since(self, visit: CursorVisit, name: str, since: datetime) -> Call:  # noqa: ARG002
        visit.facts.update(deep=0, since=since)
        variables = {"first": AT_ONCE, "after": None, "since": f"updated_at:>='{_said(since)}'"}
        return self.asked(visit, ORDERS, variables, self.read_page)

    def asked(
        self, visit: CursorVisit, query: str, variables: Mapping[str, Any], read: Any
    ) -> Call:
        version = str(visit.channel.options.get("api_version", API_VERSION))
        if not VERSION.fullmatch(version):
            raise SiteChangedError(
                f"channels.{visit.channel.id}.options.api_version: expected a version of Shopify's "
                f"such as {API_VERSION}, found {version!r:.40}"
            )
        body = {"query": query, "variables": dict(variables)}
        return Call(f"admin/api/{version}/graphql.json", read, body=body)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        return parse.read_error(data, response) or super().find_error(data, response)

    def pause(self, response: Response) -> float:
        """Wait until there are as many points again as the next query may cost."""
        try:
            return parse.seconds_until_points(json.loads(response.body)) or super().pause(response)
        except (ValueError, RecursionError):
            return super().pause(response)

    def smaller(self, call: Call) -> Call | None:
        """Ask for half as many orders when a query would cost too much."""
        body = dict(call.body or {})
        first = body["variables"].get("first", 1)
        if first < 2:
            return None
        return replace(call, body={**body, "variables": {**body["variables"], "first": first // 2}})

    def read_scopes(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Say which orders are out of sight: those of the last 60 days are shown to everybody."""
        granted = answer.data["data"]["currentAppInstallation"]["accessScopes"]
        if any(scope.get("handle") == ALL_ORDERS for scope in granted):
            return
        edge = self.job.clock()() - SHOWN_FOR
        visit.notes.append(
            f"orders placed before {edge:%Y-%m-%dT%H:%MZ} are not shown, nor what becomes of them: "
            f"the token lacks the scope {ALL_ORDERS}"
        )
        start, end = self.horizon(visit), min(edge, visit.channel.end)
        if start < end:
            reason = f"Shopify shows the orders of 60 days without {ALL_ORDERS}"
            visit.lost.append(Lost(Window(start, end), reason))
        yield from ()

    def read_page(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        orders = answer.data["data"]["orders"]
        nodes, page = orders["nodes"], orders["pageInfo"]
        visit.facts["deep"] += len(nodes)

        def following(last: datetime | None) -> Call | None:
            if not page["hasNextPage"]:
                return None
            is_deep = visit.facts["deep"] >= DEEPEST
            if is_deep and last is not None and last > visit.facts["since"]:
                return self.orders_since(visit, self.lists[0], last)
            body = dict(answer.call.body or {})
            turned = {**body["variables"], "after": page["endCursor"]}
            return replace(answer.call, body={**body, "variables": turned}, tries=0)

        yield from self.turn(visit, self.lists[0], nodes, following)

    def changed_at(self, order: Mapping[str, Any]) -> datetime | None:
        return parse.updated_at(order)

    def read(self, visit: CursorVisit, order: Mapping[str, Any]) -> Iterator[Record]:
        yield self.order(visit, parse.read_order(order), frozenset(order) - parse.TAKEN)
        told = parse.visits_before(order)
        self._note_untold(visit, order, len(told))
        for one in told:
            columns = parse.read_visit(one, str(order["id"]))
            yield VisitRecord(channel_id=visit.channel.id, **columns)

    def _note_untold(self, visit: CursorVisit, order: Mapping[str, Any], told: int) -> None:
        count = inner(inner(order, "customerJourneySummary"), "momentsCount").get("count")
        if isinstance(count, int) and count > told > MOMENTS - 1 and "untold" not in visit.facts:
            visit.facts["untold"] = True
            visit.notes.append(f"of longer journeys the first {MOMENTS} visits and the last land")


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
