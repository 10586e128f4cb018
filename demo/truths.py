"""The planted stories of a town, told in numbers: what no mart must miss and no reader can know."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import Any

from demo.cast import MASTER, OFFICIAL, PLACES
from demo.days import date_of, day_at, seconds_of, taipei
from demo.life import Post, is_own_complaint
from demo.people import Role, is_namesake
from demo.plan import Cause
from demo.town import Town

Truths = dict[str, Any]


def planted_truths(town: Town, now: datetime) -> Truths:
    """Everything planted that had happened at an instant, ready for JSON."""
    at = seconds_of(now)
    posts = [post for post in town.posts if post.at <= at]
    return {
        "now": taipei(at).isoformat(),
        "people": _people(town),
        "fans": _fans(town, posts),
        "wave": _outbreak(posts, Cause.WAVE),
        "crisis": _crisis(town, posts),
        "complaints": _complaints(posts, at),
        "posts": _posts(posts, at),
        "orders": _orders(town, at),
        "weekdays": _weekdays(posts),
    }


def _people(town: Town) -> Truths:
    people = [trade.person for trade in town.trades]
    members = [person for person in people if person.member_since is not None]
    return {
        "count": len(people),
        "by_role": dict(Counter(person.role.value for person in people)),
        "giveaway_hunters": sum(person.role is Role.HUNTER for person in people),
        "members": len(members),
        "members_by_known_handle": dict(
            sorted(Counter(s for person in members for s in person.told_handles).items())
        ),
        "namesakes": [
            {"handle": person.feed_name, "on_feeds": person.index, "on_ptt": person.index - 1}
            for person in people
            if is_namesake(person.index)
        ],
        "official_accounts": {p.id: p.official for p in PLACES if p.official is not None},
    }


def _fans(town: Town, posts: Iterable[Post]) -> Truths:
    acted: dict[str, set[int]] = defaultdict(set)
    for post in posts:
        if post.author not in (OFFICIAL, MASTER):
            acted[post.place.id].add(post.author)
    for reaction in town.reactions:
        acted[reaction.place.id].add(reaction.author)
    fans: dict[str, set[int]] = defaultdict(set)
    for person in (trade.person for trade in town.trades):
        for membership in person.memberships:
            if membership.follows_on(town.last):
                fans[membership.place.id].add(person.index)
    return {
        "followers": {place: len(people) for place, people in sorted(fans.items())},
        "never_acted": {p: len(fans[p] - acted[p]) for p in sorted(fans)},
        "following_both": _overlaps(fans),
        "acting_in_both": _overlaps(acted),
    }


def _overlaps(groups: dict[str, set[int]]) -> dict[str, int]:
    pairs = combinations(sorted(groups), 2)
    return {f"{a} & {b}": n for a, b in pairs if (n := len(groups[a] & groups[b]))}


def _outbreak(posts: Iterable[Post], cause: Cause) -> Truths:
    caused = [post for post in posts if post.cause is cause]
    days = Counter(date_of(day_at(post.at)).isoformat() for post in caused)
    return {
        "posts": len(caused),
        "authors": len({post.author for post in caused}),
        "by_day": dict(sorted(days.items())),
        "by_channel": dict(sorted(Counter(post.place.id for post in caused).items())),
    }


def _crisis(town: Town, posts: list[Post]) -> Truths:
    story = _outbreak(posts, Cause.CRISIS)
    openings = [p for p in posts if p.cause is Cause.CRISIS and p.opens_thread]
    official = [
        p
        for p in posts
        if p.author == OFFICIAL and p.place.brand == "wuyu" and p.opens_thread
        if day_at(p.at) == town.life.crisis_day + 1
    ]
    return {
        **story,
        "began": [_event(post) for post in openings],
        "statements": [_event(post) for post in official],
    }


def _event(post: Post) -> dict[str, str]:
    at = taipei(post.at).isoformat()
    return {"channel_id": post.place.id, "post_id": post.post_id, "at": at}


def _complaints(posts: list[Post], at: int) -> Truths:
    """Complaints about the own brand, and which of them the brand ever answered."""
    answered = {id(post.answers) for post in posts if post.answers is not None}
    complaints = [p for p in posts if is_own_complaint(p) and not p.opens_thread]
    silent = [post for post in complaints if id(post) not in answered]
    return {
        "count": len(complaints),
        "unanswered": len(silent),
        "unanswered_by_channel": dict(sorted(Counter(p.place.id for p in silent).items())),
        "standing_unanswered": sum(post.exists_at(at) for post in silent),
    }


def _posts(posts: list[Post], at: int) -> Truths:
    gone = [post for post in posts if not post.exists_at(at)]
    edited = [p for p in posts if p.edited_at is not None and p.edited_at <= at]
    return {
        "count": len(posts),
        "gone": len(gone),
        "edited": len(edited),
        "by_channel": dict(sorted(Counter(post.place.id for post in posts).items())),
    }


def _orders(town: Town, at: int) -> Truths:
    orders = [order for trade in town.trades for order in trade.orders if order.at <= at]
    late = [
        o
        for o in orders
        if o.refunded_at is not None and o.refunded_at <= at
        if day_at(o.refunded_at) > day_at(o.at)
    ]
    return {
        "count": len(orders),
        "by_status": dict(sorted(Counter(order.status_at(at) for order in orders).items())),
        "guests": sum(order.customer_id is None for order in orders),
        "refunded_after_the_first_day": len(late),
    }


def _weekdays(posts: Iterable[Post]) -> dict[str, list[int]]:
    """Posts from Monday to Sunday, by channel."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 7)
    for post in posts:
        counts[post.place.id][date_of(day_at(post.at)).weekday()] += 1
    return dict(sorted(counts.items()))
