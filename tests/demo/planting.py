"""Acts planted by hand, for towns small enough to count on fingers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

from demo.cast import PLACE
from demo.days import midnight, number_of
from demo.life import Kind, Post
from demo.phrases import NEUTRAL, Saying

FIRST = date(2026, 6, 1)


def at(day: date, hour: float = 12.0) -> int:
    """Unix second of an hour in Taipei."""
    return midnight(number_of(day)) + int(hour * 3600)


@dataclass
class Planted:
    """A town of hand-planted posts, as far as observers ask for one."""

    posts: list[Post] = field(default_factory=list)
    start: date = FIRST

    @property
    def town(self) -> Any:
        return SimpleNamespace(first=number_of(self.start), posts=self.posts)

    def say(self, place: str, author: int, when: int, text: str = "推", **more: Any) -> Post:
        """Plant a post; it opens a thread unless it has a parent."""
        said = Saying(
            text,
            brands=more.pop("brands", ()),
            mood=more.pop("mood", NEUTRAL),
            quoted=more.pop("quoted", ()),
            noise=more.pop("noise", None),
        )
        kind = Kind.PUSH if "parent" in more else Kind.ARTICLE
        post_id = more.pop("post_id", f"M.{when}.A.{len(self.posts):03X}")
        more.setdefault("tag", "推" if kind is Kind.PUSH else "")
        post = Post(PLACE[place], post_id, kind, author, when, said, **more)
        self.posts.append(post)
        return post
