"""Orders from files that have a row per line item: amounts are added up, the rest is told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from lake.schemas import MONEY, TABLES, OrderStatus
from scrapers.errors import ParsingFailedError
from scrapers.importers.mapping import Mapped

AMOUNTS = tuple(field.name for field in TABLES["orders"] if field.type == MONEY)
GIVEN_BACK = frozenset({OrderStatus.REFUNDED.value, OrderStatus.CANCELLED.value})
# Of lines in several states the first of these is the order's.
FIRST_OF = (OrderStatus.TEST.value, OrderStatus.PARTIALLY_REFUNDED.value, OrderStatus.PENDING.value)


class OrderLines:
    """The lines of a file by order, in the order in which orders were first seen."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Mapped]] = {}
        self._broken: set[str] = set()

    def take(self, line: Mapped) -> None:
        """Take one line; one without an order's id is refused like any record without one."""
        order_id = line.record.get("order_id")
        if order_id is None:
            raise ParsingFailedError("missing_value", "order_id: required, found nothing")
        self._lines.setdefault(order_id, []).append(line)

    def miss(self, order_id: str | None) -> None:
        """Note that a line of this order could not be read: its sum is not known."""
        if order_id is not None:
            self._broken.add(order_id)

    def orders(self) -> Iterator[tuple[str, list[Mapped]]]:
        """Yield every order that has a line that could be read."""
        yield from self._lines.items()

    def joined(self, order_id: str, lines: Sequence[Mapped]) -> Mapped:
        """Return one order; `ParsingFailedError` when its lines do not make one."""
        if order_id in self._broken:
            raise ParsingFailedError(
                "line_refused", "another line of this order was refused, so its sum is not known"
            )
        records = [line.record for line in lines]
        currencies = {record.get("currency") for record in records}
        if len(currencies) > 1:
            raise ParsingFailedError(
                "two_currencies", f"expected one currency an order, found {len(currencies)}"
            )
        told: dict[str, Any] = {}
        for record in records:
            told.update({k: v for k, v in record.items() if told.get(k) is None})
        told.update({name: _sum(records, name) for name in AMOUNTS if name in told})
        times = [line.happened for line in lines if line.happened is not None]
        return Mapped({**told, **_state(records, told)}, times[0] if times else None)


def _sum(records: Sequence[dict[str, Any]], name: str) -> Decimal | None:
    """Add up a column. Parts such as shipping may stand on one line only; the amount may not."""
    said = [record[name] for record in records if record.get(name) is not None]
    if not said or (name == "amount" and len(said) < len(records)):
        return None
    return sum(said, Decimal(0))


def _state(records: Sequence[dict[str, Any]], told: dict[str, Any]) -> dict[str, Any]:
    """One state for the whole; lines that were given back among others are a part of it."""
    states = {record.get("status") for record in records}
    if len(states) == 1:
        return {"status": states.pop()}
    if states <= GIVEN_BACK:
        return {"status": OrderStatus.REFUNDED.value}
    back = [record for record in records if record.get("status") in GIVEN_BACK]
    if not back or OrderStatus.TEST.value in states:
        return {"status": next((state for state in FIRST_OF if state in states), None)}
    refund = told.get("refund_amount")
    return {
        "status": OrderStatus.PARTIALLY_REFUNDED.value,
        "refund_amount": _sum(back, "amount") if refund is None else refund,
    }
