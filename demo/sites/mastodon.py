"""Mastodon's public API: a hashtag's timeline, statuses, the context of one, accounts.

Pages are a quarter of the real size. A wrong token is refused; none at all is let in.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote, unquote

from demo.apis import (
    Threads,
    answer_json,
    code,
    edited_by,
    grown,
    is_same,
    query_of,
    slice_of,
    stamp,
)
from demo.cast import Place
from demo.faults import Answer
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

PAGE = 10
MILLIS = "%Y-%m-%dT%H:%M:%S.000Z"
LIMIT, PERIOD = 300, 300  # requests, seconds
STATUS = re.compile(r"/api/v1/statuses/(\d+)(/context)?")


class MastodonSite:
    """The instance at any instant."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.token = KEYS["TINGCHAO_MASTODON_TOKEN"]
        self.posts = {
            native_id(post): post for place in room.places for post in room.posts[place.id]
        }

    def answer(self, ask: Ask, now: int) -> Answer:
        said = ask.headers.get("authorization")
        if said is not None and said != f"Bearer {self.token}":
            return answer_json({"error": "The access token is invalid"}, 401)
        status = STATUS.fullmatch(ask.path)
        if status:
            return self._status_or_context(status[1], now, is_context=bool(status[2]))
        if ask.path.startswith("/api/v1/timelines/tag/"):
            return self._tag(unquote(ask.path.rpartition("/")[2]), ask, now)
        return _not_found()

    def _tag(self, tag: str, ask: Ask, now: int) -> Answer:
        place = next((p for p in self.room.places if p.address == tag), None)
        statuses = list(Threads.at(self.room.posts[place.id], now).roots) if place else []
        query = query_of(ask)
        before = int(query.get("max_id") or 0)
        older = [post for post in statuses[::-1] if not before or int(native_id(post)) < before]
        shown, after = slice_of(older, 0, min(int(query.get("limit", "20")), PAGE))
        headers = _limits(now)
        if shown and after is not None:
            path = f"{self.room.root}{ask.path.replace(tag, quote(tag))}"
            last, first = native_id(shown[-1]), native_id(shown[0])
            url = f"http://{ask.headers.get('host', '127.0.0.1:8917')}{path}?limit={PAGE}"
            headers["Link"] = (
                f'<{url}&max_id={last}>; rel="next", <{url}&min_id={first}>; rel="prev"'
            )
        body = [self._status(post, now) for post in shown]
        return answer_json(body, headers=headers, items=map(native_id, shown))

    def _status_or_context(self, name: str, now: int, *, is_context: bool) -> Answer:
        post = self.posts.get(name)
        if post is None or not post.exists_at(now):
            return _not_found()
        if not is_context:
            return answer_json(self._status(post, now), headers=_limits(now), items=[name])
        below = Threads.at(self.room.posts[post.place.id], now).below(post.root)
        body = {"ancestors": [], "descendants": [self._status(reply, now) for reply in below]}
        return answer_json(body, headers=_limits(now), items=map(native_id, below))

    def _status(self, post: Post, now: int) -> dict[str, Any]:
        author, saying, name = self.room.name_of(post), post.saying_at(now), native_id(post)
        below = Threads.at(self.room.posts[post.place.id], now).below(post.root)
        edited = edited_by(post, now)
        page = f"https://tea.example/@{author}/{name}"
        return {
            "id": name,
            "created_at": stamp(post.at, MILLIS),
            "in_reply_to_id": native_id(post.parent) if post.parent else None,
            "in_reply_to_account_id": _account_id(self.room, post.parent) if post.parent else None,
            "sensitive": saying.title is not None,
            "spoiler_text": saying.title or "",
            "visibility": "public",
            "language": "zh",
            "uri": f"https://tea.example/users/{author}/statuses/{name}",
            "url": page,
            "replies_count": sum(is_same(reply.parent, post) for reply in below),
            "reblogs_count": grown(post, now, "reblogs", 6),
            "favourites_count": grown(post, now, "favourites", 25),
            "quotes_count": 0,
            "edited_at": stamp(edited, MILLIS) if edited else None,
            "content": _markup(saying.body),
            "reblog": None,
            "account": self._account(post, author),
            "media_attachments": [],
            "mentions": [],
            "tags": _tags(post.place) if post.parent is None else [],
            "emojis": [],
            "card": None,
            "poll": None,
        }

    def _account(self, post: Post, author: str) -> dict[str, Any]:
        return {
            "id": _account_id(self.room, post),
            "username": author,
            "acct": author,
            "display_name": code(6, "name", author),
            "locked": False,
            "bot": False,
            "discoverable": True,
            "indexable": True,
            "noindex": False,
            "created_at": stamp(self.room.town.opens_at, MILLIS),
            "note": "<p>喝茶</p>",
            "url": f"https://tea.example/@{author}",
            "followers_count": 50,
            "following_count": 40,
            "statuses_count": 30,
        }


def open_site(room: Room) -> MastodonSite:
    return MastodonSite(room)


def native_id(post: Post) -> str:
    """A snowflake: milliseconds in the upper bits, so that ids rise with time."""
    low = int.from_bytes(code(8, "snowflake", post.post_id).encode()[:4], "big") % 65_536
    return str((post.at * 1000) << 16 | low)


def _account_id(room: Room, post: Post) -> str:
    digest = code(8, "account", room.name_of(post)).encode()
    return str(10**17 + int.from_bytes(digest[:6], "big"))


def _markup(text: str) -> str:
    paragraphs = (
        html.escape(part, quote=False).replace("\n", "<br />") for part in text.split("\n\n")
    )
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _tags(place: Place) -> list[dict[str, str]]:
    return [{"name": place.address, "url": f"https://tea.example/tags/{quote(place.address)}"}]


def _limits(now: int) -> dict[str, str]:
    """Rate-limit headers; the instance is idle, so nearly all of the limit is left."""
    reset = now - now % PERIOD + PERIOD
    return {
        "X-RateLimit-Limit": str(LIMIT),
        "X-RateLimit-Remaining": str(LIMIT - 1),
        "X-RateLimit-Reset": stamp(reset, MILLIS),
    }


def _not_found() -> Answer:
    return answer_json({"error": "Record not found"}, 404)
