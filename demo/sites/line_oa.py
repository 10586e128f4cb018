"""LINE's insight API: friends and deliveries of a day that ends at 15:00 UTC, demographics.

The town's LINE counts a day the moment it is over; `ready_after` makes it as slow as in life.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from demo.apis import answer_json, query_of
from demo.cast import Place
from demo.days import date_of, seconds_of
from demo.draw import between, open_stream
from demo.faults import Answer
from demo.keys import KEYS
from demo.life import Post
from demo.sites import Ask, Room

TOKYO = timezone(timedelta(hours=9))
OPENED = date(2016, 11, 1)  # nothing is told of a day before
BLOCKED = 237  # who blocked the account before the town's first day
UNKNOWN = (
    "Authentication failed. Confirm that the access token in the authorization header is valid."
)
GENDERS = {"unknown": 37.6, "male": 31.8, "female": 30.6}
AGES = {"unknown": 37.6, "from20to24": 12.3, "from25to29": 32.8, "from50": 17.3}
AREAS = {"unknown": 42.9, "台北市": 35.0, "台中市": 22.1}


class LineSite:
    """The API at any instant."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.token = KEYS["TINGCHAO_LINE_TOKEN"]
        self.ready_after = 0  # seconds
        self.calls_left: int | None = None

    def answer(self, ask: Ask, now: int) -> Answer:
        if ask.headers.get("authorization") != f"Bearer {self.token}":
            return answer_json({"message": UNKNOWN}, 401)
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                return answer_json({"message": "The API rate limit has been exceeded."}, 429)
        (place,) = self.room.places
        if ask.path == "/info":
            return answer_json(_info(place))
        if ask.path == "/insight/demographic":
            return answer_json(_demographic())
        if ask.path in ("/insight/followers", "/insight/message/delivery"):
            return self._day(place, ask.path.rpartition("/")[2], query_of(ask).get("date", ""), now)
        return answer_json({"message": "Not found"}, 404)

    def _day(self, place: Place, what: str, printed: str, now: int) -> Answer:
        try:
            day = datetime.strptime(printed, "%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            return answer_json({"message": "The value for the 'date' parameter is invalid"}, 400)
        if day < OPENED:
            return answer_json({"status": "out_of_service"})
        if _end(day) + self.ready_after > now:
            return answer_json({"status": "unready"})
        told = self._friends(place, day) if what == "followers" else _deliveries(place, day)
        return answer_json({"status": "ready", **told})

    def _friends(self, place: Place, day: date) -> dict[str, int]:
        """Whoever leaves blocks the account, so `followers` never decreases."""
        fans, blocked = self.room.fans_at(place, _end(day)), BLOCKED
        first = date_of(self.room.town.first)
        before = self.room.fans_at(place, _end(first))
        for number in range(1, (day - first).days + 1):
            after = self.room.fans_at(place, _end(first + timedelta(days=number)))
            blocked += max(0, before - after)
            before = after
        return {
            "followers": fans + blocked,
            "targetedReaches": fans * 4 // 5,
            "blocks": blocked,
        }


def open_site(room: Room) -> LineSite:
    return LineSite(room)


def native_id(post: Post) -> str:
    return post.post_id


def _end(day: date) -> int:
    return seconds_of(datetime.combine(day + timedelta(days=1), time(), TOKYO))


def _info(place: Place) -> dict[str, str]:
    return {
        "userId": "U00000000000000000000000000000001",
        "basicId": "@000abcde",
        "premiumId": place.address,
        "displayName": place.title,
        "chatMode": "bot",
        "markAsReadMode": "manual",
    }


def _deliveries(place: Place, day: date) -> dict[str, int]:
    """What was sent; a kind of message that was not sent is not there."""
    stream = open_stream("line", place.id, day)
    sent = {
        "broadcast": between(stream, 0, 1) * 5000,
        "autoResponse": between(stream, 0, 120),
        "welcomeResponse": between(stream, 0, 9),
        "chat": between(stream, 0, 9),
        "apiPush": between(stream, 0, 20),
    }
    return {name: count for name, count in sent.items() if count}


def _demographic() -> Mapping[str, Any]:
    parts = {"gender": GENDERS, "age": AGES, "area": AREAS}
    return {
        "available": True,
        **{
            f"{name}s": [{name: key, "percentage": share} for key, share in shares.items()]
            for name, shares in parts.items()
        },
        "appTypes": [{"appType": "ios", "percentage": 52.0}],
        "subscriptionPeriods": [{"subscriptionPeriod": "over365days", "percentage": 61.0}],
    }
