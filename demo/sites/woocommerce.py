"""WooCommerce's REST API on a WordPress site: orders with the attribution in their meta data.

Pages hold at most ten orders, so that a small town fills several. Nobody ever tried the shop out
with a test order, for WooCommerce would not tell it from others.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from demo.apis import answer_json, query_of, stamp
from demo.days import DAY, seconds_of, taipei
from demo.faults import Answer
from demo.keys import KEYS
from demo.people import Person
from demo.shop import Order, Trade
from demo.shop_files import NAMELESS, SHOP_URL, amount, basket, contact, utm_query
from demo.sites import Ask, Room
from demo.town import Town

PAGE = 10
COMPLETED_AFTER = 2 * DAY  # seconds from the payment until the parcel is there
CLOCK = "%Y-%m-%dT%H:%M:%S"  # local and GMT alike, neither names its zone
INVALID = {
    "code": "woocommerce_rest_authentication_error",
    "message": "Consumer key is invalid.",
    "data": {"status": 401},
}
BAD_ORDER = {
    "code": "rest_invalid_param",
    "message": "Invalid parameter(s): orderby",
    "data": {"status": 400},
}
NO_ROUTE = {
    "code": "rest_no_route",
    "message": "No route was found matching the URL and request method.",
    "data": {"status": 404},
}


class WooCommerceSite:
    """The API at any instant; `binned` says when somebody threw an order away, by its number."""

    def __init__(self, room: Room) -> None:
        self.room = room
        (self.shop,) = room.shops
        key = KEYS["TINGCHAO_WOOCOMMERCE_KEY"].encode()
        self.authorization = f"Basic {base64.b64encode(key).decode()}"
        self.binned: dict[int, int] = {}

    def answer(self, ask: Ask, now: int) -> Answer:
        if ask.path != f"/{self.shop.address}/wp-json/wc/v3/orders":
            return answer_json(NO_ROUTE, 404)
        if ask.headers.get("authorization") != self.authorization:
            return answer_json(INVALID, 401)
        query = query_of(ask)
        if query.get("orderby", "date") not in ("date", "modified"):
            return answer_json(BAD_ORDER, 400)
        return self._list(query, now)

    def _list(self, query: dict[str, str], now: int) -> Answer:
        since = _seconds(query.get("modified_after"), is_gmt=query.get("dates_are_gmt") == "true")
        orders = self._orders(now, query.get("status", "any"))
        orders = [o for o in orders if _seconds(o["date_modified_gmt"], is_gmt=True) > since]
        by = "date_modified_gmt" if query.get("orderby") == "modified" else "date_created_gmt"
        is_falling = query.get("order", "desc") == "desc"
        orders.sort(key=lambda order: (order[by], order["id"]), reverse=is_falling)
        size = min(int(query.get("per_page", "10")), PAGE)
        start = (int(query.get("page", "1")) - 1) * size
        shown = orders[start : start + size]
        fields = query["_fields"].split(",") if "_fields" in query else None
        return answer_json(
            [_only(order, fields) for order in shown],
            headers={
                "X-WP-Total": str(len(orders)),
                "X-WP-TotalPages": str(-(-len(orders) // size)),
            },
            items=[str(order["id"]) for order in shown],
        )

    def _orders(self, now: int, status: str) -> list[dict[str, Any]]:
        """Return the orders of a state at an instant; `any` leaves the bin out."""
        told = list(orders_of(self.room.town, now))
        for order in told:
            thrown = self.binned.get(order["id"])
            if thrown is not None and thrown <= now:
                order |= {"status": "trash", "date_modified_gmt": stamp(thrown, CLOCK)}
        return [o for o in told if (o["status"] == "trash") is (status == "trash")]


def open_site(room: Room) -> WooCommerceSite:
    return WooCommerceSite(room)


def orders_of(town: Town, now: int) -> Iterator[dict[str, Any]]:
    """Yield the shop's orders as they stand at an instant."""
    for trade in town.trades_in("woocommerce"):
        for order in trade.orders:
            if order.at < now and not order.is_test:
                yield _order(trade, order, now)


def native_id(order: Order) -> int:
    """The number of an order in the shop."""
    person, _, day = order.order_id.removeprefix("W").partition("-")
    return int(person) * 100_000 + int(day)


def customer_id(person: int) -> int:
    return 4000 + person


def _seconds(printed: str | None, *, is_gmt: bool) -> int:
    if not printed:
        return 0
    return seconds_of(datetime.fromisoformat(f"{printed}{'+00:00' if is_gmt else '+08:00'}"))


def _only(order: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    """Return the fields that were asked for, `billing.email` within `billing`."""
    if fields is None:
        return order
    shown: dict[str, Any] = {}
    for name, _, below in (field.partition(".") for field in fields):
        if name in order:
            shown[name] = {below: order[name][below]} if below else order[name]
    return shown


def _order(trade: Trade, order: Order, now: int) -> dict[str, Any]:
    modified, refund = _modified_at(order, now), order.refund_at(now)
    is_paid = order.paid_at <= now
    given_back = {"id": native_id(order) + 50_000, "reason": "", "total": f"-{amount(refund)}"}
    lines = enumerate(basket(order), start=1)
    return {
        "id": native_id(order),
        "parent_id": 0,
        "number": str(native_id(order)),
        "order_key": f"wc_order_{native_id(order):x}",
        "created_via": "checkout",
        "version": "10.2.0",
        "status": _status(order, now),
        "currency": order.currency,
        **_dates("created", order.at),
        **_dates("modified", modified),
        **_dates("paid", order.paid_at if is_paid else None),
        "discount_total": amount(order.discount),
        "shipping_total": amount(order.shipping),
        "total": amount(order.amount),
        "total_tax": amount(order.tax),
        "prices_include_tax": True,
        "customer_id": customer_id(order.person) if order.customer_id else 0,
        "customer_ip_address": "192.0.2.1",
        "customer_user_agent": "Mozilla/5.0",
        "customer_note": "",
        "billing": _billing(trade.person),
        "payment_method": "cod",
        "meta_data": [
            {"id": native_id(order) + number, "key": f"_wc_order_attribution_{key}", "value": value}
            for number, (key, value) in enumerate(_attribution(order))
        ],
        "line_items": [
            {"id": number, "name": drink, "sku": sku, "quantity": 1, "total": amount(price)}
            for number, (drink, sku, price) in lines
        ],
        "coupon_lines": [{"id": 1, "code": order.coupon, "discount": amount(order.discount)}]
        if order.coupon
        else [],
        "refunds": [given_back] if refund else [],
    }


def _dates(name: str, at: int | None) -> dict[str, str | None]:
    local = taipei(at).strftime(CLOCK) if at is not None else None
    return {f"date_{name}": local, f"date_{name}_gmt": stamp(at, CLOCK) if at is not None else None}


def _billing(person: Person) -> dict[str, str]:
    return {
        "first_name": NAMELESS,
        "last_name": "",
        "address_1": "測試路 1 號",
        "city": "臺北市",
        "email": contact(person),
        "phone": "0900-000-000",
    }


def _completed_at(order: Order) -> int | None:
    """When the parcel arrived, unless the order was given up before."""
    arrived = order.paid_at + COMPLETED_AFTER
    given_up = (at for at in (order.cancelled_at, order.refunded_at) if at is not None)
    return arrived if all(at > arrived for at in given_up) else None


def _modified_at(order: Order, now: int) -> int:
    arrived = _completed_at(order)
    has_arrived = arrived is not None and arrived <= now
    return max(order.changed_at(now), arrived or 0) if has_arrived else order.changed_at(now)


def _status(order: Order, now: int) -> str:
    """WooCommerce has no word for a refund in part: such an order stays what it was."""
    status, arrived = order.status_at(now), _completed_at(order)
    if status == "paid":
        return "completed" if arrived is not None and arrived <= now else "processing"
    return status


def _attribution(order: Order) -> Iterator[tuple[str, str]]:
    """What the purchase's own session noted; nothing of who refused it."""
    source, medium, campaign, host = order.touch
    if not source and not host:
        return
    yield "source_type", "utm" if source else "referral"
    for name, value in (("source", source), ("medium", medium), ("campaign", campaign)):
        if value:
            yield f"utm_{name}", value
    if host:
        yield "referrer", f"https://{host}/"
    yield "session_entry", f"{SHOP_URL}menu{utm_query(order.touch)}"
    yield "session_start_time", stamp(order.at - 600, "%Y-%m-%d %H:%M:%S")
    yield "session_pages", "5"
    yield "session_count", "2"
    yield "user_agent", "Mozilla/5.0"
    yield "device_type", "Mobile"
