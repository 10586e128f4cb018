"""What WooCommerce's REST API says: orders, with the attribution its core has noted since 8.5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from scrapy.http import Response

from lake.schemas import OrderStatus
from lake.times import Instant
from scrapers.access.calls import Problem, Trouble, problem_by_status
from scrapers.parsers.orders import (
    codes,
    each,
    inner,
    read_status,
    refunded_in_part,
    total_of,
    touch_of,
)
from scrapers.parsers.values import read_amount, read_id, read_time, read_word

ATTRIBUTION = "_wc_order_attribution_"
DRAFTS = frozenset({"checkout-draft", "auto-draft"})  # a checkout that nobody has finished
TAKEN = frozenset(
    {"id", "customer_id", "billing", "date_created", "date_created_gmt", "status", "created_via"}
    | {"total", "total_tax", "shipping_total", "discount_total", "refunds", "currency"}
    | {"coupon_lines", "meta_data"}
)
TROUBLES = {"woocommerce_rest_cannot_view": Trouble.REFUSED, "rest_forbidden": Trouble.REFUSED}
# Numbers, times and states: what is kept of an order that is refused.
KEPT = frozenset({"id", "status", "currency", "total", "total_tax", "date_created_gmt", "refunds"})


def placed_at(order: Mapping[str, Any], zone: tzinfo = UTC) -> Instant | None:
    """Return when an order was placed; `zone` is the site's, for answers without a time in UTC."""
    gmt = read_time(order.get("date_created_gmt"), UTC, ())
    return gmt or read_time(order.get("date_created"), zone, ())


def updated_at(order: Mapping[str, Any]) -> datetime | None:
    """Return when an order last changed."""
    read = read_time(order.get("date_modified_gmt"), UTC, ())
    return read.at if read else None


def read_error(data: Any, response: Response) -> Problem | None:
    """Return what an answer complains of: `{"code": …, "message": …, "data": {"status": …}}`."""
    said = data if isinstance(data, dict) else {}
    told = {"error": said.get("code"), "message": said.get("message")}
    return problem_by_status(told, response, TROUBLES)


def read_order(order: Mapping[str, Any], zone: tzinfo = UTC) -> dict[str, Any]:
    """Return the columns of an order, people still the shop's own ids."""
    ordered = placed_at(order, zone)
    amount, refund = read_amount(order.get("total")), _refund(order)
    status = read_status(order.get("status"))
    if refunded_in_part(status, amount, refund):
        status = OrderStatus.PARTIALLY_REFUNDED.value
    return {
        "order_id": read_id(order.get("id")),
        "customer": _customer(order),
        "ordered_at": ordered.at if ordered else None,
        "status": status,
        "sales_channel": read_word(order.get("created_via")),
        "amount": amount,
        "tax_amount": read_amount(order.get("total_tax")),
        "shipping_amount": read_amount(order.get("shipping_total")),
        "discount_amount": read_amount(order.get("discount_total")),
        "refund_amount": refund,
        "currency": read_word(order.get("currency")),
        "coupon": codes(coupon.get("code") for coupon in each(order, "coupon_lines")),
        **_touch(order),
    }


def _customer(order: Mapping[str, Any]) -> str | None:
    """The account; of somebody without one, the e-mail address."""
    account = read_id(order.get("customer_id"))
    return account if account not in (None, "0") else read_id(inner(order, "billing").get("email"))


def _refund(order: Mapping[str, Any]) -> Decimal | None:
    """Refunds are told below 0; an order without the list does not tell."""
    if order.get("refunds") is None:
        return None
    total = total_of(refund.get("total") for refund in each(order, "refunds"))
    return None if total is None else abs(total)


def _touch(order: Mapping[str, Any]) -> dict[str, str | None]:
    """What the purchase's own session came by; where a consent plugin kept it back, nothing."""
    noted = {
        str(meta.get("key", "")).removeprefix(ATTRIBUTION): meta.get("value")
        for meta in each(order, "meta_data")
        if str(meta.get("key", "")).startswith(ATTRIBUTION)
    }
    return touch_of(noted, noted.get("session_entry"), noted.get("referrer"))
