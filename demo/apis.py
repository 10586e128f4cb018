"""What the town's interfaces of JSON have in common: answers, pages, names, counters that grow."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from demo.days import DAY, utc
from demo.draw import between, open_stream
from demo.faults import Answer
from demo.life import Post
from demo.sites import Ask

JSON = "application/json; charset=utf-8"
GROWS_FOR = 5 * DAY  # seconds after which a post's counters stand still

T = TypeVar("T")


def answer_json(
    data: Any,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    items: Iterable[str] = (),
) -> Answer:
    """Answer with JSON; `items` are the ids of the posts in it."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": JSON, **(headers or {})}, tuple(items))


def query_of(ask: Ask) -> dict[str, str]:
    """Return the parameters of a request, the last of each name."""
    return dict(parse_qsl(ask.query, keep_blank_values=True))


def stamp(at: int, pattern: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    """Print a Unix second in UTC."""
    return utc(at).strftime(pattern)


def code(length: int, *names: object) -> str:
    """Return a name of so many letters, digits, - and _ that these names determine."""
    digest = hashlib.sha256(" ".join(map(str, names)).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().replace("=", "")[:length]


def grown(post: Post, now: int, name: str, most: int) -> int:
    """Return a counter of a post that grows for some days, to at most `most`."""
    goal = between(open_stream(name, post.place.id, post.post_id), most // 10, most)
    return goal * min(max(now - post.at, 0), GROWS_FOR) // GROWS_FOR


def slice_of(entries: Sequence[T], start: int, size: int) -> tuple[Sequence[T], int | None]:
    """Return a page of a list, and where the next one begins."""
    end = start + size
    return entries[start:end], end if end < len(entries) else None


def token_of(start: int | None, secret: str) -> str | None:
    """Print where a page begins as platforms do, so that nobody counts on its form."""
    if start is None:
        return None
    return base64.urlsafe_b64encode(f"{secret}:{start}".encode()).decode().rstrip("=")


def start_of(token: str | None, secret: str) -> int | None:
    """Read a token of `token_of`; 0 without one, None when it is not ours."""
    if not token:
        return 0
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        return None
    said, _, start = raw.rpartition(":")
    return int(start) if said == secret and start.isdecimal() else None


@dataclass(frozen=True)
class Threads:
    """What stands at a place at one instant, thread by thread, in order of time."""

    roots: tuple[Post, ...]
    under: Mapping[str, tuple[Post, ...]]  # by id of the root

    @classmethod
    def at(cls, posts: Collection[Post], now: int) -> Threads:
        alive = [post for post in posts if post.exists_at(now)]
        under: dict[str, list[Post]] = {}
        for post in alive:
            if post.parent is not None:
                under.setdefault(post.root.post_id, []).append(post)
        roots = tuple(post for post in alive if post.parent is None)
        return cls(roots, {root: tuple(posts) for root, posts in under.items()})

    def below(self, root: Post) -> tuple[Post, ...]:
        return self.under.get(root.post_id, ())


def is_same(post: Post | None, other: Post) -> bool:
    """Whether two tellings of a post are one: the town tells a thread anew for every day."""
    return post is not None and post.post_id == other.post_id


def text_of(post: Post, now: int) -> str:
    """Return all that a post says at an instant, its title as a line of its own."""
    saying = post.saying_at(now)
    return f"{saying.title}\n{saying.body}" if saying.title else saying.body


def edited_by(post: Post, now: int) -> int | None:
    """Return when a post was edited, if it was by then."""
    return post.edited_at if post.edited_at is not None and post.edited_at <= now else None
