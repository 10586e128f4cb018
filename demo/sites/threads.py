"""Threads' API: an account, its posts, flattened conversations, insights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from demo.apis import Threads, answer_json, code, grown, query_of, stamp, text_of
from demo.cast import Place
from demo.faults import Answer
from demo.graph import (
    OFFSET,
    Moods,
    answer_error,
    check,
    day_ends,
    day_value,
    metric,
    not_found,
    number_of,
    page_of,
    refuse,
    total,
    unknown_metric,
    usage_headers,
)
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

PATH = re.compile(r"/v1\.0/(\d+)(?:/(threads|conversation|threads_insights|insights))?")
FOLLOWERS = "followers_count"
TOTALS = frozenset({"likes", "replies", "reposts", "quotes", "clicks"})
ACCOUNT_METRICS = TOTALS | {"views", FOLLOWERS}
POST_METRICS = frozenset({"views", "likes", "replies", "reposts", "quotes", "shares"})
FIRST_TOLD = 1_712_991_600  # 2024-04-13; an earlier second is refused
LINKS = ("https://shop.wuyu.example/", "https://wuyu.example/menu")


class ThreadsSite:
    """The API at any instant; `moods` change how it behaves."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.token = KEYS["TINGCHAO_THREADS_TOKEN"]
        self.moods = Moods()
        self.accounts = {place.address: place for place in room.places}
        self.posts = {native_id(p): p for place in room.places for p in room.posts[place.id]}

    def answer(self, ask: Ask, now: int) -> Answer:
        refusal = check(ask, self.token, self.moods)
        path = PATH.fullmatch(ask.path)
        if refusal is None:
            found = self._answer(ask, path[1], path[2], now) if path else not_found(ask.path)
        else:
            found = refusal
        headers = usage_headers(self.moods, next(iter(self.accounts), "0"), "threads")
        return replace(found, headers={**found.headers, **headers})

    def _answer(self, ask: Ask, name: str, edge: str | None, now: int) -> Answer:
        place, post = self.accounts.get(name), self.posts.get(name)
        if place is not None:
            if edge == "threads":
                return self._list(ask, place, now)
            return self._account_insights(ask, place, now) if edge else _account(place)
        if post is None or not post.exists_at(now):
            return not_found(name)
        if edge == "conversation":
            return self._conversation(ask, post, now)
        if edge == "insights":
            return self._post_insights(ask, post, now)
        return answer_json(self._post(post, now), items=[name])

    def _list(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        since, until = int(query.get("since", "0")), int(query.get("until", str(now)))
        roots = Threads.at(self.room.posts[place.id], now).roots[::-1]
        posts = [post for post in roots if since <= post.at <= until]
        return self._page(ask, posts, lambda p: self._post(p, now))

    def _page(self, ask: Ask, posts: Sequence[Post], show: Any) -> Answer:
        return page_of(ask, self.room.root, self.token, self.moods, posts, show, native_id)

    def _below(self, post: Post, now: int) -> tuple[Post, ...]:
        return Threads.at(self.room.posts[post.place.id], now).below(post)

    def _post(self, post: Post, now: int) -> dict[str, Any]:
        return {
            **self._words(post, now),
            "owner": {"id": post.place.address},
            "has_replies": bool(self._below(post, now)),
            "topic_tag": "手搖飲",
        }

    def _conversation(self, ask: Ask, post: Post, now: int) -> Answer:
        """All that was answered, of every level, the oldest first when it is asked for so."""
        below = self._below(post, now)
        is_oldest_first = query_of(ask).get("reverse") == "false"
        shown = below if is_oldest_first else below[::-1]
        return self._page(ask, shown, lambda p: self._reply(p, post, below, now))

    def _reply(self, post: Post, root: Post, below: Sequence[Post], now: int) -> dict[str, Any]:
        name, above = native_id(post), post.parent or root
        return {
            **self._words(post, now),
            "has_replies": any(r.parent and native_id(r.parent) == name for r in below),
            "is_reply": True,
            "is_reply_owned_by_me": self.room.name_of(post) == post.place.official,
            "root_post": {"id": native_id(root)},
            "replied_to": {"id": native_id(above)},
            "hide_status": "NOT_HUSHED",
        }

    def _words(self, post: Post, now: int) -> dict[str, Any]:
        author, short = self.room.name_of(post), code(11, "shortcode", post.post_id)
        return {
            "id": native_id(post),
            "media_product_type": "THREADS",
            "media_type": "TEXT_POST",
            "permalink": f"https://www.threads.example/@{author}/post/{short}",
            "username": author,
            "text": text_of(post, now),
            "timestamp": stamp(post.at, OFFSET),
            "shortcode": short,
            "is_quote_post": False,
        }

    def _account_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        unknown = unknown_metric(query, ACCOUNT_METRICS, self.moods)
        if unknown is not None:
            return unknown
        names = query["metric"].split(",")
        if "period" not in query:
            return answer_error(refuse(100, "The period param is required for this metric"))
        if names == [FOLLOWERS]:
            followers = {"value": self.room.fans_at(place, now)}
            return answer_json({"data": [total(place.address, FOLLOWERS, followers)]})
        if int(query.get("since", str(FIRST_TOLD))) < FIRST_TOLD:
            said = f"Invalid parameter: since must be at least {FIRST_TOLD}"
            return answer_error(refuse(100, said))
        ends = day_ends(query, now)
        told = [_told(place.address, name, ends) for name in names] if ends else []
        return answer_json({"data": told})

    def _post_insights(self, ask: Ask, post: Post, now: int) -> Answer:
        query, name = query_of(ask), native_id(post)
        unknown = unknown_metric(query, POST_METRICS, self.moods)
        if unknown is not None:
            return unknown
        told = {n: grown(post, now, n, 900 if n == "views" else 60) for n in POST_METRICS}
        told["replies"] = len(self._below(post, now))
        asked = query["metric"].split(",")
        return answer_json(
            {"data": [metric(name, n, "lifetime", [(told[n], None)]) for n in asked]}
        )


def open_site(room: Room) -> ThreadsSite:
    return ThreadsSite(room)


def native_id(post: Post) -> str:
    """Seventeen digits, as posts and replies bear them."""
    return f"18{number_of(post)}"


def _account(place: Place) -> Answer:
    return answer_json(
        {
            "id": place.address,
            "username": place.official,
            "name": place.title,
            "threads_biography": "一座島，一杯茶 🍵",
        }
    )


def _told(account: str, name: str, ends: Sequence[int]) -> dict[str, Any]:
    """Views day by day, clicks link by link, of all else one total."""
    if name == "views":
        return metric(
            account, name, "day", [(day_value(account, name, end, 90), end) for end in ends]
        )
    if name == "clicks":
        links = [
            {"value": sum(day_value(account, link, end, 9) for end in ends), "link_url": link}
            for link in LINKS
        ]
        told = total(account, name, {})
        del told["total_value"]
        return {**told, "link_total_values": links}
    return total(account, name, {"value": sum(day_value(account, name, end, 90) for end in ends)})
