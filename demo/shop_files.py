"""What the shop's own systems export: Shopify's orders, GA4's events, Meta's spend.

Each in the system's true layout, with the columns of names and contacts that nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from zlib import crc32

from demo.cast import SHOP, Touch
from demo.days import date_of, day_at, midnight, taipei
from demo.draw import between, happens, open_stream, pick
from demo.people import Person
from demo.shop import Order, Visit
from demo.town import Town

SHOP_URL = "https://shop.wuyu.example/"
NAMELESS = "王小明"
DRINKS = (("霧頂鮮奶茶", "TEA-01"), ("四季春青茶", "TEA-02"), ("黑糖珍珠", "TEA-03"))
TEST_GATEWAY = "(for testing) Bogus Gateway"
CAMPAIGN, CAMPAIGN_ID = "秋季新品 autumn", "120210000000000001"
AD_SETS = (("北部 20-34", "120210000000000011"), ("中南部 20-34", "120210000000000012"))

_ORDERS = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,"
    "Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,"
    "Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,"
    "Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Phone"
)
ORDERS = tuple(_ORDERS.split(","))
SPEND = (
    "分析報告開始",
    "分析報告結束",
    "天數",
    "行銷活動名稱",
    "行銷活動編號",
    "廣告組合名稱",
    "廣告組合編號",
    "花費金額 (TWD)",
    "曝光次數",
    "連結點擊次數",
    "觸及人數",
)


def contact(person: Person) -> str:
    return f"person{person.index}@mail.example"


def orders(town: Town, at: int) -> Iterator[tuple[object, ...]]:
    """Orders as they stand, a row per line item; about five orders in a hundred come twice."""
    for trade in town.trades_in(SHOP):
        for order in trade.orders:
            if order.at <= at:
                rows = list(_rows_of(trade.person, order, at))
                yield from rows
                if happens(open_stream("twice", order.order_id), 0.05):
                    yield from rows


def _rows_of(person: Person, order: Order, at: int) -> Iterator[tuple[object, ...]]:
    """The first row has the order, every row a line item."""
    for number, (drink, sku, price) in enumerate(basket(order)):
        told = {
            "Name": order.order_id,
            "Email": contact(person) if order.customer_id else "",
            "Created at": _stamp(order.at),
            "Lineitem quantity": 1,
            "Lineitem name": drink,
            "Lineitem price": amount(price),
            "Lineitem sku": sku,
            "Lineitem requires shipping": "true",
            "Lineitem taxable": "true",
            "Lineitem fulfillment status": "pending",
            "Vendor": "霧嶼茶研",
            "Lineitem discount": "0.00",
            **({} if number else _order_cells(person, order, at)),
        }
        yield tuple(told.get(column, "") for column in ORDERS)


def _order_cells(person: Person, order: Order, at: int) -> dict[str, object]:
    is_cancelled = order.cancelled_at is not None and order.cancelled_at <= at
    address = {"Name": NAMELESS, "Street": "測試路 1 號", "City": "臺北市", "Zip": "'100"}
    return {
        "Financial Status": _financial_status(order, at),
        "Paid at": _stamp(order.paid_at) if order.paid_at <= at else "",
        "Fulfillment Status": "unfulfilled",
        "Accepts Marketing": "yes",
        "Currency": order.currency,
        "Subtotal": amount(order.goods),
        "Shipping": amount(order.shipping),
        "Taxes": amount(order.tax),
        "Total": amount(order.amount),
        "Discount Code": order.coupon or "",
        "Discount Amount": amount(order.discount),
        "Shipping Method": "宅配",
        **{f"{kind} {k}": v for kind in ("Billing", "Shipping") for k, v in address.items()},
        "Billing Phone": "0900-000-000",
        "Notes": "放管理室,\n謝謝" if person.index % 7 == 0 else "",
        "Note Attributes": "\n".join(noted(order)),
        "Cancelled at": _stamp(order.cancelled_at) if is_cancelled and order.cancelled_at else "",
        "Payment Method": TEST_GATEWAY if order.is_test else "ECPay",
        "Payment Reference": f"c{crc32(order.order_id.encode())}.1",
        "Refunded Amount": amount(order.refund_at(at)),
        "Outstanding Balance": "0.00",
        "Id": str(5_500_000_000_000 + crc32(order.order_id.encode())),
        "Risk Level": "Low",
        "Source": "web",
        "Tax 1 Name": "VAT 5%",
        "Tax 1 Value": amount(order.tax),
        "Phone": "0900-000-000",
    }


def _financial_status(order: Order, at: int) -> str:
    """Shopify's word for the money: it knows no test orders, and a cancelled one is voided."""
    status = order.status_at(at)
    if status == "paid" and order.refund_at(at):
        return "partially_refunded"
    return {"test": "paid", "cancelled": "voided"}.get(status, status)


def noted(order: Order) -> Iterator[str]:
    """What the shop's theme writes on the order: the visitor and where the session came from."""
    source, medium, campaign, host = order.touch
    if order.visitor_id is not None:
        yield f"_ga_client_id: GA1.1.{browser(order.visitor_id)}"
    for name, value in (("source", source), ("medium", medium), ("campaign", campaign)):
        if value:
            yield f"utm_{name}: {value}"
    if host:
        yield f"referrer: https://{host}/"


def basket(order: Order) -> list[tuple[str, str, int]]:
    """What was bought: drink, number and price of each line, before the discount."""
    stream = open_stream("basket", order.order_id)
    prices = _split(order.goods + order.discount, between(stream, 1, 3))
    return [(*pick(stream, DRINKS), price) for price in prices]


def _split(total: int, parts: int) -> list[int]:
    """Cut an amount into whole dollars, the rest on the last."""
    each = total // parts // 100 * 100
    return [each] * (parts - 1) + [total - each * (parts - 1)]


def browser(visitor_id: str) -> str:
    """The analytics' id of a visitor's browser."""
    number = int(visitor_id.removeprefix("v-"), 16)
    return f"{1_000_000_000 + number * 7919}.{1_780_000_000 + number}"


def events(town: Town, at: int) -> Iterator[str]:
    """The analytics' events, one JSON object a line; about one in a hundred comes twice.

    Shopify keeps its own record of visits; to measure that shop too would count them twice.
    """
    for trade in town.trades:
        for visit in trade.visits:
            if visit.at <= at and trade.shop.source != "shopify":
                for event in _events_of(visit):
                    line = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
                    yield line
                    if crc32(line.encode()) % 100 == 0:
                        yield line


def _events_of(visit: Visit) -> Iterator[dict[str, object]]:
    """The start and the page; of who refused to be measured the page alone, without a session."""
    page, query = f"{SHOP_URL}menu", utm_query(visit.touch)
    if visit.visitor_id is not None:
        yield _event(visit, "session_start", page + query)
    yield _event(visit, "page_view", page + query)


def _event(visit: Visit, name: str, page: str) -> dict[str, object]:
    micros = crc32(visit.visit_id.encode()) % 1_000_000
    host = visit.touch[3]
    params: list[dict[str, object]] = [_param("page_location", page)]
    if host:
        params.append(_param("page_referrer", f"https://{host}/"))
    if visit.visitor_id is not None:
        params.insert(0, {"key": "ga_session_id", "value": {"int_value": str(visit.at)}})
    return {
        "event_date": f"{date_of(day_at(visit.at)):%Y%m%d}",
        "event_timestamp": str(visit.at * 1_000_000 + micros),
        "event_name": name,
        "event_params": params,
        "user_pseudo_id": browser(visit.visitor_id) if visit.visitor_id else None,
        # who first brought the user, which is not what brought this visit
        "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "deals"},
        "collected_traffic_source": _collected(visit.touch),
        "geo": {"country": "Taiwan", "city": "Taipei"},
        "platform": "WEB",
        "stream_id": "4100000001",
    }


def _param(key: str, value: str) -> dict[str, object]:
    return {"key": key, "value": {"string_value": value}}


def _collected(touch: Touch) -> dict[str, str] | None:
    names = ("manual_source", "manual_medium", "manual_campaign_name")
    told = {name: value for name, value in zip(names, touch[:3], strict=True) if value}
    return told or None


def utm_query(touch: Touch) -> str:
    names = ("utm_source", "utm_medium", "utm_campaign")
    told = [f"{name}={value}" for name, value in zip(names, touch[:3], strict=True) if value]
    return f"?{'&'.join(told)}" if told else ""


def spend(town: Town, at: int) -> Iterator[tuple[object, ...]]:
    """What the page's autumn campaign cost on each closed day, by ad set; a total stands on top."""
    days = [day for day in range(town.first, day_at(at)) if midnight(day + 1) <= at]
    rows = [_spend_row(day, *ad_set) for day in days for ad_set in AD_SETS]
    if rows:
        cost = sum(_cost(day, ad_set) for day in days for ad_set, _ in AD_SETS)
        yield rows[0][0], rows[-1][0], *[""] * 5, amount(cost), "", "", ""
    yield from rows


def _spend_row(day: int, ad_set: str, ad_set_id: str) -> tuple[object, ...]:
    date, cost = date_of(day).isoformat(), _cost(day, ad_set)
    shown = cost // 4
    told = (CAMPAIGN, CAMPAIGN_ID, ad_set, ad_set_id, amount(cost))
    return (date, date, date, *told, f"{shown:,}", shown // 90, shown // 2)


def _cost(day: int, ad_set: str) -> int:
    """Hundredths of a dollar."""
    return between(open_stream("spend", ad_set, day), 30_000, 90_000)


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _stamp(at: int) -> str:
    return taipei(at).strftime("%Y-%m-%d %H:%M:%S %z")
