"""Instagram's Graph API: an account, its media, comments with replies inside them, insights."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from demo.apis import Threads, answer_json, code, grown, is_same, query_of, stamp, text_of
from demo.cast import Place
from demo.days import DAY
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

TOTALS = frozenset(
    {
        *("views", "reach", "total_interactions", "accounts_engaged", "likes", "comments"),
        *("saves", "shares", "replies", "reposts", "profile_links_taps"),
    }
)
BY_FOLLOW = "follows_and_unfollows"
SERIES = frozenset({"reach", "follower_count"})
OF_ALL = frozenset({"reach", "views", "likes", "comments", "saved", "shares", "total_interactions"})
OF_REELS = frozenset({"ig_reels_avg_watch_time", "ig_reels_video_view_total_time"})
METRICS = {"FEED": OF_ALL | {"follows", "profile_visits"}, "REELS": OF_ALL | OF_REELS}
LONGEST, NEW_FOLLOWERS_FOR, TOLD_FOR = 30 * DAY, 30 * DAY, 90 * DAY


class InstagramSite(GraphSite):
    """Accounts that one manages: pictures and reels, comments with replies inside them."""

    address = re.compile(r"/v\d\d\.0/(?P<id>\d+)(?:/(?P<edge>media|comments|replies|insights))?")
    variable = "TINGCHAO_INSTAGRAM_TOKEN"
    usage_kind = "instagram"
    own_list = "media"
    hides_likes = False  # a mood of the account

    def show_account(self, place: Place, now: int) -> dict[str, Any]:
        return {
            "id": place.address,
            "username": place.official,
            "name": place.title,
            "biography": "一座島，一杯茶 🍵",
            "followers_count": self.room.fans_at(place, now),
            "follows_count": 21,
            "media_count": len(Threads.at(self.room.posts[place.id], now).roots),
            "website": "https://wuyu.example/",
        }

    def show_post(self, post: Post, now: int) -> dict[str, Any]:
        likes = {} if self.hides_likes else {"like_count": grown(post, now, "likes", 400)}
        short = code(11, "shortcode", post.post_id)
        return {
            "id": native_id(post),
            "caption": text_of(post, now),
            "comments_count": len(self.below(post, now)),
            **likes,
            "media_type": "VIDEO" if _product(post) == "REELS" else "CAROUSEL_ALBUM",
            "media_product_type": _product(post),
            "permalink": f"https://www.instagram.example/p/{short}/",
            "shortcode": short,
            "timestamp": stamp(post.at, OFFSET),
            "username": post.place.official,
            "is_comment_enabled": True,
        }

    def list_under(self, ask: Ask, post: Post, edge: str, now: int) -> Answer | None:
        if edge == "comments":
            return self._comments(ask, post, now)
        return self._replies(ask, post, now) if edge == "replies" else None

    def _comments(self, ask: Ask, post: Post, now: int) -> Answer:
        """The newest comment first, each with the first page of its replies inside."""
        direct = [reply for reply in self.below(post, now) if is_same(reply.parent, post)]
        inside: list[str] = []

        def show(comment: Post) -> dict[str, Any]:
            return self._comment(comment, now) | self._inside(ask, comment, now, inside)

        answer = self.page(ask, direct[::-1], show)
        return replace(answer, items=(*answer.items, *inside))

    def _inside(self, ask: Ask, comment: Post, now: int, shown: list[str]) -> dict[str, Any]:
        if "replies" not in query_of(ask).get("fields", ""):
            return {}
        version = ask.path.split("/")[1]
        fields = query_of(ask)["fields"].partition("{")[2].rstrip("}")
        path = f"/{version}/{native_id(comment)}/replies"
        answer = self._replies(
            replace(ask, path=path, query=urlencode({"fields": fields})), comment, now
        )
        shown += answer.items
        replies = json.loads(answer.body)
        return {"replies": replies} if replies["data"] or "paging" in replies else {}

    def _replies(self, ask: Ask, comment: Post, now: int) -> Answer:
        replies = [r for r in self.below(comment.root, now) if is_same(r.parent, comment)]
        return self.page(ask, replies, lambda r: self._comment(r, now))

    def _comment(self, post: Post, now: int) -> dict[str, Any]:
        author, above = self.room.name_of(post), post.parent
        comment = {
            "id": native_id(post),
            "text": text_of(post, now),
            "timestamp": stamp(post.at, OFFSET),
            "like_count": grown(post, now, "likes", 12),
            "hidden": False,
        }
        if not self.moods.is_nobody_named:
            scoped = code(16, "scoped", author)
            comment |= {"username": author, "from": {"id": scoped, "username": author}}
        if above is not None and above.parent is not None:
            comment["parent_id"] = native_id(above)
        return comment

    def account_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        is_total = query.get("metric_type") == "total_value"
        alive = ({BY_FOLLOW} if "breakdown" in query else TOTALS) if is_total else SERIES
        refusal = self.unknown_metric(query, alive) or _too_far(query, now)
        if refusal is not None:
            return refusal
        ends, names = day_ends(query, now), query["metric"].split(",")
        if not ends:
            return answer_json({"data": []})
        if is_total:
            return answer_json({"data": [_total(place.address, name, ends) for name in names]})
        told = {n: [(day_value(place.address, n, end, 9), end) for end in ends] for n in names}
        return answer_json({"data": [metric(place.address, n, "day", told[n]) for n in names]})

    def insights_of(self, post: Post, now: int) -> dict[str, int]:
        alive = METRICS[_product(post)]
        told = {n: grown(post, now, n, 900 if n == "views" else 90) for n in alive}
        told["likes"] = grown(post, now, "likes", 400)
        constant = {"follows": 0, "profile_visits": 3}
        return told | {name: value for name, value in constant.items() if name in alive}


def open_site(room: Room) -> InstagramSite:
    return InstagramSite(room, native_id)


def native_id(post: Post) -> str:
    """Seventeen digits, as media and comments bear them."""
    return f"17{number_of(post)}"


def _product(post: Post) -> str:
    """About one post in two is a reel."""
    return "REELS" if int(number_of(post)) % 2 == 0 else "FEED"


def _too_far(query: dict[str, str], now: int) -> Answer | None:
    """Return the refusal of a question about too many days, or about days too long ago."""
    since, until = int(query.get("since", str(now - DAY))), int(query.get("until", str(now)))
    if since < now - TOLD_FOR:
        return answer_error(refuse(100, "Invalid parameter: since lies more than 90 days back"))
    if until - since > LONGEST:
        said = "There cannot be more than 30 days (2592000 s) between since and until"
        return answer_error(refuse(100, said))
    if "follower_count" in query.get("metric", "") and since < now - NEW_FOLLOWERS_FOR:
        said = "(follower_count) metric only supports querying data for the last 30 days"
        return answer_error(refuse(100, said))
    return None


def _total(account: str, name: str, ends: Sequence[int]) -> dict[str, Any]:
    if name != BY_FOLLOW:
        return total(account, name, {"value": sum(day_value(account, name, e, 90) for e in ends)})
    results = [
        {
            "dimension_values": [kind],
            "value": sum(day_value(account, kind, end, 9) for end in ends),
        }
        for kind in ("FOLLOWER", "NON_FOLLOWER")
    ]
    return total(
        account, name, {"breakdowns": [{"dimension_keys": ["follow_type"], "results": results}]}
    )
