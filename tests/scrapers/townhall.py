"""A site of the town and a real spider in one process: day by day, into a real lake.

Posts are edited, deleted and answered late, more often than in the town itself.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.utils.test import get_crawler

from demo.apis import text_of
from demo.cast import OFFICIAL, PLACES, Place, Shape
from demo.keys import KEYS
from demo.life import Kind, Post
from demo.phrases import Saying
from demo.sites import Ask, Room, Site
from demo.town import Town
from lake import Lake
from lake.pseudonyms import Pseudonyms
from scrapers.access.channel import ChannelSpider
from scrapers.bundles import Bundle
from scrapers.pipelines import Land, Pseudonymise, ReportUnknownKeys
from scrapers.plan import Request as Asked
from scrapers.plan import plan_crawl
from tests.scrapers.stage import Page, Played, play_with
from tingchao.config import Channel, Config, SourceOverride

SERVER = "127.0.0.1:8917"
HOUR, DAY = 3600, 86_400
ENVIRONMENT = {**KEYS, "TINGCHAO_PSEUDONYM_KEY": "ab" * 32}


@cache
def small_town() -> Town:
    """Three hundred people, eight days."""
    return Town(seed=11, people=300, days=8)


@cache
def told_town() -> Town:
    """Six hundred people, thirty days: enough of them speak at every place."""
    return Town(seed=11, people=600, days=30)


def make_posts(place: Place, first: datetime, days: int, *, threads: int = 3) -> list[Post]:
    """Plant threads of every fate: edited, deleted, answered late, with answers of answers."""
    posts: list[Post] = []
    start = int(first.timestamp())
    for day in range(days):
        for number in range(threads):
            at = start + day * DAY + (number + 1) * 5 * HOUR
            is_official = number == 0 or place.shape is Shape.WALL
            root = _plant(posts, place, at, OFFICIAL if is_official else 7 + number)
            root.gone_at = at + 40 * HOUR if (day + number) % 5 == 3 else None
            _edit(root, at + 9 * HOUR if number == 1 else None)
            for i in range((day * 5 + number * 3) % 9):
                late = 30 * HOUR if i == 4 else 0
                reply = _plant(posts, place, at + 600 * (i + 1) + late, 20 + i, root)
                reply.gone_at = reply.at + 20 * HOUR if i == 2 else None
                _edit(reply, reply.at + 3 * HOUR if i == 3 else None)
                for j in range(3 if i == 1 else 0):
                    _plant(posts, place, reply.at + 60 * (j + 1), 40 + j, reply)
    return sorted(posts, key=lambda post: (post.at, post.post_id))


def _plant(
    posts: list[Post], place: Place, at: int, author: int, parent: Post | None = None
) -> Post:
    kind = Kind.ARTICLE if parent is None else Kind.COMMENT
    number = len(posts)
    post = Post(place, str(10**13 + at * 1000 + number), kind, author, at, _say(number), parent)
    posts.append(post)
    return post


def _say(number: int) -> Saying:
    return Saying(f"第{number}則，霧嶼茶研好喝\n第二行 <b>&amp;</b> 👍 @路人{number}")


def _edit(post: Post, at: int | None) -> None:
    post.edited_at = at
    if at is not None:
        post.later_saying = Saying(f"{post.saying.body}（改）")


@dataclass
class Townhall:
    """One place of the town, its site, and a spider that visits it."""

    folder: Path
    place: Place
    posts: Sequence[Post]
    open_site: Callable[[Room], Site]
    spider: type[ChannelSpider]
    name_of_post: Callable[[Post], str]
    override: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    served: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        source = self.place.source
        self.room = Room(
            small_town(),
            (self.place,),
            {self.place.id: self.posts},
            {self.place.id: ()},
            f"/{source}",
        )
        self.site = self.open_site(self.room)
        settings = SourceOverride(
            base_url=f"http://{SERVER}/{source}",
            allow_hosts=(SERVER,),
            download_delay=0,
            **self.override,
        )
        channel = Channel(
            id=self.place.id, source=source, address=self.place.address, options=self.options
        )
        self.config = Config(
            version=1,
            clock="logical",
            channels=(channel,),
            sources={source: settings},
            path=self.folder / "config.yml",
        )
        self.lake = Lake.open(self.folder / "lake")
        self.key = Pseudonyms.from_environment(ENVIRONMENT).key

    def visit(self, now: datetime, *, since: datetime | None = None, run: str = "") -> Played:
        """Let the spider visit at an instant, and land what it brings."""
        folder = self.folder / f"run-{now:%m%d%H}{run}"
        folder.mkdir(exist_ok=True)
        asked = Asked(f"run-{now.isoformat()}{run}", since or now - timedelta(days=1), now)
        plan = plan_crawl(
            self.config, self.lake, self.place.source, asked, now=now, log_folder=folder
        )
        job = plan.job.model_copy(update={"lake_uri": str(self.folder / "lake")})
        spider = self.spider(job)
        self.requests.clear()
        played = play_with(spider, lambda request: self.reply(request, now), most=5000)
        asyncio.run(land(spider, played.items))
        self.unknown = _unknown(job, played)
        return played

    def reply(self, request: Request, now: datetime) -> Page:
        self.requests.append(request)
        parts = urlsplit(request.url)
        assert parts.netloc == SERVER
        ask = Ask(
            path=parts.path.removeprefix(f"/{self.place.source}"),
            query=parts.query,
            method=request.method,
            headers={
                name.decode().lower(): values[0].decode()
                for name, values in request.headers.items()
            },
            body=request.body,
        )
        answer = self.site.answer(ask, int(now.timestamp()))
        self.served.update(answer.items)
        return Page(answer.body, answer.status, dict(answer.headers))

    def landed(self) -> dict[str, dict[str, Any]]:
        """Return the last observation of every post that is not gone, by id."""
        rows = self.lake.read("posts").to_pylist()
        last = {row["post_id"]: row for row in rows}
        return {i: row for i, row in last.items() if not row["is_deleted"]}

    def exists(self, now: datetime) -> dict[str, Post]:
        """Return what can be read at an instant, by the platform's own id."""
        at = int(now.timestamp())
        return {self.name_of_post(p): p for p in self.posts if p.exists_at(at) and p.at < at}

    def assert_agrees(self, now: datetime, *, says: Callable[[Post, int], str] = text_of) -> None:
        """Hold what was landed against what exists: ids, texts, authors, times, threads."""
        landed, exists, at = self.landed(), self.exists(now), int(now.timestamp())
        assert set(landed) == set(exists)
        for post_id, post in exists.items():
            row = landed[post_id]
            said = "\n".join(filter(None, (row["title_text"], row["body_text"])))
            assert said == says(post, at), post_id
            assert row["published_at"] == datetime.fromtimestamp(post.at, UTC)
            assert row["author_key"] == self.key(self.place.source, self.room.name_of(post))
            root = post.root
            assert row["root_id"] in (self.name_of_post(root), None if root is post else "")
            parent = self.name_of_post(post.parent) if post.parent else None
            assert row["parent_id"] == parent, post_id
        assert not self.unknown

    def audience(self) -> list[dict[str, Any]]:
        return self.lake.read("channels").to_pylist()


def place_of(source: str) -> Place:
    (place,) = (place for place in PLACES if place.source == source)
    return place


def _unknown(job: Any, played: Played) -> set[str]:
    return {
        key
        for item in played.items
        for key in getattr(item, "unread", frozenset())
        if key not in job.ignored_keys
    }


async def land(spider: ChannelSpider, items: list[Any]) -> None:
    crawler = get_crawler(type(spider))
    crawler.spider = spider
    for kind in (ReportUnknownKeys, Pseudonymise, Land):
        pipeline = kind.from_crawler(crawler)
        bundle = Bundle(tuple(items))
        result = pipeline.process_item(bundle)
        bundle = await result if inspect.isawaitable(result) else result
        items = list(bundle.items)
