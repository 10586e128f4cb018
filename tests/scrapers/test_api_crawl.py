"""The API spiders in their own process against the town's server: what lands, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.days import seconds_of
from demo.keys import KEYS
from demo.server import TownServer, serving
from demo.town import Town
from lake import StopReason
from tests.scrapers.townhall import ENVIRONMENT, place_of
from tingchao.config import Channel, Config, SourceOverride
from tingchao.context import Context
from tingchao.steps.crawl import CrawlSummary, crawl

SOURCES = ("youtube", "mastodon")
CRAWLED = (*SOURCES, "wechat_oa")  # which tells numbers of days, and posts to the town nothing


@dataclass
class Crawled:
    """What came of one crawl of every source."""

    town: Town
    context: Context
    server: TownServer
    summaries: dict[str, CrawlSummary]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    folder = tmp_path_factory.mktemp("apis")
    town = Town(seed=11, people=600, days=30)
    with pytest.MonkeyPatch.context() as patch, serving(town) as server:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        context = _context(folder, town, server)
        since = town.closes_at - timedelta(days=town.days)
        summaries = {source: crawl(context, source, run_id="r1", since=since) for source in CRAWLED}
        yield Crawled(town, context, server, summaries)


def _context(folder: Path, town: Town, server: TownServer) -> Context:
    address = server.url.removeprefix("http://")
    channels = [
        Channel(id=place.id, source=source, address=place.address)
        for source in CRAWLED
        for place in [place_of(source)]
    ]
    overrides = {
        source: SourceOverride(
            base_url=f"{server.url}/{source}", allow_hosts=(address,), download_delay=0
        )
        for source in CRAWLED
    }
    config = Config(
        version=1,
        clock="logical",
        channels=tuple(channels),
        sources=overrides,
        path=folder / "config.yml",
    )
    return Context(config, lambda: town.closes_at)


@pytest.mark.parametrize("source", SOURCES)
def test_what_stands_in_the_town_is_landed(source: str, crawled: Crawled) -> None:
    (channel,) = crawled.summaries[source].channels
    assert channel.stop_reason in (StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK), channel
    assert crawled.summaries[source].unknown_keys == {}
    now, place = seconds_of(crawled.town.closes_at), place_of(source)
    stands = [p for p in crawled.town.posts if p.place is place and p.exists_at(now) and p.at < now]
    landed = crawled.context.lake.read("posts", source=source)
    assert landed.num_rows == len(stands) > 0
    shown = {
        i for line in crawled.server.log if line.path.startswith(f"/{source}/") for i in line.items
    }
    assert set(landed["post_id"].to_pylist()) <= shown


def test_no_secret_is_written_anywhere(crawled: Crawled) -> None:
    texts = [
        path.read_text(encoding="utf-8", errors="replace")
        for path in crawled.context.config.data.rglob("*")
        if path.suffix in {".json", ".log", ".txt"}
    ]
    assert len(texts) >= 3 * len(CRAWLED)
    rows: list[dict[str, Any]] = []
    for table in ("posts", "channels", "crawls", "quarantine"):
        rows += crawled.context.lake.read(table).to_pylist()
    said = json.dumps(rows, default=str) + "".join(texts)
    assert all(secret not in said for secret in KEYS.values())
    assert all(secret not in line.path for secret in KEYS.values() for line in crawled.server.log)
    told = (line.path.partition("access_token=")[2] for line in crawled.server.log)
    tokens = {token for token in told if token}
    assert len(tokens) == 1
    assert all(token not in said for token in tokens)


def test_every_day_of_a_gauge_is_landed(crawled: Crawled) -> None:
    (channel,) = crawled.summaries["wechat_oa"].channels
    assert channel.stop_reason is StopReason.EXHAUSTED, channel
    assert crawled.summaries["wechat_oa"].unknown_keys == {}
    rows = crawled.context.lake.read("channels", source="wechat_oa").to_pylist()
    closes_at = crawled.town.closes_at
    days = {closes_at - timedelta(days=number) for number in range(crawled.town.days + 1)}
    assert {row["observed_at"] for row in rows} == days


def test_an_interface_used_with_a_key_is_no_crawl_and_the_others_obey_robots(
    crawled: Crawled,
) -> None:
    kept = {p.parts[-3] for p in crawled.context.config.data.rglob("robots/*.txt")}
    assert kept == {"crawl-mastodon"}


def test_units_are_remembered_beside_the_data(crawled: Crawled) -> None:
    (spent,) = (crawled.context.config.data / "quota").glob("youtube.*")
    pages = crawled.summaries["youtube"].channels[0].pages
    assert spent.name.startswith("youtube.TINGCHAO_YOUTUBE_KEY.20")
    assert spent.stat().st_size == pages
