"""Visits to the own brand's shops and orders there, person by person.

Money is in hundredths of the currency. Both the channel that truly brought an order and the one
that can be told from what was recorded are worked out here, for here both are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from demo.cast import STRANGE_TOUCHES, TOUCHES, Shop, Touch, find_channel, shop_of
from demo.days import DAY, day_at, midnight, month_end, months_between, number_of
from demo.draw import between, happens, open_stream, pick, pick_weighted
from demo.people import Person
from demo.plan import hour_of

LOOKBACK_DAYS = 30
COUPON_WORTH = 5000
JOURNEY_READY_AFTER = 6 * 3600  # seconds until Shopify tells what led to an order
NO_TOUCH: Touch = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Visit:
    """One session: where it truly came from, and what the analytics recorded of that."""

    visit_id: str
    person: int
    visitor_id: str | None
    at: int
    origin: str | None
    touch: Touch


@dataclass(frozen=True, slots=True)
class Order:
    """An order and what becomes of it; `status_at` and `refund_at` tell it at an instant."""

    order_id: str
    person: int
    customer_id: str | None
    visitor_id: str | None
    at: int
    amount: int
    shipping: int
    currency: str
    touch: Touch
    coupon: str | None
    is_test: bool
    paid_at: int
    cancelled_at: int | None
    refunded_at: int | None
    refund: int

    @property
    def goods(self) -> int:
        """What the goods cost, after the discount, tax included."""
        return self.amount - self.shipping

    @property
    def tax(self) -> int:
        return self.goods // 21

    @property
    def discount(self) -> int:
        return COUPON_WORTH if self.coupon else 0

    def status_at(self, at: int) -> str:
        if self.is_test:
            return "test"
        if self.cancelled_at is not None and self.cancelled_at <= at:
            return "cancelled"
        if self.refunded_at is not None and self.refunded_at <= at and self.refund == self.amount:
            return "refunded"
        return "paid" if self.paid_at <= at else "pending"

    def refund_at(self, at: int) -> int:
        return self.refund if self.refunded_at is not None and self.refunded_at <= at else 0

    def counts_at(self, at: int) -> bool:
        return self.status_at(at) not in ("cancelled", "test")

    def changed_at(self, at: int) -> int:
        """When it last changed, of what had happened to it at an instant."""
        moments = (self.at, self.paid_at, self.cancelled_at, self.refunded_at)
        return max(moment for moment in moments if moment is not None and moment <= at)


@dataclass(frozen=True, slots=True)
class Trade:
    """All visits and orders of one person, each in order of time."""

    person: Person
    visits: list[Visit]
    orders: list[Order]

    def true_channel(self, order: Order) -> str | None:
        """The place that the person last came from within the lookback."""
        for visit in self._before(order):
            if visit.origin is not None:
                return visit.origin
        return None

    def told_channel(self, order: Order, now: int) -> str | None:
        """Last touch by what was recorded: same visitor key, else the order's own link."""
        visits = self.told_visits(order, now)
        for visit in reversed(visits):
            channel = find_channel(visit.touch)
            if channel is not None:
                return channel
        has_journey = self.shop.source == "shopify" and visits
        return find_channel(visits[-1].touch if has_journey else order.touch)

    def told_visits(self, order: Order, now: int) -> list[Visit]:
        """Visits that are known to have led to an order, the oldest first.

        Analytics know the visitor of an order, Shopify its journey, WooCommerce neither.
        """
        if order.visitor_id is None or self.shop.source == "woocommerce":
            return []
        if self.shop.source == "shopify":
            is_ready = order.at + JOURNEY_READY_AFTER <= now
            return self.journey(order) if is_ready else []
        return [v for v in self._before(order) if v.visitor_id == order.visitor_id][::-1]

    def journey(self, order: Order) -> list[Visit]:
        """The visits since the order before, no longer ago than the lookback, the oldest first."""
        earlier = max((o.at for o in self.orders if o.at < order.at), default=0)
        return [v for v in self._before(order) if v.visitor_id and v.at > earlier][::-1]

    def ordered_after(self, visit: Visit, now: int) -> Order | None:
        """The order in whose journey a visit is told by `now`, if it is."""
        told = (o for o in self.orders if o.at <= now and visit in self.told_visits(o, now))
        return next(told, None)

    @property
    def shop(self) -> Shop:
        return shop_of(self.person.index)

    def _before(self, order: Order) -> Iterator[Visit]:
        for visit in reversed(self.visits):
            if order.at - LOOKBACK_DAYS * DAY <= visit.at <= order.at:
                yield visit


def trade_of(seed: int, person: Person, first: int, last: int) -> Trade:
    """Draw what a person does in the shop on the days first … last."""
    visits: list[Visit] = []
    orders: list[Order] = []
    for year, month in months_between(first, last):
        start = date(year, month + 1, 1)
        stream = open_stream(seed, "trade", person.index, start.isoformat())
        for day in range(number_of(start), number_of(month_end(start)) + 1):
            _live_day(stream, person, day, visits, orders)
    earliest, latest = midnight(first), midnight(last + 1)
    kept_visits = [v for v in visits if earliest <= v.at < latest]
    kept_orders = [o for o in orders if earliest <= o.at < latest]
    return Trade(
        person,
        sorted(kept_visits, key=lambda v: (v.at, v.visit_id)),
        sorted(kept_orders, key=lambda o: (o.at, o.order_id)),
    )


def _live_day(
    stream: Random, person: Person, day: int, visits: list[Visit], orders: list[Order]
) -> None:
    """One day of one person: two draws, and more only when something happens."""
    browses = stream.random() < 0.003 * len(person.memberships) + person.buying
    buys = stream.random() < person.buying
    name = f"{person.index:06d}-{day}"
    if browses:
        visits.append(_visit(stream, person, f"s{name}-0", midnight(day) + hour_of(stream)))
    if buys:
        at = midnight(day) + hour_of(stream)
        visit = _visit(stream, person, f"s{name}-1", at - between(stream, 120, 5400))
        if happens(stream, 0.75):
            visits.append(visit)
        orders.append(_order(stream, person, f"W{name}", at, visit.touch))


def _visit(stream: Random, person: Person, visit_id: str, at: int) -> Visit:
    day = day_at(at)
    homes = [
        (m.place.id, 4.0 if m.acts else 1.0)
        for m in person.memberships
        if m.place.id in TOUCHES and m.follows_on(day)
    ]
    wanders, loses = stream.random(), stream.random()
    strange = pick(stream, STRANGE_TOUCHES)
    origin = pick_weighted(stream, homes) if homes and wanders < 0.75 else None
    touch = TOUCHES[origin] if origin is not None else strange
    if loses < 0.08:
        touch = NO_TOUCH
    return Visit(visit_id, person.index, person.visitor_id, at, origin, touch)


def _order(stream: Random, person: Person, order_id: str, at: int, touch: Touch) -> Order:
    is_guest, tells_visitor, tells_touch = (happens(stream, p) for p in (0.15, 0.8, 0.7))
    fate = stream.random()
    is_foreign = happens(stream, 0.03)
    shipping = pick(stream, (0, 0, 6000, 10000))
    amount = between(stream, 9, 130) * 1000 + shipping + (between(stream, 0, 99) * is_foreign)
    later, part = between(stream, 1, 14) * DAY + between(stream, 0, DAY - 1), stream.random()
    refund = amount if fate < 0.10 else int(amount * part) // 100 * 100
    return Order(
        order_id=order_id,
        person=person.index,
        customer_id=None if is_guest else person.customer_id,
        visitor_id=person.visitor_id if tells_visitor else None,
        at=at,
        amount=amount,
        shipping=shipping,
        currency="HKD" if is_foreign else "TWD",
        touch=touch if tells_touch else NO_TOUCH,
        coupon=pick(stream, (None, None, None, "FALL26", "TEA50")),
        is_test=fate >= 0.99,
        paid_at=at + between(stream, 30, 7200),
        cancelled_at=at + later // 4 if fate < 0.05 else None,
        refunded_at=at + later if 0.05 <= fate < 0.14 else None,
        refund=refund if 0.05 <= fate < 0.14 else 0,
    )
