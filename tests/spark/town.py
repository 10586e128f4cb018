"""The demo's town, landed without its server: what each stretch of its days brings, by channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import yaml

from demo.cast import CRM, PLACES, SHOP, Place
from demo.configuration import configuration
from demo.days import midnight, taipei, utc
from demo.people import Person
from demo.shop import Order
from demo.town import Town
from tests.dbt.landing import Landing, Row, instant, member, order, post, reaction, visit
from tingchao.context import Context

TOWN = Town(people=60, days=45, end=date(2026, 3, 2))
OTHERS = [
    {"id": "board", "source": "ptt", "address": "Tea", "official_accounts": ["shop"]},
    {"id": "file", "source": "ptt", "address": "File"},
]
"""Channels of tests.dbt.history that the town does not have."""


def town_configuration() -> str:
    """Return the town's configuration with the history's channels beside its own."""
    settings = yaml.safe_load(configuration())
    settings |= {"data_dir": "data", "channels": [*settings["channels"], *OTHERS]}
    for channel in settings["channels"]:
        channel.pop("since", None)
    return yaml.dump(settings, allow_unicode=True, sort_keys=False)


@dataclass
class Settling:
    """Lands the town, one stretch after the other."""

    context: Context
    landing: Landing
    landed_until: int = TOWN.opens_at

    def land(self, at: str) -> None:
        """Land all that the town did since the last time and before `at`, committed at `at`."""
        since, until = self.landed_until, int(instant(at).timestamp())
        covered = (f"{taipei(since):%Y-%m-%d %H:%M}", at)
        for place in PLACES:
            self.landing.land(
                at,
                place.id,
                source=place.source,
                covered=None if place.source == "fanpage" else covered,  # a file covers nothing
                posts=list(self._posts(place, since, until)),
                reactions=list(self._reactions(place, since, until)),
                channels=list(_fan_counts(place, since, until)),
            )
        self._land_shop(at, since, until)
        members = [m for trade in TOWN.trades if (m := self._member(trade.person, at, since))]
        self.landing.land(at, "crm", source=CRM, route="import", members=members)
        self.landed_until = until

    def _land_shop(self, at: str, since: int, until: int) -> None:
        """Orders come again when they have changed; visits come once."""
        orders = [o for trade in TOWN.trades for o in trade.orders if o.at < until]
        visits = [v for trade in TOWN.trades for v in trade.visits if since <= v.at < until]
        self.landing.land(
            at,
            "shop",
            source=SHOP,
            route="import",
            orders=[self._order(o, until) for o in orders if _is_told(o, since, until)],
            visits=[
                visit(
                    v.visit_id,
                    f"{taipei(v.at):%Y-%m-%d %H:%M:%S}",
                    self._key(SHOP, v.visitor_id),
                    **_touch(v.touch),
                )
                for v in visits
            ],
        )

    def _posts(self, place: Place, since: int, until: int) -> Iterator[Row]:
        for said in TOWN.posts:
            if said.place is place and since <= said.at < until:
                saying = said.saying_at(until)
                native = TOWN.population.native_author(place, said.author)
                yield post(
                    said.post_id,
                    f"{taipei(said.at):%Y-%m-%d %H:%M:%S}",
                    self._key(place.source, native) if place.shows_authors else None,
                    kind=said.kind.value,
                    text="\n".join(part for part in (saying.title, saying.body) if part),
                    parent_id=said.parent.post_id if said.parent else None,
                )

    def _reactions(self, place: Place, since: int, until: int) -> Iterator[Row]:
        for act in TOWN.reactions:
            if act.place is place and since <= act.at < until:
                native = TOWN.population.native_author(place, act.author)
                at = f"{taipei(act.at):%Y-%m-%d %H:%M:%S}"
                yield reaction(act.post.post_id, at, self._key(place.source, native), act.kind)

    def _order(self, bought: Order, until: int) -> Row:
        refund = bought.refund_at(until)
        return order(
            bought.order_id,
            f"{taipei(bought.at):%Y-%m-%d %H:%M:%S}",
            f"{bought.amount / 100:.2f}",
            status=bought.status_at(until),
            refund_amount=f"{refund / 100:.2f}" if refund else None,
            customer_key=self._key(SHOP, bought.customer_id),
            visitor_key=self._key(SHOP, bought.visitor_id),
            brand_id="wuyu",
            currency=bought.currency,
            **_touch(bought.touch),
        )

    def _member(self, person: Person, at: str, since: int) -> Row | None:
        if person.member_since is None or midnight(person.member_since) < since != TOWN.opens_at:
            return None
        handles = [
            (source, self._key(source, person.native_id(source)) or "")
            for source in sorted(person.told_handles)
        ]
        return member(f"member-{person.index}", at, handles)

    def _key(self, source: str, native: str | None) -> str | None:
        return self.context.pseudonyms.key(source, native) if native else None


def _fan_counts(place: Place, since: int, until: int) -> Iterator[Row]:
    for offset, count in enumerate(TOWN.fan_counts[place.id] if place.shows_fans else ()):
        observed = midnight(TOWN.first + offset + 1) - 60
        if since <= observed < until:
            yield {"observed_at": utc(observed), "fan_count": count, "fan_count_how": "exact"}


def _is_told(bought: Order, since: int, until: int) -> bool:
    if bought.at >= since:
        return True
    then, now = ((bought.status_at(end), bought.refund_at(end)) for end in (since, until))
    return then != now


def _touch(touch: tuple[str | None, ...]) -> Row:
    return dict(zip(("utm_source", "utm_medium", "utm_campaign"), touch[:3], strict=True))
