"""WeChat's datacube: followers, readers and articles of an official account by day of China.

Errors come with HTTP 200. The town counts a day the moment it is over; `ready_after` makes it as
slow as in life. The account of the town publishes nothing, so only tests see its articles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from demo.apis import answer_json, code, grown, query_of
from demo.cast import Place
from demo.days import date_of, seconds_of, utc
from demo.draw import between, open_stream
from demo.faults import Answer
from demo.graph import number_of
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

CHINA = timezone(timedelta(hours=8))
A_DAY = timedelta(days=1)
LIFE = 7200  # seconds of a token
COUNTED_FOR = 30  # days after an article was published
SOURCES = (0, 1, 30)  # others, search, QR code
DOORS = ("公众号消息", "聊天会话", "朋友圈")
LONGEST = {
    "getusersummary": 7,
    "getusercumulate": 7,
    "getbizsummary": 30,
    "getarticleread": 1,
    "getarticleshare": 1,
    "getarticletotaldetail": 1,
}
Row = dict[str, Any]


class WechatSite:
    """The API at any instant."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.app_id, self.secret = KEYS["TINGCHAO_WECHAT_APP_ID"], KEYS["TINGCHAO_WECHAT_SECRET"]
        self.ready_after = 0  # seconds
        self.forbidden: set[str] = set()  # calls that the account may not make
        self.calls_left: int | None = None
        self.serial = 1  # of the token that is in force

    def answer(self, ask: Ask, now: int) -> Answer:
        if ask.method != "POST":
            return _error(43002, "require POST method")
        try:
            asked = json.loads(ask.body)
        except ValueError:
            return _error(47001, "data format error")
        if ask.path == "/cgi-bin/stable_token":
            return self._token(asked, now)
        refusal = self._check(query_of(ask).get("access_token", ""), now)
        name = ask.path.removeprefix("/datacube/")
        if refusal is not None:
            return refusal
        if name not in LONGEST:
            return _error(40066, "invalid url")
        if name in self.forbidden:
            return _error(48001, "api unauthorized")
        return self._datacube(name, asked, now)

    def _token(self, asked: Row, now: int) -> Answer:
        if asked.get("appid") != self.app_id:
            return _error(40013, "invalid appid")
        if asked.get("secret") != self.secret:
            return _error(40125, "invalid appsecret")
        self.serial += bool(asked.get("force_refresh"))
        token = _token_of(self.serial, now)
        return answer_json({"access_token": token, "expires_in": LIFE})

    def _check(self, token: str, now: int) -> Answer | None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                return _error(45009, "reach max api daily quota limit")
        serial, _, rest = token.partition("-")
        issued = rest.partition("-")[0]
        if not issued.isdecimal() or token != _token_of(serial, int(issued)):
            return _error(40014, "invalid access_token")
        if serial != str(self.serial):
            return _error(40001, "invalid credential, access_token is invalid or not latest")
        return _error(42001, "access_token expired") if now - int(issued) >= LIFE else None

    def _datacube(self, name: str, asked: Row, now: int) -> Answer:
        try:
            begin, end = (_day(asked.get(k)) for k in ("begin_date", "end_date"))
        except (TypeError, ValueError):
            return _error(61500, "date format error")
        is_past = end < utc(now).astimezone(CHINA).date()
        if not is_past or not 0 <= (end - begin).days < LONGEST[name]:
            return _error(61501, "date range error")
        days = [begin + number * A_DAY for number in range((end - begin).days + 1)]
        told = [day for day in days if _end(day) + self.ready_after <= now]
        (place,) = self.room.places
        tell: dict[str, Callable[[Place, date, int], Iterable[Row]]] = {
            "getusersummary": self._changes,
            "getusercumulate": self._followers,
            "getbizsummary": self._business,
            "getarticleread": self._read,
            "getarticleshare": self._shared,
            "getarticletotaldetail": self._published,
        }
        rows = [row for day in told for row in tell[name](place, day, now)]
        late = {} if name.startswith("getuser") else {"is_delay": told != days}
        is_list_of_articles = name == "getarticletotaldetail"
        items = [row["msgid"] for row in rows] if is_list_of_articles else []
        return answer_json({"list": rows, **late}, items=items)

    def _followers(self, place: Place, day: date, now: int) -> Iterator[Row]:  # noqa: ARG002
        fans = self.room.fans_at(place, _end(day))
        yield {"ref_date": str(day), "user_source": 0, "cumulate_user": fans}

    def _changes(self, place: Place, day: date, now: int) -> Iterator[Row]:  # noqa: ARG002
        """A row for each way in; together they make the difference between two evenings."""
        first = date_of(self.room.town.first)
        before = self.room.fans_at(place, _end(day - A_DAY if day > first else day))
        grew = self.room.fans_at(place, _end(day)) - before
        for source in SOURCES:
            both = between(open_stream("wechat", place.id, source, day), 0, 5)
            net = grew if source == 0 else 0
            yield {
                "ref_date": str(day),
                "user_source": source,
                "new_user": both + max(net, 0),
                "cancel_user": both + max(-net, 0),
            }

    def _business(self, place: Place, day: date, now: int) -> Iterator[Row]:  # noqa: ARG002
        readers = between(open_stream("wechat", place.id, "readers", day), 0, 300)
        yield {"ref_date": str(day), "detail": _detail(readers)}

    def _read(self, place: Place, day: date, now: int) -> Iterator[Row]:
        for post in self._articles(place, now):
            readers = _readers(post, day) - _readers(post, day - A_DAY)
            if readers:
                detail = {"read_user": readers, "read_user_source": _doors(readers)}
                yield {"ref_date": str(day), "msgid": native_id(post), "detail": detail}

    def _shared(self, place: Place, day: date, now: int) -> Iterator[Row]:
        for post in self._articles(place, now):
            shares = _readers(post, day) // 9 - _readers(post, day - A_DAY) // 9
            if shares:
                detail = {"share_user": shares}
                yield {"ref_date": str(day), "msgid": native_id(post), "detail": detail}

    def _published(self, place: Place, day: date, now: int) -> Iterator[Row]:
        """Each article of a day, with a row for every day since then that is counted."""
        today = utc(now - self.ready_after).astimezone(CHINA).date()
        counted = [day + number * A_DAY for number in range(COUNTED_FOR)]
        for post in self._articles(place, now):
            if utc(post.at).astimezone(CHINA).date() != day:
                continue
            yield {
                "ref_date": str(day),
                "msgid": native_id(post),
                "publish_type": 0,
                "title": _title(post, now),
                "content_url": f"https://mp.weixin.example/s/{code(22, 'article', post.post_id)}",
                "detail_list": [
                    {"stat_date": str(then), **_detail(_readers(post, then)), **_reading()}
                    for then in counted
                    if then < today
                ],
            }

    def _articles(self, place: Place, now: int) -> Iterator[Post]:
        for post in self.room.posts[place.id]:
            if post.parent is None and post.exists_at(now):
                yield post


def open_site(room: Room) -> WechatSite:
    return WechatSite(room)


def native_id(post: Post) -> str:
    """The message's number and the article's place in it."""
    return f"{2 * 10**9 + int(number_of(post)) % 10**9}_1"


def _day(printed: Any) -> date:
    return datetime.strptime(printed, "%Y-%m-%d").replace(tzinfo=UTC).date()


def _end(day: date) -> int:
    return seconds_of(datetime.combine(day + A_DAY, time(), CHINA))


def _title(post: Post, now: int) -> str:
    saying = post.saying_at(now)
    return saying.title or saying.body.partition("\n")[0]


def _readers(post: Post, day: date) -> int:
    """Who had read an article by the end of a day."""
    return grown(post, _end(day), "readers", 400) if _end(day) > post.at else 0


def _detail(readers: int) -> Row:
    return {
        "read_user": readers,
        "read_user_source": _doors(readers),
        "share_user": readers // 9,
        "zaikan_user": readers // 20,
        "like_user": readers // 10,
        "comment_count": readers // 40,
        "collection_user": readers // 30,
        "praise_money": 0,
        "read_subscribe_user": readers // 50,
    }


def _reading() -> Row:
    return {
        "read_delivery_rate": 0.11,
        "read_finish_rate": 0.42,
        "read_avg_activetime": 1.35,
        "read_jump_position": [{"position": 1, "rate": 0.2}, {"position": 2, "rate": 0.1}],
    }


def _doors(readers: int) -> list[Row]:
    parts = [{"scene_desc": door, "user_count": readers // (n + 2)} for n, door in enumerate(DOORS)]
    return [{"scene_desc": "全部", "user_count": readers}, *parts]


def _token_of(serial: object, issued: int) -> str:
    return f"{serial}-{issued}-{code(43, 'wechat', serial, issued)}"


def _error(number: int, message: str) -> Answer:
    rid = code(12, "rid", number, message)
    return answer_json({"errcode": number, "errmsg": f"{message} rid: {rid}"})
