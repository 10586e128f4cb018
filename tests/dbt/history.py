"""A made-up history that lands a stretch of days at a time, with all that goes wrong in one.

Late posts, edits that move a post to another day, tombstones, posts seen again, posts without a
time, reactions, new fan counts, blocked and overlapping crawls, visits and orders that change
their mind, members who tell more of themselves, texts that are understood late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.dbt.landing import (
    Landing,
    Row,
    Understood,
    member,
    order,
    post,
    reaction,
    tombstone,
    visit,
)

PEOPLE = tuple(f"p{number}" for number in range(9))
PASTED = "親身試過穗光真的屌打其他家，茶香回甘又便宜，現在加入還送大杯，不買可惜"
PRIZE = "公開分享並留言，抽10位送霧嶼和穗光的飲料券"
ECHO = "同意這位說的 //@路人:霧嶼好喝"
TEXTS: dict[str, Understood] = {
    "霧嶼好喝": ("positive", [("tea", "霧嶼")]),
    "霧嶼跟穗光都貴": ("negative", [("tea", "霧嶼"), ("milk", "穗光")]),
    "穗光穗光": ("neutral", [("milk", "穗光"), ("milk", "穗光")]),
    "今天下雨": ("unknown", []),
    PASTED: ("positive", [("milk", "穗光")], {"own_length": 32, "fingerprint": 7}),
    PRIZE: (
        "neutral",
        [("tea", "霧嶼"), ("milk", "穗光")],
        {"noise": [{"rule": "giveaway", "score": 0.95}]},
    ),
    ECHO: ("neutral", [("tea", "霧嶼")], {"is_quoted": True}),
}
SECOND_THOUGHTS: dict[str, Understood] = {
    **TEXTS,
    "霧嶼好喝": ("neutral", [("tea", "霧嶼")]),
    "今天下雨": ("negative", [("milk", "今天")]),
}


@dataclass
class History:
    """What has happened so far; `tell` adds what one run of the pipeline lands."""

    landing: Landing
    random: Random
    posts: dict[str, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    count: int = 0
    covered_until: str = "2026-01-01 00:00"

    def tell(self, at: str) -> None:
        """Land one run that commits at `at`."""
        segment = self.landing.land(
            at,
            "board",
            covered=(self._sometimes(self.covered_until, self._before(at, 30)), at),
            posts=[self._post(at) for _ in range(self.random.randint(8, 20))],
            reactions=[self._reaction(at) for _ in range(self.random.randint(0, 9))],
            channels=self._fan_counts(at),
        )
        self.covered_until = at
        self._refuse_one(at, segment)
        self._land_blog(at)
        self._import_posts(at)
        self.landing.land(
            at,
            "shop-export",
            source="shop",
            route="import",
            visits=[self._visit(at) for _ in range(self.random.randint(2, 9))],
            orders=[self._order(at) for _ in range(self.random.randint(2, 9))],
            members=[self._member(at) for _ in range(self.random.randint(0, 4))],
        )

    def _refuse_one(self, at: str, segment: str) -> None:
        """Let the gate refuse a post of the segment that has just landed."""
        refused = {"table_name": "posts", "of_segment_id": segment, "rule": "odd"}
        named = {**refused, "record_id": self.random.choice(sorted(self.posts))}
        self.landing.land(at, "board", route="gate", quarantine=[named])

    def _import_posts(self, at: str) -> None:
        """Sometimes import a file that says itself of which channels it speaks, and since when."""
        if self.random.random() < 0.5:
            channels = self.random.sample(["board", "blog", "file"], 2)
            posts = [{**self._post(at), "channel_id": channel} for channel in channels]
            covered = (self._before(at, 90), at)
            self.landing.land(at, "old-posts", route="import", covered=covered, posts=posts)

    def _land_blog(self, at: str) -> None:
        blocked = self.random.random() < 0.5
        self.landing.land(
            at,
            "blog",
            source="blog",
            covered=None if blocked else (self._before(at, 3), at),
            window=(self._before(at, 3), at),
            stop_reason="blocked" if blocked else "exhausted",
            posts=[] if blocked else [{**self._post(at), "author_key": None}],
        )

    def _post(self, at: str) -> Row:
        if self.posts and self.random.random() < 0.4:
            return self._again(self.random.choice(sorted(self.posts)), at)
        self.count += 1
        said = post(
            f"m{self.count}",
            self._sometimes(None, self._before(at, 40), chance=0.1),
            self.random.choice([*PEOPLE, "official", None]),
            kind=self.random.choice(["article", "comment", "push", "repost"]),
            text=self.random.choice(sorted(TEXTS)),
        )
        self.posts[said["post_id"]] = said
        return said

    def _again(self, post_id: str, at: str) -> Row:
        """See a post again: gone, moved to another day, given another text, or as it was."""
        if self.random.random() < 0.3:
            return tombstone(post_id)
        before = self.posts[post_id]
        when = self._sometimes(None, self._before(at, 60))
        text = self.random.choice([before["body_text"], *sorted(TEXTS)])
        seen = post(post_id, when, self.random.choice(PEOPLE), kind=before["kind"], text=text)
        if self.random.random() < 0.5:
            seen["published_at"] = before["published_at"]
        self.posts[post_id] = seen
        return seen

    def _reaction(self, at: str) -> Row:
        on = self.random.choice([*sorted(self.posts), "never-seen"])
        when = self._sometimes(None, self._before(at, 20), chance=0.1)
        return reaction(on, when, self.random.choice([*PEOPLE, None]))

    def _fan_counts(self, at: str) -> list[Row]:
        count = self.random.choice([None, *range(5, 15)])
        when = datetime.fromisoformat(f"{self._before(at, 12)}+08:00")
        return [{"observed_at": when, "fan_count": count}] if self.random.random() < 0.6 else []

    def _visit(self, at: str) -> Row:
        visit_id = f"v{self.random.randint(0, 30)}"
        touch = self.random.choice(
            [
                {"utm_source": "ptt"},
                {"referrer": "https://www.tea.example/blog"},
                {"utm_source": "unknown"},
            ]
        )
        visitor = self.random.choice([*PEOPLE, None])
        return visit(visit_id, self._before(at, 45), visitor and f"visitor-{visitor}", **touch)

    def _order(self, at: str) -> Row:
        order_id = f"o{self.random.randint(0, 40)}"
        person = self.random.choice([*PEOPLE, None])
        new = order(
            order_id,
            self._before(at, 30),
            f"{self.random.randint(1, 99999)}.{self.random.randint(0, 9999):04}",
            status=self.random.choice(["paid", "paid", "pending", "cancelled", "refunded", "test"]),
            refund_amount=self.random.choice([None, "0.005", "12.34"]),
            customer_key=person and f"customer-{person}",
            visitor_key=person and f"visitor-{person}",
            brand_id=self.random.choice(["tea", None]),
            currency=self.random.choice(["TWD", "TWD", "JPY"]),
            utm_source=self.random.choice([None, None, "ptt"]),
        )
        self.orders[order_id] = new
        return new

    def _member(self, at: str) -> Row:
        person = self.random.choice(PEOPLE)
        told = self.random.choice([["ptt"], ["ptt", "shop"], ["shop"], []])
        names = {"ptt": person, "shop": f"customer-{person}"}
        handles = [(source, names[source]) for source in told]
        return member(f"member-{person}", self._before(at, 10), handles)

    def _before(self, at: str, days: int) -> str:
        minutes = self.random.randint(0, days * 24 * 60)
        when = datetime.fromisoformat(at) - timedelta(minutes=minutes)
        return f"{when:%Y-%m-%d %H:%M}"

    def _sometimes(self, rare: str | None, usual: str, chance: float = 0.2) -> Any:
        return rare if self.random.random() < chance else usual
