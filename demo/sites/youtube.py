"""YouTube's Data API v3: channels, playlistItems, videos, commentThreads, comments.

Pages are a tenth of the real size, and a thread carries one reply instead of five, so that a small
town fills more than one of each. Each call costs a unit; the units of a Pacific day are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

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
    start_of,
    token_of,
)
from demo.cast import Place
from demo.days import utc
from demo.faults import Answer
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

UPLOADS_PAGE, THREADS_PAGE, EMBEDDED = 5, 10, 1
PACIFIC = ZoneInfo("America/Los_Angeles")
LONGEST_TITLE = 100


class YoutubeSite:
    """The API at any instant; `closed` are posts whose comments are switched off."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.key = KEYS["TINGCHAO_YOUTUBE_KEY"]
        self.units_per_day = 10_000
        self.spent: Counter[str] = Counter()
        self.closed: set[str] = set()
        self.posts = {
            native_id(post): post for place in room.places for post in room.posts[place.id]
        }

    def answer(self, ask: Ask, now: int) -> Answer:
        query = query_of(ask)
        if (ask.headers.get("x-goog-api-key") or query.get("key")) != self.key:
            return _error(
                400, "badRequest", "API key not valid. Please pass a valid API key.", INVALID
            )
        day = utc(now).astimezone(PACIFIC).date().isoformat()
        self.spent[day] += 1
        if self.spent[day] > self.units_per_day:
            return _error(403, "quotaExceeded", QUOTA_EXCEEDED, domain="youtube.quota")
        routes: dict[str, Callable[[dict[str, str], int], Answer]] = {
            "/channels": self._channels,
            "/playlistItems": self._uploads,
            "/videos": self._videos,
            "/commentThreads": self._threads,
            "/comments": self._comments,
        }
        route = routes.get(ask.path)
        return route(query, now) if route else answer_json({"error": {"code": 404}}, 404)

    def _channels(self, query: dict[str, str], now: int) -> Answer:
        places = [p for p in self.room.places if p.address == query.get("id")]
        return _list("channel", [self._channel(place, now) for place in places])

    def _channel(self, place: Place, now: int) -> dict[str, Any]:
        videos = Threads.at(self.room.posts[place.id], now).roots
        views = sum(grown(video, now, "views", 3000) for video in videos)
        return {
            **_head("channel", place.address, now),
            "snippet": {
                "title": place.title,
                "description": "",
                "customUrl": "@wuyutea",
                "publishedAt": stamp(self.room.town.opens_at),
                "thumbnails": {},
                "localized": {"title": place.title, "description": ""},
                "country": "TW",
            },
            "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": _uploads(place)}},
            "statistics": {
                "viewCount": str(views),
                "subscriberCount": str(self.room.fans_at(place, now)),
                "hiddenSubscriberCount": False,
                "videoCount": str(len(videos)),
            },
        }

    def _uploads(self, query: dict[str, str], now: int) -> Answer:
        place = next((p for p in self.room.places if _uploads(p) == query.get("playlistId")), None)
        if place is None:
            return _error(404, "playlistNotFound", "The playlist cannot be found.")
        videos = Threads.at(self.room.posts[place.id], now).roots[::-1]
        return self._page(query, videos, UPLOADS_PAGE, "playlistItem", lambda v: _upload(v, now))

    def _videos(self, query: dict[str, str], now: int) -> Answer:
        asked = (self.posts.get(name) for name in query.get("id", "").split(","))
        videos = [v for v in asked if v and v.parent is None and v.exists_at(now)]
        shown = [self._video(video, now) for video in videos]
        return _list("video", shown, items=map(native_id, videos))

    def _video(self, video: Post, now: int) -> dict[str, Any]:
        title, description = _title(video, now)
        below = Threads.at(self.room.posts[video.place.id], now).below(video)
        statistics = {
            "viewCount": str(grown(video, now, "views", 3000)),
            "likeCount": str(grown(video, now, "likes", 200)),
            "favoriteCount": "0",
            "commentCount": str(len(below)),
        }
        if video.post_id in self.closed:
            del statistics["commentCount"]
        return {
            **_head("video", native_id(video), now),
            "snippet": {
                "publishedAt": stamp(video.at),
                "channelId": self.room.name_of(video),
                "title": title,
                "description": description,
                "thumbnails": {},
                "channelTitle": video.place.title,
                "categoryId": "22",
                "liveBroadcastContent": "none",
                "localized": {"title": title, "description": description},
                "defaultAudioLanguage": "zh-TW",
            },
            "contentDetails": {
                "duration": "PT1M5S",
                "dimension": "2d",
                "definition": "hd",
                "caption": "false",
                "licensedContent": True,
                "contentRating": {},
                "projection": "rectangular",
            },
            "statistics": statistics,
        }

    def _threads(self, query: dict[str, str], now: int) -> Answer:
        video = self.posts.get(query.get("videoId", ""))
        if video is None or video.parent is not None or not video.exists_at(now):
            return _error(404, "videoNotFound", "The video cannot be found.", location="videoId")
        if video.post_id in self.closed:
            return _error(403, "commentsDisabled", CLOSED, domain="youtube.commentThread")
        below = Threads.at(self.room.posts[video.place.id], now).below(video)
        top = [post for post in below if is_same(post.parent, video)][::-1]
        return self._page(query, top, THREADS_PAGE, "commentThread", lambda t: self._thread(t, now))

    def _thread(self, top: Post, now: int) -> dict[str, Any]:
        replies = self._replies(top, now)
        thread: dict[str, Any] = {
            **_head("commentThread", native_id(top), now),
            "snippet": {
                "channelId": top.place.address,
                "videoId": native_id(top.root),
                "topLevelComment": self._comment(top, now),
                "canReply": True,
                "totalReplyCount": len(replies),
                "isPublic": True,
            },
        }
        if replies:
            shown = [self._comment(reply, now) for reply in replies[:EMBEDDED]]
            thread["replies"] = {"comments": shown}
        return thread

    def _replies(self, top: Post, now: int) -> list[Post]:
        below = Threads.at(self.room.posts[top.place.id], now).below(top.root)
        return [post for post in below if not is_same(post, top) and is_same(_top(post), top)]

    def _comments(self, query: dict[str, str], now: int) -> Answer:
        if "parentId" in query:
            top = self.posts.get(query["parentId"])
            if top is None or top.parent is None or not top.exists_at(now):
                return _error(404, "commentNotFound", "The comment cannot be found.")
            replies = self._replies(top, now)
            return self._page(
                query, replies, THREADS_PAGE, "comment", lambda r: self._comment(r, now)
            )
        asked = (self.posts.get(name) for name in query.get("id", "").split(","))
        found = [post for post in asked if post and post.parent and post.exists_at(now)]
        shown = [self._comment(post, now) for post in found]
        return _list("comment", shown, items=map(native_id, found))

    def _comment(self, post: Post, now: int) -> dict[str, Any]:
        text = post.saying_at(now).body
        author = self.room.name_of(post)
        snippet = {
            "channelId": post.place.address,
            "videoId": native_id(post.root),
            "textDisplay": text,
            "textOriginal": text,
            "authorDisplayName": f"@{code(8, 'handle', author)}",
            "authorProfileImageUrl": f"https://yt3.example/{code(8, 'face', author)}",
            "authorChannelUrl": f"http://www.youtube.example/channel/{author}",
            "authorChannelId": {"value": author},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": grown(post, now, "likes", 12),
            "publishedAt": stamp(post.at),
            "updatedAt": stamp(edited_by(post, now) or post.at),
        }
        if _top(post) is not post:
            snippet["parentId"] = native_id(_top(post))
        return {**_head("comment", native_id(post), now), "snippet": snippet}

    def _page(
        self,
        query: dict[str, str],
        posts: Iterable[Post],
        size: int,
        kind: str,
        show: Callable[[Post], dict[str, Any]],
    ) -> Answer:
        start = start_of(query.get("pageToken"), kind)
        if start is None:
            return _error(400, "invalidPageToken", "The request specifies an invalid page token.")
        every = list(posts)
        wanted = min(int(query.get("maxResults", "5")), size)
        shown, after = slice_of(every, start, wanted)
        page = {"nextPageToken": token_of(after, kind)} if after is not None else {}
        ids = [native_id(post) for post in shown]
        return _list(kind, [show(post) for post in shown], items=ids, total=len(every), **page)


def open_site(room: Room) -> YoutubeSite:
    return YoutubeSite(room)


def native_id(post: Post) -> str:
    """The id under which YouTube knows a post: a video's, a thread's or a reply's."""
    if post.parent is None:
        return code(11, "video", post.post_id)
    thread = f"Ug{code(18, 'thread', _top(post).post_id)}4AaABAg"
    return thread if _top(post) is post else f"{thread}.{code(22, 'reply', post.post_id)}"


def _top(post: Post) -> Post:
    """Return the comment that opened the thread in which a comment stands."""
    while post.parent is not None and post.parent.parent is not None:
        post = post.parent
    return post


def _uploads(place: Place) -> str:
    return f"UU{place.address[2:]}"


def _upload(video: Post, now: int) -> dict[str, Any]:
    return {
        **_head("playlistItem", code(48, "upload", video.post_id), now),
        "contentDetails": {"videoId": native_id(video), "videoPublishedAt": stamp(video.at)},
    }


def _title(video: Post, now: int) -> tuple[str, str]:
    """Split what a post says into a title of at most a hundred characters, and the rest."""
    saying = video.saying_at(now)
    if saying.title:
        return saying.title, saying.body
    first, _, rest = saying.body.partition("\n")
    return (first, rest.strip()) if len(first) <= LONGEST_TITLE else ("短片", saying.body)


def _head(kind: str, name: str, now: int) -> dict[str, str]:
    return {"kind": f"youtube#{kind}", "etag": code(27, "etag", name, now), "id": name}


def _list(
    kind: str,
    shown: list[dict[str, Any]],
    *,
    items: Iterable[str] = (),
    total: int | None = None,
    **page: Any,
) -> Answer:
    info = {"totalResults": len(shown) if total is None else total, "resultsPerPage": len(shown)}
    head = {"kind": f"youtube#{kind}ListResponse", "etag": code(27, "list", kind)}
    return answer_json({**head, **page, "pageInfo": info, "items": shown}, items=items)


def _error(
    status: int,
    reason: str,
    message: str,
    details: list[dict[str, str]] | None = None,
    *,
    domain: str = "youtube.api",
    location: str | None = None,
) -> Answer:
    entry = {"message": message, "domain": domain, "reason": reason}
    if location:
        entry |= {"location": location, "locationType": "parameter"}
    error: dict[str, Any] = {"code": status, "message": message, "errors": [entry]}
    if details:
        error |= {"status": "INVALID_ARGUMENT", "details": details}
    return answer_json({"error": error}, status)


INVALID = [
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
]
QUOTA_EXCEEDED = (
    'The request cannot be completed because you have exceeded your <a href="/youtube/v3/'
    'getting-started#quota">quota</a>.'
)
CLOSED = (
    'The video identified by the <code><a href="/youtube/v3/docs/commentThreads/list#videoId">'
    "videoId</a></code> parameter has disabled comments."
)
