"""Weibo's open platform: users/show, statuses/user_timeline, statuses/show, comments/timeline.

Errors come with HTTP 200, as they often do there. Pages are a tenth of the real size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from demo.apis import Threads, answer_json, code, edited_by, grown, query_of, text_of
from demo.cast import Place
from demo.days import day_at, taipei
from demo.faults import Answer
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

STATUSES_PAGE, COMMENTS_PAGE = 10, 10
ENGLISH = "%a %b %d %H:%M:%S +0800 %Y"


class WeiboSite:
    """The API at any instant; `statuses_shown` is how many of a list it shows at most."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.token = KEYS["TINGCHAO_WEIBO_TOKEN"]
        self.calls_per_day = 10_000
        self.statuses_shown = 2000
        self.called: Counter[int] = Counter()
        self.posts = {
            native_id(post): post for place in room.places for post in room.posts[place.id]
        }

    def answer(self, ask: Ask, now: int) -> Answer:
        query = query_of(ask)
        if ask.headers.get("authorization") != f"OAuth2 {self.token}":
            return _error(21332, "invalid_access_token", ask)
        self.called[day_at(now)] += 1
        if self.called[day_at(now)] > self.calls_per_day:
            return _error(10023, "User requests out of rate limit!", ask)
        routes: dict[str, Callable[[Place, dict[str, str], int], Answer]] = {
            "/users/show.json": self._user,
            "/statuses/user_timeline.json": self._timeline,
            "/comments/timeline.json": self._comments,
        }
        if ask.path == "/statuses/show.json":
            return self._show(query.get("id", ""), now, ask)
        place = self.room.places[0]
        route = routes.get(ask.path)
        if route is None:
            return _error(10020, "Request api not found!", ask)
        if query.get("uid", place.address) != place.address:
            return _error(20003, "User does not exists!", ask)
        return route(place, query, now)

    def _user(self, place: Place, query: dict[str, str], now: int) -> Answer:  # noqa: ARG002
        return answer_json(self._account(place.address, now, place))

    def _timeline(self, place: Place, query: dict[str, str], now: int) -> Answer:
        statuses = Threads.at(self.room.posts[place.id], now).roots[::-1]
        shown, body = _page(statuses[: self.statuses_shown], query, STATUSES_PAGE, 20)
        body |= {
            "statuses": [self._status(post, now) for post in shown],
            "total_number": len(statuses),
        }
        return answer_json(body, items=map(native_id, shown))

    def _comments(self, place: Place, query: dict[str, str], now: int) -> Answer:
        posts = [post for post in self.room.posts[place.id] if post.parent and post.exists_at(now)]
        shown, body = _page(posts[::-1], query, COMMENTS_PAGE, 50)
        body |= {
            "comments": [self._comment(post, now) for post in shown],
            "total_number": len(posts),
        }
        return answer_json(body, items=map(native_id, shown))

    def _show(self, name: str, now: int, ask: Ask) -> Answer:
        post = self.posts.get(name)
        if post is None or post.parent is not None or not post.exists_at(now):
            return _error(20101, "target weibo does not exist!", ask)
        return answer_json(self._status(post, now), items=[name])

    def _status(self, post: Post, now: int) -> dict[str, Any]:
        number, edited = native_id(post), edited_by(post, now)
        below = Threads.at(self.room.posts[post.place.id], now).below(post)
        status = {
            "created_at": taipei(post.at).strftime(ENGLISH),
            "id": int(number),
            "idstr": number,
            "mid": number,
            "text": text_of(post, now),
            "source": '<a href="http://weibo.com" rel="nofollow">微博网页版</a>',
            "favorited": False,
            "truncated": False,
            "in_reply_to_status_id": "",
            "geo": None,
            "reposts_count": grown(post, now, "reposts", 60),
            "comments_count": len(below),
            "attitudes_count": grown(post, now, "attitudes", 400),
            "isLongText": False,
            "user": self._account(self.room.name_of(post), now, post.place),
            "annotations": [],
        }
        if edited:
            status["edit_at"] = taipei(edited).strftime(ENGLISH)
        return status

    def _comment(self, post: Post, now: int) -> dict[str, Any]:
        number = native_id(post)
        comment = {
            "created_at": taipei(post.at).strftime(ENGLISH),
            "id": int(number),
            "idstr": number,
            "mid": number,
            "text": text_of(post, now),
            "source": '<a href="http://weibo.com" rel="nofollow">微博网页版</a>',
            "user": self._account(self.room.name_of(post), now, None),
            "status": self._status(post.root, now),
        }
        if post.parent is not None and post.parent is not post.root:
            answered = native_id(post.parent)
            text = text_of(post.parent, now)
            comment["reply_comment"] = {"id": int(answered), "idstr": answered, "text": text}
        return comment

    def _account(self, uid: str, now: int, place: Place | None) -> dict[str, Any]:
        """An account as others see it; of the brand's own the followers are the town's."""
        return {
            "id": int(uid),
            "idstr": uid,
            "screen_name": place.title if place else code(8, "name", uid),
            "followers_count": self.room.fans_at(place, now) if place else 120,
            "friends_count": 80,
            "statuses_count": 200,
            "favourites_count": 0,
            "created_at": "Fri Aug 28 00:00:00 +0800 2020",
            "verified": place is not None,
            "gender": "m",
            "location": "台湾",
            "province": "71",
            "city": "1000",
        }


def open_site(room: Room) -> WeiboSite:
    return WeiboSite(room)


def native_id(post: Post) -> str:
    """A number of 19 digits that rises with time."""
    low = int.from_bytes(code(8, "mid", post.post_id).encode()[:3], "big") % 1_000_000
    return str(4_000_000_000_000_000_000 + (post.at - 1_700_000_000) * 10**6 + low)


def _page(
    posts: Sequence[Post], query: dict[str, str], size: int, usual: int
) -> tuple[Sequence[Post], dict[str, Any]]:
    """Cut a page out of a list, from `max_id` on, and say where the next one begins."""
    before = int(query.get("max_id") or 0)
    left = [post for post in posts if not before or int(native_id(post)) <= before]
    wanted = min(int(query.get("count", usual)), size)
    following = int(native_id(left[wanted])) if len(left) > wanted else 0
    return left[:wanted], {"previous_cursor": 0, "next_cursor": following}


def _error(number: int, message: str, ask: Ask) -> Answer:
    return answer_json({"error": message, "error_code": number, "request": f"/2{ask.path}"})
