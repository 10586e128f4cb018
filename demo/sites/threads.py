"""Threads' API: an account, its posts, flattened conversations, insights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from demo.apis import answer_json, code, grown, query_of, stamp, text_of
from demo.cast import Place
from demo.faults import Answer
from demo.graph import (
    OFFSET,
    GraphSite,
    answer_error,
    day_ends,
    day_value,
    metric,
    number_of,
    refuse,
    total,
)
from demo.life import Post
from demo.sites import Ask, Room

FOLLOWERS = "followers_count"
TOTALS = frozenset({"likes", "replies", "reposts", "quotes", "clicks"})
ACCOUNT_METRICS = TOTALS | {"views", FOLLOWERS}
POST_METRICS = frozenset({"views", "likes", "replies", "reposts", "quotes", "shares"})
FIRST_TOLD = 1_712_991_600  # 2024-04-13; an earlier second is refused
LINKS = ("https://shop.wuyu.example/", "https://wuyu.example/menu")


class ThreadsSite(GraphSite):
    """Accounts that one manages: posts, and the whole conversation under each as one list."""

    address = re.compile(
        r"/v1\.0/(?P<id>\d+)(?:/(?P<edge>threads|conversation|threads_insights|insights))?"
    )
    variable = "TINGCHAO_THREADS_TOKEN"
    usage_kind = "threads"
    own_list = "threads"

    def show_account(self, place: Place, now: int) -> dict[str, Any]:  # noqa: ARG002
        return {
            "id": place.address,
            "username": place.official,
            "name": place.title,
            "threads_biography": "一座島，一杯茶 🍵",
        }

    def show_post(self, post: Post, now: int) -> dict[str, Any]:
        return {
            **self._words(post, now),
            "owner": {"id": post.place.address},
            "has_replies": bool(self.below(post, now)),
            "topic_tag": "手搖飲",
        }

    def list_under(self, ask: Ask, post: Post, edge: str, now: int) -> Answer | None:
        """All that was answered, of every level, the oldest first when it is asked for so."""
        if edge != "conversation":
            return None
        below = self.below(post, now)
        is_oldest_first = query_of(ask).get("reverse") == "false"
        shown = below if is_oldest_first else below[::-1]
        return self.page(ask, shown, lambda p: self._reply(p, post, below, now))

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

    def account_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        unknown = self.unknown_metric(query, ACCOUNT_METRICS)
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

    def insights_of(self, post: Post, now: int) -> dict[str, int]:
        told = {n: grown(post, now, n, 900 if n == "views" else 60) for n in POST_METRICS}
        return told | {"replies": len(self.below(post, now))}


def open_site(room: Room) -> ThreadsSite:
    return ThreadsSite(room, native_id)


def native_id(post: Post) -> str:
    """Seventeen digits, as posts and replies bear them."""
    return f"18{number_of(post)}"


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
