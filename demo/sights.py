"""What can be known of the town, and by whom.

Two observers are asked for every answer. The witness knows everything that happened. The reader is
tireless and exact, but looks only at given instants and only through what the platforms show: what
was removed before a look, what fell off a short feed, what stood in the middle of a page too long
to show, whoever is not named. The distance between the two is no fault of any pipeline; the
distance between a pipeline and the reader is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from demo.cast import OFFICIAL, PLACES, SHOP, Audience, Place, Shape, find_channel, shown_fans
from demo.days import day_at
from demo.life import Post, Quirk, Reaction
from demo.people import Person
from demo.phrases import Saying
from demo.ptt import hidden_pushes
from demo.shop import Order, Trade, Visit
from demo.town import Town

FanCounts = dict[str, list[int | None]]  # by place id, from the town's first day on


class Act(NamedTuple):
    """An act as an observer records it; `author` is None when nobody is named.

    `noise` is why it is no voice, or would be if another has said the same (`copy`) before.
    """

    place: Place
    kind: str
    day: int
    author: int | None
    is_official: bool
    brands: tuple[str, ...]
    mood: str
    quoted: tuple[str, ...] = ()
    noise: str | None = None
    wording: str = ""
    at: int = 0

    @property
    def is_eligible(self) -> bool:
        return self.author is not None and not self.is_official


class Sale(NamedTuple):
    """An order as an observer records it; `buyer` tells distinct buyers apart.

    `known_person` is the inhabitant who bought, when the observer can tell.
    """

    buyer: str
    known_person: int | None
    day: int
    channel: str | None
    currency: str
    amount: int
    refund: int


class Observer(Protocol):
    """Where answers come from. Places are named by id."""

    now: int
    knows_everybody: bool  # sees through handles to the person behind them
    knows_people_of: frozenset[str]
    first_days: dict[str, int]  # day from which each place can be spoken of

    def sees(self, post: Post) -> Act | None:
        """What it records of a post; None when it never saw it."""

    def notices(self, reaction: Reaction) -> Act | None:
        """What it records of a reaction; None when it never saw it."""

    def sells(self, trade: Trade, order: Order) -> Sale:
        """What it records of an order."""

    def visited(self, trade: Trade, visit: Visit) -> tuple[str | None, str | None]:
        """(channel, visitor) that it records of a visit."""

    def fans_of(self, town: Town) -> FanCounts:
        """The fans of every place on each day; None where it does not know."""


LISTING = (Shape.BOARD, Shape.TALK, Shape.WALL, Shape.GAUGE)  # who asks hears of a whole window
_EVERYWHERE = frozenset(place.id for place in PLACES)


class Witness:
    """Knows everything that happened until `now`."""

    knows_everybody = True
    knows_people_of = _EVERYWHERE

    def __init__(self, town: Town, now: int) -> None:
        self.now = now
        self.first_days = {place.id: town.first for place in PLACES}

    def sees(self, post: Post) -> Act | None:
        if post.at > self.now:
            return None
        said = post.saying_at(self.now)
        return _act(post, said, post.author, said.brands + said.nicknamed)

    def notices(self, reaction: Reaction) -> Act | None:
        return _mark(reaction) if reaction.at <= self.now else None

    def sells(self, trade: Trade, order: Order) -> Sale:
        person = trade.person.index
        return _sale(order, f"p{person}", person, trade.true_channel(order), self.now)

    def visited(self, trade: Trade, visit: Visit) -> tuple[str | None, str | None]:  # noqa: ARG002
        return visit.origin, f"p{visit.person}"

    def fans_of(self, town: Town) -> FanCounts:
        return {place: list(counts) for place, counts in town.fan_counts.items()}


class Reader:
    """Knows what the platforms and files showed at `looks`, the last of which is now."""

    knows_everybody = False
    knows_people_of = frozenset(place.id for place in PLACES if place.shows_authors)

    def __init__(self, town: Town, looks: Sequence[int]) -> None:
        self.looks = tuple(sorted(looks))
        self.now = self.looks[-1]
        self._hidden = [_hidden_at(town, look) for look in self.looks]
        self.first_days = self._oldest_days(town)

    def sees(self, post: Post) -> Act | None:
        look = self._last_look(post)
        if look is None or Quirk.UNDATED in post.quirks:
            return None
        said = post.saying_at(look)
        author = post.author if post.place.shows_authors else None
        return _act(post, said, author, said.brands)

    def notices(self, reaction: Reaction) -> Act | None:
        was_there = any(reaction.exists_at(look) for look in self.looks)
        return _mark(reaction) if was_there else None

    def sells(self, trade: Trade, order: Order) -> Sale:
        """A buyer is known when the CRM tells a customer number that the order bears.

        WooCommerce knows a guest by the address again; to the others each guest is a new one.
        """
        guest = "guest" if trade.shop.source == "woocommerce" else order.order_id
        buyer = f"{trade.person.index} {order.customer_id or guest}"
        channel = trade.told_channel(order, self.now)
        is_known = order.customer_id is not None and _is_told(trade.person, SHOP, self.now)
        known = trade.person.index if is_known else None
        return _sale(order, buyer, known, channel, self.now)

    def visited(self, trade: Trade, visit: Visit) -> tuple[str | None, str | None]:
        """Analytics tell every visit; Shopify those alone that led to an order, one by one."""
        if trade.shop.source != "shopify":
            return find_channel(visit.touch), visit.visitor_id
        order = trade.ordered_after(visit, self.now)
        return (find_channel(visit.touch), order.order_id) if order else (None, None)

    def fans_of(self, town: Town) -> FanCounts:
        return {p.id: self._fans_told(p, town) for p in PLACES}

    def _fans_told(self, place: Place, town: Town) -> list[int | None]:
        """A file says it for the day; a site says at a look what the day before had come to."""
        counts = town.fan_counts[place.id]
        if not place.shows_fans:
            return [None] * len(counts)
        if place.audience is Audience.FILE:
            return list(counts)
        eves = [shown_fans(place, count) for count in (counts[0], *counts[:-1])]
        if place.audience is Audience.HISTORY:
            return list(eves)
        told: list[int | None] = [None] * len(eves)
        for offset in sorted(day_at(look) - town.first for look in self.looks):
            if offset < len(told):
                told[offset:] = [eves[offset]] * (len(told) - offset)
        return told

    def _oldest_days(self, town: Town) -> dict[str, int]:
        """A list reaches back for sure; a feed or file says nothing before its oldest."""
        days = {place.id: town.first for place in PLACES if place.shape in LISTING}
        for post in town.posts:
            if post.place.shape not in LISTING and (act := self.sees(post)) is not None:
                days[post.place.id] = min(act.day, days.get(post.place.id, act.day))
        return days

    def _last_look(self, post: Post) -> int | None:
        for look, hidden in zip(reversed(self.looks), reversed(self._hidden), strict=True):
            if post.exists_at(look) and id(post) not in hidden:
                return look
        return None


def _is_told(person: Person, source: str, now: int) -> bool:
    """Whether the CRM's export at `now` names this person in that source."""
    return person.is_member_on(day_at(now)) and source in person.told_handles


def _act(post: Post, said: Saying, author: int | None, brands: tuple[str, ...]) -> Act:
    return Act(
        place=post.place,
        kind=post.kind,
        day=day_at(post.at),
        author=author,
        is_official=author == OFFICIAL,
        brands=brands,
        mood=said.mood,
        quoted=said.quoted,
        noise=said.noise,
        wording=said.body,
        at=post.at,
    )


def _mark(reaction: Reaction) -> Act:
    """A mark on a giveaway is made for the prize; on any other noise it is a mark like any."""
    day, on = day_at(reaction.at), reaction.post.saying.noise
    noise = on if on == "giveaway" else None
    return Act(reaction.place, "reaction", day, reaction.author, False, (), "", noise=noise)


def _sale(order: Order, buyer: str, known: int | None, channel: str | None, now: int) -> Sale:
    day, refund = day_at(order.at), order.refund_at(now)
    return Sale(buyer, known, day, channel, order.currency, order.amount, refund)


def _hidden_at(town: Town, look: int) -> set[int]:
    """Posts that exist at a look and yet are not shown, by identity."""
    by_place: dict[str, list[Post]] = defaultdict(list)
    for post in town.posts:
        if post.exists_at(look):
            by_place[post.place.id].append(post)
    return {id(post) for posts in by_place.values() for post in _not_shown(posts, look)}


def _not_shown(posts: list[Post], look: int) -> Iterator[Post]:
    place = posts[0].place
    if place.cap is not None:
        yield from posts[: -place.cap]
    if place.shape is Shape.BOARD:
        threads = {post.post_id: post for post in posts if post.opens_thread}
        pushes: dict[str, list[Post]] = defaultdict(list)
        for post in posts:
            if not post.opens_thread:
                pushes[post.root.post_id].append(post)
        for post_id, answers in pushes.items():
            yield from hidden_pushes(threads[post_id], answers, look)
