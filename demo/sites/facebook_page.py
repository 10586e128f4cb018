"""Facebook's Graph API: a page, its published posts, comments in a stream, insights."""

from __future__ import annotations

import re
from typing import Any

from demo.apis import Threads, answer_json, grown, is_same, query_of, stamp, text_of
from demo.cast import Place
from demo.faults import Answer
from demo.graph import (
    OFFSET,
    Moods,
    check,
    day_ends,
    day_value,
    metric,
    not_found,
    number_of,
    page_of,
    unknown_metric,
    usage_headers,
)
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

PATH = re.compile(r"/v\d\d\.0/([0-9_]+)(?:/(published_posts|comments|insights))?")
# What lives since 2026-06-15; whatever else is asked for fails the question.
PAGE_METRICS = frozenset(
    {
        "page_follows",
        "page_daily_follows",
        "page_daily_follows_unique",
        "page_daily_unfollows_unique",
        "page_post_engagements",
        "page_total_actions",
        "page_views_total",
        "page_video_views",
        "page_media_view",
        "page_total_media_view_unique",
        "page_actions_post_reactions_total",
    }
)
POST_METRICS = ("post_clicks", "post_video_views", "post_media_view")
VIEWERS = "post_total_media_view_unique"
KINDS = {"LIKE": 100, "LOVE": 30, "CARE": 10, "HAHA": 10, "WOW": 8, "SAD": 4, "ANGRY": 4}
OLD_NAMES = ("like", "love", "wow", "haha", "sorry", "anger")


class FacebookSite:
    """The API at any instant; `moods` change how it behaves."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.token = KEYS["TINGCHAO_FACEBOOK_TOKEN"]
        self.moods = Moods()
        self.pages = {place.address: place for place in room.places}
        self.posts = {native_id(p): p for place in room.places for p in room.posts[place.id]}

    def answer(self, ask: Ask, now: int) -> Answer:
        refusal = check(ask, self.token, self.moods)
        if refusal is not None:
            return self._with_usage(refusal)
        path = PATH.fullmatch(ask.path)
        if path is None:
            return not_found(ask.path)
        return self._with_usage(self._answer(ask, path[1], path[2], now))

    def _with_usage(self, answer: Answer) -> Answer:
        account = next(iter(self.pages), "0")
        headers = {**answer.headers, **usage_headers(self.moods, account, "pages")}
        return Answer(answer.status, answer.body, headers, answer.items)

    def _answer(self, ask: Ask, name: str, edge: str | None, now: int) -> Answer:
        place, post = self.pages.get(name), self.posts.get(name)
        if place is not None:
            if edge == "published_posts":
                return self._published(ask, place, now)
            return self._page_insights(ask, place, now) if edge else self._page(place, now)
        if post is None or not post.exists_at(now):
            return not_found(name)
        if edge == "comments":
            return self._comments(ask, post, now)
        if edge == "insights":
            return self._post_insights(ask, post, now)
        return answer_json(self._post(post, now), items=[name])

    def _page(self, place: Place, now: int) -> Answer:
        fans = self.room.fans_at(place, now)
        return answer_json(
            {
                "id": place.address,
                "name": place.title,
                "username": "wuyutea.taichung",
                "fan_count": fans * 9 // 10,
                "followers_count": fans,
                "link": f"https://www.facebook.example/{place.address}",
                "category": "Bubble Tea Shop",
                "verification_status": "not_verified",
            }
        )

    def _published(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        since, until = int(query.get("since", "0")), int(query.get("until", str(now)))
        roots = Threads.at(self.room.posts[place.id], now).roots[::-1]
        posts = [post for post in roots if since <= post.at <= until]
        return page_of(
            ask,
            self.room.root,
            self.token,
            self.moods,
            posts,
            lambda p: self._post(p, now),
            native_id,
        )

    def _post(self, post: Post, now: int) -> dict[str, Any]:
        place = post.place
        below = Threads.at(self.room.posts[place.id], now).below(post)
        reactions = {kind: grown(post, now, kind, most) for kind, most in KINDS.items()}
        shares = grown(post, now, "shares", 9)
        return {
            "id": native_id(post),
            "message": text_of(post, now),
            "created_time": stamp(post.at, OFFSET),
            "updated_time": stamp(max([post.at, *(reply.at for reply in below)]), OFFSET),
            "permalink_url": f"https://www.facebook.example/{place.address}/posts/{number_of(post)}",
            "status_type": "mobile_status_update",
            "is_published": True,
            **({"shares": {"count": shares}} if shares else {}),
            "comments": _summary(len(below), order="chronological", can_comment=True),
            "r_total": _summary(sum(reactions.values())),
            **{f"r_{kind.lower()}": _summary(count) for kind, count in reactions.items()},
        }

    def _comments(self, ask: Ask, post: Post, now: int) -> Answer:
        below = Threads.at(self.room.posts[post.place.id], now).below(post)
        return page_of(
            ask,
            self.room.root,
            self.token,
            self.moods,
            below,
            lambda c: self._comment(c, below, now),
            native_id,
            summary={"order": "chronological", "total_count": len(below), "can_comment": True},
        )

    def _comment(self, post: Post, below: tuple[Post, ...], now: int) -> dict[str, Any]:
        author, name = self.room.name_of(post), native_id(post)
        comment = {
            "id": name,
            "message": text_of(post, now),
            "created_time": stamp(post.at, OFFSET),
            "from": {"name": f"路人{author[-4:]}", "id": author},
            "like_count": grown(post, now, "likes", 12),
            "comment_count": sum(is_same(reply.parent, post) for reply in below),
            "permalink_url": (
                f"https://www.facebook.example/{post.place.address}/posts/{number_of(post.root)}"
                f"?comment_id={number_of(post)}"
            ),
            "is_hidden": False,
        }
        if self.moods.is_nobody_named:
            del comment["from"]
        if post.parent is not None and post.parent.parent is not None:
            comment["parent"] = {"id": native_id(post.parent)}
        return comment

    def _page_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        unknown = unknown_metric(query, PAGE_METRICS, self.moods)
        if unknown is not None:
            return unknown
        ends = day_ends(query, now)
        names = query["metric"].split(",")
        values = {name: [(self._day(place, name, end), end) for end in ends] for name in names}
        body = [metric(place.address, name, "day", values[name]) for name in names if ends]
        return answer_json({"data": body})

    def _day(self, place: Place, name: str, end: int) -> Any:
        if name == "page_follows":
            return self.room.fans_at(place, end)
        if name != "page_actions_post_reactions_total":
            return day_value(place.address, name, end, 90)
        kinds = {kind: day_value(place.address, kind, end, 9) for kind in OLD_NAMES}
        return {kind: count for kind, count in kinds.items() if count}

    def _post_insights(self, ask: Ask, post: Post, now: int) -> Answer:
        query, name = query_of(ask), native_id(post)
        unknown = unknown_metric(query, {*POST_METRICS, VIEWERS}, self.moods)
        if unknown is not None:
            return unknown
        views = grown(post, now, "post_media_view", 900)
        told = {
            "post_clicks": views // 20,
            "post_video_views": 0,
            "post_media_view": views,
            VIEWERS: views * 7 // 10,
        }
        asked = query["metric"].split(",")
        return answer_json(
            {"data": [metric(name, n, "lifetime", [(told[n], None)]) for n in asked]}
        )


def open_site(room: Room) -> FacebookSite:
    return FacebookSite(room)


def native_id(post: Post) -> str:
    """The page's and the post's number, or the post's and the comment's."""
    above = post.place.address if post.parent is None else number_of(post.root)
    return f"{above}_{number_of(post)}"


def _summary(count: int, **more: Any) -> dict[str, Any]:
    return {"data": [], "summary": {"total_count": count, **more}}
