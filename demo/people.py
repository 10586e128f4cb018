"""The people of the town, each drawn from a stream of their own.

A person is an index. Whatever a person is, joins or owns depends on the town's seed and that index
alone, never on how many others there are or how many days are looked at.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import NamedTuple

from demo.cast import BRANDS, MASTER, OFFICIAL, PLACES, SHOP, Place, Shape
from demo.draw import between, happens, open_stream, pick, pick_weighted

BOARD_MASTER = "teamaster"
TWINS_EVERY = 200  # one pair of namesakes among so many people
_STEMS = (
    *("milk", "tea", "momo", "kiki", "lulu", "panda", "mochi", "latte", "taro", "boba", "sunny"),
    *("rainy", "coco", "neko", "shiba", "yuki", "hana", "leo", "amy", "nana", "pudding"),
)
_NICKS = ("小鹿", "阿福", "糖糖", "豆花", "团子", "可可", "小米", "大橘", "七七", "橙子")


class Role(StrEnum):
    """What a person does in town."""

    FAN = "fan"
    IRON = "iron"  # acts twice as often and never leaves
    HUNTER = "hunter"  # acts under giveaways only
    SILENT = "silent"  # follows, reads, may buy, never says a word


_ROLES = ((Role.FAN, 40.0), (Role.IRON, 4.0), (Role.HUNTER, 6.0), (Role.SILENT, 50.0))
_LEANINGS: tuple[tuple[str | None, float], ...] = (
    (BRANDS[0].id, 42.0),
    (BRANDS[1].id, 24.0),
    (BRANDS[2].id, 14.0),
    (None, 20.0),
)


@dataclass(frozen=True, slots=True)
class Membership:
    """That a person follows a place: from `joined` (a day) until before `left`, if ever."""

    place: Place
    joined: int
    left: int | None
    acts: bool
    pace: float
    pauses: tuple[tuple[int, int], ...]  # days first … last without any act

    def follows_on(self, day: int) -> bool:
        return self.joined <= day and (self.left is None or day < self.left)

    def may_act_on(self, day: int) -> bool:
        return self.follows_on(day) and not any(a <= day <= b for a, b in self.pauses)


class Character(NamedTuple):
    """What decides how somebody talks; cheap to draw, asked once for every act."""

    role: Role
    leaning: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """One inhabitant; ids are the platforms' native ones, as they stand in pages and files."""

    index: int
    role: Role
    leaning: str | None
    memberships: tuple[Membership, ...]
    buying: float  # orders per day in the own brand's shop
    ptt_id: str
    feed_name: str
    page_id: str
    customer_id: str
    visitor_id: str | None  # None: never agreed to be measured
    member_since: int | None  # day of joining the CRM
    told_handles: frozenset[str]  # sources whose handle the CRM knows

    def is_member_on(self, day: int) -> bool:
        return self.member_since is not None and self.member_since <= day

    def native_id(self, source: str) -> str:
        """The person's id on a platform."""
        ids = {"ptt": self.ptt_id, "feed": self.feed_name, "fanpage": self.page_id}
        return self.customer_id if source == SHOP else ids[source]


class People:
    """The population of a town: `people.person(index)` for 0 … size-1."""

    def __init__(self, seed: int, size: int, end: int) -> None:
        self.seed, self.size, self.end = seed, size, end

    def character(self, index: int) -> Character:
        stream = open_stream(self.seed, "character", index)
        return Character(pick_weighted(stream, _ROLES), pick_weighted(stream, _LEANINGS))

    def person(self, index: int) -> Person:
        role, leaning = self.character(index)
        stream = open_stream(self.seed, "person", index)
        joins = [self._join(index, role, leaning, place) for place in PLACES]
        memberships = tuple(m for m in joins if m is not None)
        return Person(
            index=index,
            role=role,
            leaning=leaning,
            memberships=memberships,
            buying=_buying(stream, leaning, memberships),
            ptt_id=ptt_id(self.seed, index),
            feed_name=feed_name(self.seed, index),
            page_id=page_id(index),
            customer_id=f"C{100_000 + index}",
            visitor_id=f"v-{index:06x}" if happens(stream, 0.85) else None,
            member_since=self.end - between(stream, 0, 700) if happens(stream, 0.6) else None,
            told_handles=_told_handles(stream),
        )

    def native_author(self, place: Place, author: int) -> str:
        """The id or name under which an author appears in a place, official accounts included."""
        if author == OFFICIAL:
            return place.official or place.title
        if author == MASTER:
            return BOARD_MASTER
        named = _ACCOUNTS.get(place.source, feed_name)
        return named(self.seed, author)

    def _join(self, index: int, role: Role, leaning: str | None, place: Place) -> Membership | None:
        stream = open_stream(self.seed, "join", index, place.id)
        share = place.join * _affinity(leaning, place)
        if not happens(stream, min(share, 0.95)):
            return None
        joined = self.end - int(stream.random() ** 2 * 900)
        left = joined + between(stream, 20, 900) if happens(stream, 0.08) else None
        acts = happens(stream, place.act * _talkativeness(role, place))
        pace = place.pace * (0.3 + 1.4 * stream.random()) * (2.0 if role is Role.IRON else 1.0)
        return Membership(place, joined, left, acts, pace, self._pauses(stream, role, joined))

    def _pauses(self, stream: Random, role: Role, joined: int) -> tuple[tuple[int, int], ...]:
        """Two in ten fall silent for good some day, two in ten come back after weeks."""
        fate, first = stream.random(), max(joined, self.end - 240) + between(stream, 5, 220)
        length = between(stream, 25, 70)
        if role is Role.IRON or fate >= 0.4:
            return ()
        return ((first, first + length if fate < 0.2 else 1 << 30),)


def _affinity(leaning: str | None, place: Place) -> float:
    if place.brand is None:
        return 1.0
    return 1.35 if leaning == place.brand else 0.65


def _talkativeness(role: Role, place: Place) -> float:
    """Roles shift who talks; hunters talk on pages only, and there only to win something."""
    if role is Role.SILENT:
        return 0.0
    if role is Role.HUNTER:
        return 4.0 if place.shape is Shape.PAGE else 0.0
    return 2.2 if role is Role.FAN else 3.0


def _buying(stream: Random, leaning: str | None, memberships: tuple[Membership, ...]) -> float:
    """Orders per day: leaning counts, and whoever talks on the tea board buys most."""
    draw = stream.random()
    base = {"wuyu": 0.02, None: 0.004}.get(leaning, 0.002)
    talks = any(m.acts and m.place.id == "ptt-teadrink" for m in memberships)
    return base * (3.0 if talks else 1.0) if draw < 0.5 else 0.0


def _told_handles(stream: Random) -> frozenset[str]:
    """The CRM knows a customer number for most members, the other handles for some."""
    shares = (("ptt", 0.45), ("feed", 0.30), ("fanpage", 0.55), (SHOP, 0.90))
    return frozenset(source for source, share in shares if happens(stream, share))


def ptt_id(seed: int, index: int) -> str:
    """2–12 letters and digits, unique through the index."""
    return f"{pick(open_stream(seed, 'ptt', index), _STEMS)}{index}"


def page_id(index: int) -> str:
    """Fifteen digits, scoped to pages."""
    return str(700_000_000_000_000 + index * 7919)


def feed_name(seed: int, index: int) -> str:
    """Display name in feeds; some bear the very name that a neighbour bears on PTT."""
    if is_namesake(index):
        return ptt_id(seed, index - 1)
    return f"{pick(open_stream(seed, 'feed', index), _NICKS)}{index}"


def account_number(stem: int) -> Callable[[int, int], str]:
    """Account numbers of a platform: its stem and the index, spread out."""
    return lambda _, index: str(stem + index * 7919)


def channel_code(seed: int, index: int) -> str:
    """YouTube's id of a channel: UC and 22 letters, digits, - and _."""
    digest = hashlib.sha256(f"{seed} youtube {index}".encode()).digest()
    return f"UC{base64.urlsafe_b64encode(digest).decode()[:22]}"


def decentralised_id(seed: int, index: int) -> str:
    """Bluesky's id of an account: did:plc: and 24 letters and digits of base 32."""
    digest = hashlib.sha256(f"{seed} bluesky {index}".encode()).digest()
    return f"did:plc:{base64.b32encode(digest).decode().lower()[:24]}"


def user_name(seed: int, index: int) -> str:
    """A handle of small letters, digits and points, unique through the index."""
    return f"{pick(open_stream(seed, 'user', index), _STEMS)}.{index}"


_ACCOUNTS: dict[str, Callable[[int, int], str]] = {
    "ptt": ptt_id,
    "fanpage": lambda _, index: page_id(index),
    "discuz": account_number(20_001),
    "youtube": channel_code,
    "facebook_page": account_number(60_000_000_000_000_001),
    "instagram": user_name,
    "threads": user_name,
    "weibo_api": account_number(5_000_000_001),
    "bluesky": decentralised_id,
    "mastodon": user_name,
}


def is_namesake(index: int) -> bool:
    """Whether this person's name in feeds is somebody else's PTT id: two people, one handle."""
    return index % TWINS_EVERY == 4


def count_fans(people: Iterable[Person], first: int, last: int) -> dict[str, list[int]]:
    """Followers of every place at the end of each day first … last; a board's master is one."""
    changes = {place.id: [0] * (last - first + 1) for place in PLACES}
    for place in PLACES:
        changes[place.id][0] += place.shape is Shape.BOARD
    for person in people:
        for membership in person.memberships:
            change = changes[membership.place.id]
            _count_in(change, membership.joined - first, 1)
            if membership.left is not None:
                _count_in(change, membership.left - first, -1)
    return {place_id: list(accumulate(change)) for place_id, change in changes.items()}


def _count_in(change: list[int], offset: int, step: int) -> None:
    if offset < len(change):
        change[max(offset, 0)] += step
