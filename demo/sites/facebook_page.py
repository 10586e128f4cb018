"""Facebook's Graph API: a page, its published posts, comments in a stream, insights."""

from __future__ import annotations

import re
from typing import Any

from demo.apis import answer_json, grown, is_same, query_of, stamp, text_of
from demo.cast import Place
from demo.faults import Answer
from demo.graph import OFFSET, GraphSite, day_ends, day_value, metric, number_of
from demo.life import Post
from demo.sites import Ask, Room

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
KINDS = {"LIKE": 100, "LOVE": 30, "CARE": 10, "HAHA": 10, "WOW": 8, "SAD": 4, "ANGRY": 4}
OLD_NAMES = ("like", "love", "wow", "haha", "sorry", "anger")


class FacebookSite(GraphSite):
    """Pages that one manages: posts, one stream of comments under each, reactions by kind."""

    address = re.compile(
        r"/v\d\d\.0/(?P<id>[0-9_]+)(?:/(?P<edge>published_posts|comments|insights))?"
    )
    variable = "TINGCHAO_FACEBOOK_TOKEN"
    usage_kind = "pages"
    own_list = "published_posts"

    def show_account(self, place: Place, now: int) -> dict[str, Any]:
        fans = self.room.fans_at(place, now)
        return {
            "id": place.address,
            "name": place.title,
            "username": "wuyutea.taichung",
            "fan_count": fans * 9 // 10,
            "followers_count": fans,
            "link": f"https://www.facebook.example/{place.address}",
            "category": "Bubble Tea Shop",
            "verification_status": "not_verified",
        }

    def show_post(self, post: Post, now: int) -> dict[str, Any]:
        place, below = post.place, self.below(post, now)
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

    def list_under(self, ask: Ask, post: Post, edge: str, now: int) -> Answer | None:
        if edge != "comments":
            return None
        below = self.below(post, now)
        return self.page(
            ask,
            below,
            lambda c: self._comment(c, below, now),
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

    def account_insights(self, ask: Ask, place: Place, now: int) -> Answer:
        query = query_of(ask)
        unknown = self.unknown_metric(query, PAGE_METRICS)
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

    def insights_of(self, post: Post, now: int) -> dict[str, int]:
        views = grown(post, now, "post_media_view", 900)
        return {
            "post_clicks": views // 20,
            "post_video_views": 0,
            "post_media_view": views,
            "post_total_media_view_unique": views * 7 // 10,
        }


def open_site(room: Room) -> FacebookSite:
    return FacebookSite(room, native_id)


def native_id(post: Post) -> str:
    """The page's and the post's number, or the post's and the comment's."""
    above = post.place.address if post.parent is None else number_of(post.root)
    return f"{above}_{number_of(post)}"


def _summary(count: int, **more: Any) -> dict[str, Any]:
    return {"data": [], "summary": {"total_count": count, **more}}
