"""What Shopify's Admin API says by GraphQL: orders, the visits before them, and its errors.

Shopify names no visitor: the visits of an order are of the one who placed it, and nothing ties them
to the visits before another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from scrapy.http import Response

from scrapers.access.calls import Problem, Trouble, problem_by_status
from scrapers.errors import SiteChangedError
from scrapers.parsers.orders import (
    attributes_touch,
    codes,
    each,
    inner,
    read_status,
    settle_status,
    touch_of,
)
from scrapers.parsers.values import (
    read_amount,
    read_flag,
    read_id,
    read_tags,
    read_time,
    read_word,
)

ORDER, VISIT = "gid://shopify/Order/", "gid://shopify/CustomerVisit/"
TAKEN = frozenset(
    {"id", "name", "customer", "createdAt", "displayFinancialStatus", "test", "cancelledAt"}
    | {"sourceName", "totalPriceSet", "currentTotalPriceSet", "totalTaxSet", "totalRefundedSet"}
    | {"totalShippingPriceSet", "totalDiscountsSet", "totalRefundedShippingSet", "discountCodes"}
    | {"customerJourneySummary", "customAttributes"}
)
TROUBLES = {
    "THROTTLED": Trouble.LIMITED,
    "ACCESS_DENIED": Trouble.REFUSED,
    "SHOP_INACTIVE": Trouble.REFUSED,
    "MAX_COST_EXCEEDED": Trouble.TOO_MUCH,
    "INTERNAL_SERVER_ERROR": Trouble.TRANSIENT,
    "TIMEOUT": Trouble.TRANSIENT,
}
# Numbers, times and states: what is kept of an order or visit that is refused.
KEPT = frozenset(
    {"id", "createdAt", "cancelledAt", "displayFinancialStatus", "totalPriceSet"}
    | {"currentTotalPriceSet", "totalRefundedSet", "test", "occurredAt"}
)


def read_order(node: Mapping[str, Any], zone: tzinfo = UTC) -> dict[str, Any]:
    """Return the columns of an order, people still the shop's own ids.

    Times of the API name their zone; `zone` is for files in which somebody took it away.
    """
    journey = inner(node, "customerJourneySummary")
    ordered = read_time(node.get("createdAt"), zone, ())
    cancelled = read_time(node.get("cancelledAt"), zone, ())
    is_test = read_flag(node.get("test"))
    price = "totalPriceSet" if node.get("totalPriceSet") else "currentTotalPriceSet"
    return {
        "order_id": read_id(node.get("name")),
        "customer": tail(inner(node, "customer").get("id")),
        "visitor": f"order {tail(node.get('id'))}" if journey else None,
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


def visits_before(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the visits of an order's journey once each, however often they are told."""
    journey = inner(node, "customerJourneySummary")
    moments = inner(journey, "moments")
    told = [inner(edge, "node") for edge in each(moments, "edges")]
    told += [*each(moments, "nodes"), inner(journey, "firstVisit"), inner(journey, "lastVisit")]
    by_id = {str(visit["id"]): visit for visit in told if visit.get("id")}
    return list(by_id.values())


def read_visit(visit: Mapping[str, Any], order_gid: str, zone: tzinfo = UTC) -> dict[str, Any]:
    """Return the columns of a visit before an order."""
    began = read_time(visit.get("occurredAt"), zone, ())
    return {
        "visit_id": str(visit.get("id", "")).removeprefix("gid://shopify/"),
        "visitor": f"order {tail(order_gid)}",
        "occurred_at": began.at if began else None,
        **_touch_of_visit(visit),
    }


def updated_at(node: Mapping[str, Any]) -> datetime | None:
    """Return when an order last changed."""
    read = read_time(node.get("updatedAt"), UTC, ())
    return read.at if read else None


def read_error(data: Any, response: Response) -> Problem | None:
    """Return what an answer complains of; errors of a query come with status 200.

    `SiteChangedError` when this version of the interface does not understand the query.
    """
    errors = data.get("errors") if isinstance(data, dict) else None
    if not errors:
        return None
    if response.status >= 300 or not isinstance(errors, list):
        said = errors if isinstance(errors, str) else "no word"
        return problem_by_status({"message": said}, response) or Problem(
            Trouble.TRANSIENT, "HTTP 200", said
        )
    first = errors[0] if isinstance(errors[0], dict) else {}
    message = str(first.get("message") or "no word")
    code = str(inner(first, "extensions").get("code") or "")
    if code not in TROUBLES:
        raise SiteChangedError(
            f"shopify: {message:.300}; expected a query that this version of the interface knows. "
            "Set another one as options.api_version, or see docs/runbook.md#changed-site"
        )
    wait = seconds_until_points(data) if code == "THROTTLED" else None
    return Problem(TROUBLES[code], code, message, wait=wait)


def seconds_until_points(data: Any) -> float | None:
    """Return the seconds until a query like this one can be paid for; None when nothing tells."""
    cost = data.get("extensions", {}).get("cost", {}) if isinstance(data, dict) else {}
    throttle = cost.get("throttleStatus") or {}
    asked, left = cost.get("requestedQueryCost"), throttle.get("currentlyAvailable")
    restored = throttle.get("restoreRate")
    if asked is None or left is None or not restored:
        return None
    return max(0.0, (asked - left) / restored)


def tail(gid: Any) -> str | None:
    """Return the number at the end of a global id."""
    return str(gid).rpartition("/")[2] or None if gid else None


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
