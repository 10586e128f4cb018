"""Bluesky's public AppView: getProfile, getAuthorFeed, getFeed, getPostThread, getPosts.

Pages are a tenth of the real size. A post that is edited in the town is put anew under its old
address, as some programs do.
"""

from __future__ import annotations

from typing import Any

from demo.apis import (
    Threads,
    answer_json,
    code,
    grown,
    is_same,
    query_of,
    slice_of,
    stamp,
    start_of,
    text_of,
    token_of,
)
from demo.cast import Place
from demo.faults import Answer
from demo.life import Post
from demo.sites import Ask, Room

PAGE = 10
COLLECTION = "app.bsky.feed.post"
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"  # of a record's key


class BlueskySite:
    """The AppView at any instant."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.posts = {
            native_id(post): post for place in room.places for post in room.posts[place.id]
        }

    def answer(self, ask: Ask, now: int) -> Answer:
        query = query_of(ask)
        routes = {
            "actor.getProfile": self._profile,
            "feed.getFeed": self._feed,
            "feed.getAuthorFeed": self._author_feed,
            "feed.getPostThread": self._thread,
        }
        route = routes.get(ask.path.removeprefix("/xrpc/app.bsky."))
        if route is None:
            return answer_json({"error": "XRPCNotSupported", "message": "XRPCNotSupported"}, 404)
        return route(query, now)

    def _place(self, actor: str) -> Place | None:
        for place in self.room.places:
            if actor in (_handle(place), place.official):
                return place
        return None

    def _profile(self, query: dict[str, str], now: int) -> Answer:
        place = self._place(query.get("actor", ""))
        if place is None:
            return _error("InvalidRequest", "Profile not found")
        return answer_json(
            {
                "did": place.official,
                "handle": _handle(place),
                "displayName": place.title,
                "associated": {"lists": 0, "feedgens": 1},
                "labels": [],
                "createdAt": stamp(self.room.town.opens_at),
                "description": "",
                "indexedAt": stamp(self.room.town.opens_at),
                "followersCount": self.room.fans_at(place, now),
                "followsCount": 12,
                "postsCount": len(Threads.at(self.room.posts[place.id], now).roots),
            }
        )

    def _feed(self, query: dict[str, str], now: int) -> Answer:
        did, _, feed = query.get("feed", "").removeprefix("at://").partition("/")
        place = self._place(did)
        if place is None or not feed.endswith(f"/{place.address.rpartition('/')[2]}"):
            return _error("UnknownFeed", "could not find feed")
        roots = Threads.at(self.room.posts[place.id], now).roots[::-1]
        return self._page(query, list(roots), now)

    def _author_feed(self, query: dict[str, str], now: int) -> Answer:
        place = self._place(query.get("actor", ""))
        if place is None:
            return _error("InvalidRequest", "Profile not found")
        own = [
            post
            for post in self.room.posts[place.id]
            if post.exists_at(now) and self.room.name_of(post) == place.official
        ]
        return self._page(query, own[::-1], now)

    def _page(self, query: dict[str, str], posts: list[Post], now: int) -> Answer:
        start = start_of(query.get("cursor"), "feed")
        if start is None:
            return _error("InvalidRequest", "Malformed cursor")
        shown, after = slice_of(posts, start, min(int(query.get("limit", "50")), PAGE))
        body: dict[str, Any] = {"feed": [{"post": self._post(post, now)} for post in shown]}
        if after is not None:
            body["cursor"] = token_of(after, "feed")
        return answer_json(body, items=map(native_id, shown))

    def _thread(self, query: dict[str, str], now: int) -> Answer:
        root = self.posts.get(query.get("uri", "").rpartition("/")[2])
        if root is None or not root.exists_at(now):
            return _error("NotFound", f"Post not found: {query.get('uri')}")
        below = Threads.at(self.room.posts[root.place.id], now).below(root.root)
        thread = self._node(root, below, now)
        return answer_json({"thread": thread}, items=map(native_id, (root, *below)))

    def _node(self, post: Post, below: tuple[Post, ...], now: int) -> dict[str, Any]:
        replies = [self._node(reply, below, now) for reply in below if is_same(reply.parent, post)]
        return {
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": self._post(post, now),
            "replies": replies,
        }

    def _post(self, post: Post, now: int) -> dict[str, Any]:
        did = self.room.name_of(post)
        record: dict[str, Any] = {
            "$type": COLLECTION,
            "createdAt": stamp(post.at, "%Y-%m-%dT%H:%M:%S.000Z"),
            "langs": ["zh"],
            "text": text_of(post, now),
        }
        below = Threads.at(self.room.posts[post.place.id], now).below(post.root)
        if post.parent is not None:
            record["reply"] = {"root": self._ref(post.root), "parent": self._ref(post.parent)}
        return {
            "uri": self._uri(post),
            "cid": f"bafyrei{code(40, 'cid', post.post_id, text_of(post, now))}",
            "author": {
                "did": did,
                "handle": f"{code(8, 'handle', did).lower().strip('-_')}.bsky.example",
                "displayName": code(6, "name", did),
                "avatar": f"https://cdn.bsky.example/{code(12, 'face', did)}",
                "labels": [],
                "createdAt": stamp(self.room.town.opens_at),
            },
            "record": record,
            "bookmarkCount": 0,
            "replyCount": sum(is_same(reply.parent, post) for reply in below),
            "repostCount": grown(post, now, "reposts", 5),
            "likeCount": grown(post, now, "likes", 30),
            "quoteCount": 0,
            "indexedAt": stamp(post.at + 1),
            "labels": [],
        }

    def _uri(self, post: Post) -> str:
        return f"at://{self.room.name_of(post)}/{COLLECTION}/{native_id(post)}"

    def _ref(self, post: Post) -> dict[str, str]:
        return {"uri": self._uri(post), "cid": f"bafyrei{code(40, 'cid', post.post_id)}"}


def open_site(room: Room) -> BlueskySite:
    return BlueskySite(room)


def native_id(post: Post) -> str:
    """The key of a record: 13 letters of base 32 that rise with time."""
    clash = int.from_bytes(code(8, "key", post.post_id).encode()[:4], "big") % 1024
    number = (post.at * 1_000_000 + int(post.post_id[-5:], 36) % 1_000_000) << 10 | clash
    letters = ""
    for _ in range(13):
        number, digit = divmod(number, 32)
        letters = ALPHABET[digit] + letters
    return letters


def _handle(place: Place) -> str:
    return place.address.partition("/")[0]


def _error(name: str, message: str) -> Answer:
    return answer_json({"error": name, "message": message}, 400)
