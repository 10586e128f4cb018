"""Shopify's GraphQL Admin API: the orders of one shop, by their last change, with their journeys.

Pages hold at most ten orders, so that a small town fills several. What the shop's money is to
Shopify is here the currency of the order, as in a shop that sells in two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zlib import crc32

from demo.apis import answer_json, code, stamp
from demo.days import DAY
from demo.faults import Answer
from demo.graphql import UnknownFieldError, read_query, select
from demo.keys import KEYS
from demo.shop import JOURNEY_READY_AFTER, Order, Trade, Visit
from demo.shop_files import SHOP_URL, amount, contact, noted, utm_query
from demo.sites import Ask, Room

PATH = re.compile(r"/(?P<shop>[^/]+)/admin/api/\d{4}-(01|04|07|10)/graphql\.json")
SINCE = re.compile(r"updated_at:>='([^']+)'")
PAGE = 10
SHOWN_FOR = 60 * DAY  # without the scope read_all_orders
POINTS, RESTORED, COST = 2000, 100, 100  # a query's cost, the bucket and what a second restores
INVALID = "[API] Invalid API key or access token (unrecognized login or wrong password)"
FIRST_CUSTOMER, FIRST_ORDER, FIRST_VISIT = 7_700_000_000_000, 5_500_000_000_000, 3_300_000_000_000


class ShopifySite:
    """The API at any instant; `throttled` so many queries find the bucket empty."""

    def __init__(self, room: Room) -> None:
        self.room = room
        (self.shop,) = room.shops
        self.token = KEYS["TINGCHAO_SHOPIFY_TOKEN"]
        self.scopes = ["read_orders", "read_all_orders", "read_customers"]
        self.throttled = 0

    def answer(self, ask: Ask, now: int) -> Answer:
        path = PATH.fullmatch(ask.path)
        if path is None or path["shop"] != self.shop.address or ask.method != "POST":
            return answer_json({"errors": "Not Found"}, 404)
        if ask.headers.get("x-shopify-access-token") != self.token:
            return answer_json({"errors": INVALID}, 401)
        if self.throttled:
            self.throttled -= 1
            return _refused("Throttled", "THROTTLED", points=0)
        asked = json.loads(ask.body)
        try:
            return self._query(asked["query"], asked.get("variables") or {}, now)
        except UnknownFieldError as error:
            return _refused(str(error), "undefinedField")

    def _query(self, query: str, variables: dict[str, Any], now: int) -> Answer:
        fields = read_query(query)
        if "orders" not in fields:
            granted = [{"handle": scope} for scope in self.scopes]
            return _said(select({"currentAppInstallation": {"accessScopes": granted}}, fields))
        trades = {order.order_id: t for t in self._trades() for order in t.orders}
        page, has_next = self._page(variables, now)
        nodes = [_node(trades[order.order_id], order, now) for order in page]
        last = _cursor(page[-1], now) if page else None
        paging = {"hasNextPage": has_next, "endCursor": last}
        shown = {"orders": {"nodes": nodes, "pageInfo": paging}}
        return _said(select(shown, fields), items=[order.order_id for order in page])

    def _trades(self) -> list[Trade]:
        return self.room.town.trades_in(self.shop.source)

    def _page(self, variables: dict[str, Any], now: int) -> tuple[list[Order], bool]:
        """Return the orders behind a cursor, and whether there are more; a cursor is a place in
        time, so an order that changes meanwhile moves no other."""
        said = SINCE.search(variables["since"])
        since = int(datetime.fromisoformat(said[1]).timestamp()) if said else 0
        after = variables["after"] or ""
        shown = (o for t in self._trades() for o in t.orders if self._is_shown(o, now))
        changed = (o for o in shown if o.changed_at(now) >= since and _cursor(o, now) > after)
        orders = sorted(changed, key=lambda order: _cursor(order, now))
        size = min(variables["first"], PAGE)
        return orders[:size], len(orders) > size

    def _is_shown(self, order: Order, now: int) -> bool:
        is_young = order.at > now - SHOWN_FOR
        return order.at < now and (is_young or "read_all_orders" in self.scopes)


def open_site(room: Room) -> ShopifySite:
    return ShopifySite(room)


def customer_id(person: int) -> int:
    return FIRST_CUSTOMER + person


def _said(data: Any, items: list[str] | None = None) -> Answer:
    return answer_json({"data": data, "extensions": _cost(POINTS - COST)}, items=items or ())


def _refused(message: str, kind: str, points: int = POINTS) -> Answer:
    """Errors of a query come with status 200."""
    error = {"message": message, "extensions": {"code": kind}}
    return answer_json({"errors": [error], "extensions": _cost(points)})


def _cost(points: int) -> dict[str, Any]:
    throttle = {
        "maximumAvailable": float(POINTS),
        "currentlyAvailable": points,
        "restoreRate": float(RESTORED),
    }
    told = {"requestedQueryCost": COST, "actualQueryCost": COST // 2, "throttleStatus": throttle}
    return {"cost": told}


def _cursor(order: Order, now: int) -> str:
    return f"{order.changed_at(now):012}-{order.order_id}"


def _node(trade: Trade, order: Order, now: int) -> dict[str, Any]:
    is_cancelled = order.cancelled_at is not None and order.cancelled_at <= now
    refund = order.refund_at(now)
    return {
        "id": f"gid://shopify/Order/{FIRST_ORDER + crc32(order.order_id.encode())}",
        "name": order.order_id,
        "createdAt": stamp(order.at),
        "updatedAt": stamp(order.changed_at(now)),
        "cancelledAt": stamp(order.cancelled_at or 0) if is_cancelled else None,
        "test": order.is_test,
        "sourceName": "web",
        "displayFinancialStatus": _financial_status(order, now),
        "totalPriceSet": _money(order, order.amount),
        "currentTotalPriceSet": _money(order, order.amount - refund),
        "totalTaxSet": _money(order, order.tax),
        "totalShippingPriceSet": _money(order, order.shipping),
        "totalDiscountsSet": _money(order, order.discount),
        "totalRefundedSet": _money(order, refund),
        "totalRefundedShippingSet": _money(order, order.shipping * (refund == order.amount)),
        "discountCodes": [order.coupon] if order.coupon else [],
        "customAttributes": list(_noted(order)),
        "customerJourneySummary": _journey(trade, order, now),
        "customer": {"id": f"gid://shopify/Customer/{customer_id(order.person)}"}
        if order.customer_id
        else None,
        # what nobody asked for
        "email": contact(trade.person),
        "phone": "0900-000-000",
        "clientIp": "192.0.2.1",
        "note": "放管理室,謝謝",
    }


def _financial_status(order: Order, now: int) -> str:
    """Shopify's word for the money: it knows no test orders, and a cancelled one is voided."""
    status = order.status_at(now)
    if status == "paid" and order.refund_at(now):
        return "PARTIALLY_REFUNDED"
    return {"test": "PAID", "cancelled": "VOIDED"}.get(status, status.upper())


def _money(order: Order, cents: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount(cents), "currencyCode": order.currency}}


def _noted(order: Order) -> Iterator[dict[str, str]]:
    """What the shop's theme notes on an order; it has no analytics to name a visitor by."""
    for line in noted(order):
        key, _, value = line.partition(": ")
        if not key.startswith("_ga"):
            yield {"key": key, "value": value}


def _journey(trade: Trade, order: Order, now: int) -> dict[str, Any] | None:
    """Hours go by before a journey is told; of who refused to be measured there is none."""
    if order.visitor_id is None:
        return None
    if order.at + JOURNEY_READY_AFTER > now:
        return {
            "ready": False,
            "momentsCount": None,
            "firstVisit": None,
            "lastVisit": None,
            "moments": None,
        }
    visits = [_visit(visit) for visit in trade.told_visits(order, now)]
    return {
        "ready": True,
        "momentsCount": {"count": len(visits)},
        "firstVisit": visits[0] if visits else None,
        "lastVisit": visits[-1] if visits else None,
        "moments": {"nodes": visits},
    }


def _visit(visit: Visit) -> dict[str, Any]:
    source, medium, campaign, host = visit.touch
    utm = {"source": source, "medium": medium, "campaign": campaign, "content": None, "term": None}
    return {
        "id": f"gid://shopify/CustomerVisit/{FIRST_VISIT + crc32(visit.visit_id.encode())}",
        "occurredAt": stamp(visit.at),
        "landingPage": f"{SHOP_URL}menu{utm_query(visit.touch)}",
        "referrerUrl": f"https://{host}/" if host else None,
        "utmParameters": utm if source else None,
        "source": source or "direct",
        "sourceDescription": code(8, "said", visit.visit_id),
    }
