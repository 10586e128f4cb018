"""Shops: orders by the time of their last change, the oldest change first.

An order that is paid, edited, refunded or cancelled later moves to the end of such a list, so a
walk misses nothing that happens meanwhile, and a walk that was cut short has read all changes up to
the last one it saw: the next goes on there, however long the history is. What is covered is
therefore time of changes. The last `revisit_days` are read again every time: a platform's search
lags behind, and the visits that led to an order are known only hours after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from lake import StopReason, Window
from scrapers.access.calls import Call, Steps
from scrapers.access.channel import Visit
from scrapers.access.cursor import MISREAD_IN_A_ROW, CursorSpider, CursorVisit
from scrapers.errors import ParsingFailedError, SiteChangedError
from scrapers.job import JobChannel
from scrapers.records import OrderRecord, Record

PREFIX = "order_prefix"
ODD = (ParsingFailedError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


class ShopSpider(CursorSpider):
    """Reads orders; a source says `orders_since`, `changed_at` and `read`."""

    lists: tuple[str, ...] = ("orders",)  # walked one after the other
    kept: frozenset[str] = frozenset()  # keys of a refused order that say nothing of a person

    def orders_since(self, visit: CursorVisit, name: str, since: datetime) -> Call:
        """Return the call for the orders of a list that changed at `since` or later."""
        raise NotImplementedError

    def changed_at(self, order: Mapping[str, Any]) -> datetime | None:
        """Return when an order last changed."""
        raise NotImplementedError

    def read(self, visit: CursorVisit, order: Mapping[str, Any]) -> Iterator[Record]:
        """Yield an order, then the visits that led to it; `ParsingFailedError` for an odd one."""
        raise NotImplementedError

    def base(self, visit: CursorVisit) -> str:
        """Every shop is a server of its own."""
        return visit.channel.url.rstrip("/")

    def limit_reached(self, visit: Visit) -> tuple[StopReason, str] | None:
        other = self._taken_for(visit.channel)
        if other is not None:
            return StopReason.ERROR, (
                f"channels.{visit.channel.id}: expected orders with numbers of their own, found "
                f"those of channels.{other} again; tell them apart with options: "
                f"{{{PREFIX}: {visit.channel.id}-}}"
            )
        return super().limit_reached(visit)

    # What a source uses.

    def prefix(self, channel: JobChannel) -> str:
        """Return what tells this shop's numbers from those of another shop of the source."""
        return str(channel.options.get(PREFIX, ""))

    def order(
        self, visit: CursorVisit, columns: Mapping[str, Any], unread: frozenset[str]
    ) -> OrderRecord:
        """Make a record of an order's columns."""
        number = columns["order_id"]
        if number is None:
            raise ParsingFailedError("missing_key", "expected the number of an order, found none")
        named = {**columns, "order_id": f"{self.prefix(visit.channel)}{number}"}
        return OrderRecord(
            channel_id=visit.channel.id, brand_id=visit.channel.brand, unread=unread, **named
        )

    def turn(
        self,
        visit: CursorVisit,
        name: str,
        orders: Any,
        following: Callable[[datetime | None], Call | None],
    ) -> Steps:
        """Take a page of orders, then ask for the one that follows its last change.

        A change behind the window belongs to the next crawl. It ends no list by itself: a search
        lags behind, so an order may stand where its former change put it.
        """
        if not isinstance(orders, list):
            raise SiteChangedError(
                f"{self.name}: expected a list of orders, found {type(orders).__name__}. The "
                "interface may have changed: docs/runbook.md#changed-site"
            )
        end = visit.channel.end
        dated = [(order, self._changed_at(order)) for order in orders]
        due = [(order, at) for order, at in dated if at is None or at < end]
        changes = [at for _, at in due if at is not None]
        self._require_order(changes)
        yield from self._read_each(visit, [order for order, _ in due])
        is_over = bool(orders) and not due
        after = None if is_over else following(changes[-1] if changes else None)
        if name == self.lists[-1]:  # the others were read whole before it
            self._note_read(visit, end if after is None else changes[-1] if changes else None)
        if after is not None:
            yield after

    # The walk.

    def _open_list(self, visit: CursorVisit) -> Steps:
        start = self._shown_from(visit)
        if start < visit.channel.end:
            yield from (self.orders_since(visit, name, start) for name in self.lists)

    def _shown_from(self, visit: CursorVisit) -> datetime:
        """Return where the walk begins: at the horizon, or where the platform shows anything."""
        return max((lost.window.end for lost in visit.lost), default=self.horizon(visit))

    def _note_read(self, visit: CursorVisit, until: datetime | None) -> None:
        start = self._shown_from(visit)
        if until is not None and start < until:
            visit.done = [Window(start, until)]

    def _read_each(self, visit: CursorVisit, orders: list[Any]) -> Iterator[Any]:
        """Yield what orders say; an odd one goes to quarantine without its people.

        `SiteChangedError` when not one of several could be read. Orders from before the channel's
        own `since` are left out.
        """
        odd = 0
        for order in orders:
            try:
                found = list(self.read(visit, order))
            except ODD as error:
                odd += 1
                if odd == len(orders) >= MISREAD_IN_A_ROW:
                    raise SiteChangedError(
                        f"{self.name}: none of {odd} orders could be read; the last: {error}. The "
                        "interface may have changed: docs/runbook.md#changed-site"
                    ) from None
                yield self._refused(visit, self._evidence(order), error, "orders")
                continue
            if found and visit.is_wanted(getattr(found[0], "ordered_at", None)):
                yield from found

    def _require_order(self, changes: list[datetime]) -> None:
        """Refuse a page out of order: the walk would miss what it believes to have passed."""
        if changes != sorted(changes):
            raise SiteChangedError(
                f"{self.name}: expected orders by their last change, the oldest first, found them "
                "out of that order. The interface may be too old: docs/runbook.md#changed-site"
            )

    def _changed_at(self, order: Any) -> datetime | None:
        try:
            return self.changed_at(order)
        except ODD:
            return None  # the order will be found odd, and the others tell how far the list is read

    def _evidence(self, order: Any) -> dict[str, Any]:
        if not isinstance(order, Mapping):
            return {"found": type(order).__name__}
        return {name: value for name, value in order.items() if name in self.kept}

    def _taken_for(self, channel: JobChannel) -> str | None:
        """Return an earlier channel of the job whose orders would bear the same numbers."""
        for other in self.job.channels:
            if other.id == channel.id:
                return None
            if self.prefix(other) == self.prefix(channel):
                return other.id
        return None
