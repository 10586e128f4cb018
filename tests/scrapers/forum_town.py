"""A lively forum of the town for the Discuz spider, and a crawl of it without a network.

Its posts are drawn from a seed: threads of many pages, replies weeks later, edits, deletions.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scrapy import Request
from scrapy.http import HtmlResponse
from scrapy.utils.test import get_crawler

from demo.cast import PLACE
from demo.days import DAY
from demo.draw import between, happens, open_stream, pick
from demo.faults import Answer
from demo.life import HOUR, Kind, Post
from demo.phrases import Saying
from demo.sites import Ask
from demo.sites.discuz import DiscuzSite
from lake import Lake
from lake.times import parse_epoch
from scrapers.bundles import Bundle
from scrapers.job import CrawlJob
from scrapers.middlewares.patience import Patience
from scrapers.middlewares.refusal import Refusals
from scrapers.pipelines import Land, Pseudonymise, ReportUnknownKeys
from scrapers.spiders.discuz import DiscuzSpider
from tests.scrapers.stage import Page, Played, make_channel, make_job, play

ROOT = "http://127.0.0.1/discuz"
LIST = f"{ROOT}/forum.php?mod=forumdisplay&fid=36"
OPENED = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
WORDS = ("雾屿的奶盖真不错", "排队太久了", "价格 & 分量\n第二行\n第三行", "今天喝了半日红😀")


def instant(at: int) -> datetime:
    return parse_epoch(at, "s").at


def draw_posts(seed: int, *, threads: int = 40, days: int = 20) -> list[Post]:
    """Draw a forum: some threads are answered for weeks, a tenth is edited, some are removed."""
    posts: list[Post] = []
    for number in range(threads):
        stream = open_stream(seed, "forum", number)
        at = OPENED + between(stream, 0, days * DAY)
        opening = _post(stream, f"{700_000_000 + number}", Kind.THREAD, at)
        posts.append(opening)
        count = between(stream, 0, 4) if happens(stream, 0.7) else between(stream, 8, 30)
        for ordinal in range(count):
            when = at + between(stream, 60, (days if happens(stream, 0.2) else 2) * DAY)
            if opening.gone_at is None or when < opening.gone_at:
                name = f"{number:04}{ordinal:04}"
                posts.append(_post(stream, name, Kind.COMMENT, when, opening))
    return sorted(posts, key=lambda post: (post.at, post.post_id))


def _post(stream: Any, name: str, kind: Kind, at: int, parent: Post | None = None) -> Post:
    opens = parent is None
    text = f"{pick(stream, WORDS)} {name}"
    said = Saying(text, f"标题 <{name}> & 更多" if opens else None)
    post = Post(PLACE["teatalk"], name, kind, between(stream, 1, 99), at, said, parent)
    fate, hours = stream.random(), between(stream, 1, 40)
    if fate < 0.10:
        post.edited_at, post.later_saying = at + hours * HOUR, Saying(f"{text}\n\n补充", said.title)
    elif fate < 0.18:
        post.gone_at = at + hours * HOUR
    return post


def open_forum(posts: list[Post]) -> DiscuzSite:
    room = SimpleNamespace(
        places=(PLACE["teatalk"],),
        posts={"teatalk": posts},
        root="/discuz",
        name_of=lambda post: str(20_001 + post.author),
        fans_at=lambda place, now: 321,
    )
    return DiscuzSite(room)  # type: ignore[arg-type]


Spoil = Callable[[str, Answer], Answer | None]


@dataclass
class ForumOnStage:
    """The site as `play` asks it: `now` may move while it is read, `spoil` may spoil an answer."""

    site: DiscuzSite
    now: int
    tick: int = 0  # seconds that every request takes
    spoil: Spoil = lambda url, answer: None
    served: list[str] = field(default_factory=list)
    agent: str = "Tingchao/test"

    def get(self, url: str, _: Page) -> Page:
        self.now += self.tick
        answer = self._through(url)
        if isinstance(answer, Exception):
            return Page(error=answer)
        if answer.status == 200:
            self.served.extend(answer.items)
        return Page(answer.body, answer.status, dict(answer.headers))

    def ask(self, url: str) -> Answer:
        answer = self.site_answer(url)
        return self.spoil(url, answer) or answer

    def site_answer(self, url: str) -> Answer:
        """Answer as the site does that nothing spoils."""
        path, _, query = url.removeprefix(ROOT).partition("?")
        return self.site.answer(Ask(path, query, headers={"user-agent": self.agent}), self.now)

    def _through(self, url: str) -> Answer | Exception:
        """Ask as the crawl does: refusals are taken for such, busy answers are asked again."""
        request = Request(url)
        while True:
            answer = self.ask(url)
            if answer.status == 200 and b"Just a moment" not in answer.body:
                return answer
            response = HtmlResponse(
                url, status=answer.status, body=answer.body, headers=answer.headers
            )
            try:
                again = self._heed(request, response)
            except Exception as error:
                return error
            if not isinstance(again, Request):
                return answer
            request = again

    def _heed(self, request: Request, response: HtmlResponse) -> Request | HtmlResponse:
        refusals, patience = self._middlewares
        refusals.process_response(request, response)
        return asyncio.run(patience.process_response(request, response))

    @cached_property
    def _middlewares(self) -> tuple[Refusals, Patience]:
        crawler = get_crawler(DiscuzSpider, {"TINGCHAO_RETRIES": 2})
        patience = Patience.from_crawler(crawler)
        patience.sleep = lambda seconds: asyncio.sleep(0)
        return Refusals.from_crawler(crawler), patience


def crawl(folder: Path, stage: ForumOnStage, end: int, **changes: Any) -> Played:
    """Crawl the forum into the lake of a folder, as of an instant."""
    start = changes.pop("start", end - DAY)
    job_changes = {k: changes.pop(k) for k in ("limits", "crawl_id") if k in changes}
    url = changes.pop("url", LIST)
    channel = make_channel(
        url,
        channel_id="teatalk",
        start=instant(start),
        end=instant(end),
        time_zone="Asia/Shanghai",
        **changes,
    )
    job = make_job(
        folder,
        channel,
        **{
            "source": "discuz",
            "crawl_id": f"run-{end}",
            "now": instant(end),
            "permalink_base": None,
            **job_changes,
        },
    )
    job = job.model_copy(update={"limits": job.limits.model_copy(update={"max_pages": 5000})})
    job = job.model_copy(update=job_changes)
    played = play(DiscuzSpider(job), stage, most=5000)  # type: ignore[arg-type]
    land(job, played)
    return played


def land(job: CrawlJob, played: Played) -> None:
    """Take everything through the pipelines into the lake."""
    crawler = get_crawler(DiscuzSpider)
    crawler.spider = DiscuzSpider(job)
    pipelines = [kind.from_crawler(crawler) for kind in (ReportUnknownKeys, Pseudonymise, Land)]

    async def carry() -> None:
        bundle: Any = Bundle(tuple(played.items))
        for pipeline in pipelines:
            result = pipeline.process_item(bundle)
            bundle = await result if inspect.isawaitable(result) else result

    asyncio.run(carry())


def landed(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the last observation of every post in the lake."""
    rows = Lake.open(folder / "lake").read("posts").to_pylist()
    return {row["post_id"]: row for row in rows}


def expected(site: DiscuzSite, now: int) -> dict[str, tuple[str | None, str]]:
    """Return title and words of every post that can be read at an instant, by its id there."""
    (forum,) = site.forums.values()
    return {
        forum.id_of(post): (post.saying_at(now).title, post.saying_at(now).body)
        for post in forum.posts
        if post.exists_at(now)
    }


def living(folder: Path) -> dict[str, tuple[str | None, str]]:
    """Return title and words of every post that the lake takes to be there."""
    return {
        post_id: (row["title_text"], row["body_text"])
        for post_id, row in landed(folder).items()
        if not row["is_deleted"]
    }


def days_of(first: int, last: int) -> Iterator[int]:
    yield from (OPENED + number * DAY for number in range(first, last + 1))
