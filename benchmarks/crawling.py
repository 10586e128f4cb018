"""How fast a crawl is, against a bare Scrapy spider that fetches the same pages and writes nothing.

    python -m benchmarks.crawling [--pages 20000] [--runs 3]

A server in a process of its own serves a board of the town over and over, rendered beforehand, so
that nobody waits for it. Both spiders ask for one page at a time, without delay; the bare one finds
the links of the board's pages and looks at nothing else. They take turns; ratios are of medians.
Memory is the resident set of our crawl at a quarter, half and the whole of its pages.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import psutil  # type: ignore[import-untyped]

from demo import ptt
from demo.life import file_name
from demo.server import Sites
from demo.town import Town

BOARD = "TeaDrink"
PAGE_SIZE = 20
END = 1_790_000_000  # Unix seconds; every article lies before it
SPACING = 60  # seconds between two articles
SAMPLE_SECONDS = 0.25
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n"
ROBOTS = "User-agent: *\nDisallow: /man/\n"


@click.command(help=__doc__.splitlines()[0])
@click.option("--pages", default=20_000, help="board pages and articles together")
@click.option("--runs", default=3, help="runs of each spider")
@click.option("--serve", hidden=True, is_flag=True)
@click.option("--bare", hidden=True)
def main(pages: int, runs: int, serve: bool, bare: str | None) -> None:
    if serve:
        asyncio.run(serve_board(pages))
    elif bare:
        crawl_barely(bare)
    else:
        compare(pages, runs)


def compare(pages: int, runs: int) -> None:
    """Let both spiders crawl in turn and say how they did."""
    names = ("scrapy", "lxml", "pyarrow")
    click.echo(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in names)
    )
    taken: dict[str, list[float]] = {"bare": [], "ours": []}
    with served(pages) as url:
        for _ in range(runs):
            taken["bare"].append(measure_bare(url, pages))
            seconds, landed, memory = measure_ours(url, pages)
            taken["ours"].append(seconds)
    for name, seconds in taken.items():
        rates = ", ".join(f"{pages / s:,.0f}" for s in seconds)
        click.echo(f"{name}: {pages / statistics.median(seconds):,.0f} pages/s ({rates})")
    ratio = statistics.median(taken["bare"]) / statistics.median(taken["ours"])
    held = " → ".join(f"{memory[len(memory) * part // 4 - 1] / 2**20:,.0f}" for part in (1, 2, 4))
    click.echo(
        f"ours against bare: {ratio:.0%} of the pages a second, {landed:,} records landed of "
        f"{pages:,} pages; resident memory {held} MiB"
    )


# ---- the server


class Pages:
    """A board of any length, made of the articles of the town over and over."""

    def __init__(self, pages: int) -> None:
        town = Town(people=4000, days=14)
        board = Sites(town, int(town.closes_at.timestamp())).boards[BOARD]
        now = int(town.closes_at.timestamp())
        self.models = [post for post in board.articles if post.exists_at(now)]
        self.bodies = [ptt.article_page(board, post, now).encode() for post in self.models]
        self.board = board
        self.articles = pages * PAGE_SIZE // (PAGE_SIZE + 1)
        self.last = -(-self.articles // PAGE_SIZE)

    def answer(self, path: str) -> bytes:
        if path == "/robots.txt":
            return ROBOTS.encode()
        name = path.rsplit("/", 1)[-1].removesuffix(".html")
        if name.startswith("index"):
            return self._index(int(name[5:] or self.last)).encode()
        at = int(name.split(".")[1])
        model = (END - at) // SPACING % len(self.bodies)
        return self.bodies[model].replace(self.models[model].post_id.encode(), name.encode())

    def _index(self, number: int) -> str:
        """Render a page by letting the town render one with these articles alone."""
        first = self.articles - number * PAGE_SIZE  # how many are younger than the youngest here
        shown = range(max(first, 0), min(first + PAGE_SIZE, self.articles))
        posts = [self._clone(ordinal) for ordinal in reversed(shown)]
        page = ptt.index_page(replace(self.board, articles=posts, pushes={}), 1, END)
        assert page is not None, "a board has a first page"
        return page.replace(
            '<a class="btn wide disabled">&lsaquo; 上頁</a>',
            f'<a class="btn wide" href="/bbs/{BOARD}/index{number - 1}.html">&lsaquo; 上頁</a>'
            if number > 1
            else '<a class="btn wide disabled">&lsaquo; 上頁</a>',
        )

    def _clone(self, ordinal: int) -> Any:
        model, at = self.models[ordinal % len(self.models)], END - ordinal * SPACING
        return replace(model, post_id=file_name(at, ordinal % 4096), at=at, gone_at=None)


async def serve_board(pages: int) -> None:
    board = Pages(pages)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            body = board.answer(head.split(b" ", 2)[1].decode())
            writer.write(HEAD.format(len(body)).encode() + body)
            await writer.drain()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    click.echo(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


@contextmanager
def served(pages: int) -> Iterator[str]:
    argv = [sys.executable, "-u", "-m", "benchmarks.crawling", "--serve", "--pages", str(pages)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


# ---- the two spiders


def crawl_barely(url: str) -> None:
    """Follow the board's links, one page at a time, and keep nothing."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Bare(scrapy.Spider):
        name = "bare"
        start_urls = [f"{url}/bbs/{BOARD}/index.html"]  # noqa: RUF012

        def parse(self, response: Any) -> Iterator[Any]:
            for link in response.css("div.r-ent div.title a::attr(href)").getall():
                yield response.follow(link, self.look)
            older = response.css("div.btn-group-paging a:nth-child(2)::attr(href)").get()
            if older:
                yield response.follow(older, self.parse)

        def look(self, response: Any) -> None:
            pass

    process = CrawlerProcess(
        {
            "LOG_LEVEL": "ERROR",
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "DOWNLOAD_DELAY": 0,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "ROBOTSTXT_OBEY": False,
        }
    )
    process.crawl(Bare)
    process.start()


def measure_bare(url: str, pages: int) -> float:
    argv = [sys.executable, "-m", "benchmarks.crawling", "--bare", url, "--pages", str(pages)]
    began = time.monotonic()
    subprocess.run(argv, check=True)
    return time.monotonic() - began


def measure_ours(url: str, pages: int) -> tuple[float, int, list[int]]:
    """Crawl the board with the product; return seconds, records landed and memory over time."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "crawl.yml")
        config.write_text(configuration(url, pages), encoding="utf-8")
        argv = [sys.executable, "-m", "tingchao.cli", "--quiet", "--config", str(config)]
        until = datetime.fromtimestamp(END + 1, UTC).isoformat()
        argv += ["crawl", "ptt", "--until", until, "--since", "2000-01-01T00:00:00+00:00"]
        environment = {**os.environ, "TINGCHAO_PSEUDONYM_KEY": bytes(32).hex()}
        began, memory = time.monotonic(), []
        with psutil.Popen(argv, env=environment, stdout=subprocess.PIPE) as process:
            while process.poll() is None:
                memory.extend(
                    filter(None, [_held(process)])
                )  # none before it starts or once it ended
                time.sleep(SAMPLE_SECONDS)
            said = process.stdout.read().decode()
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(said)
        [outcome] = Path(folder).rglob("outcome.json")
        [channel] = json.loads(outcome.read_text(encoding="utf-8"))["channels"]
        assert channel["pages"] >= pages - 1, f"fetched {channel['pages']:,} pages: {said}"
        return seconds, channel["landed"], memory


def _held(process: psutil.Process) -> int:
    """Resident bytes of the crawl's own process, the youngest of the family."""
    try:
        return max((c.memory_info().rss for c in process.children(recursive=True)), default=0)
    except psutil.NoSuchProcess:
        return 0


def configuration(url: str, pages: int) -> str:
    host = re.sub(r"^http://", "", url)
    return (
        "version: 1\ndata_dir: data\nclock: logical\n"
        f"channels: [{{id: board, source: ptt, address: {BOARD}}}]\n"
        f"sources: {{ptt: {{base_url: '{url}', allow_hosts: ['{host}'], download_delay: 0, "
        f"max_pages: {pages * 2}, max_bytes: 100000000000}}}}\n"
    )


if __name__ == "__main__":
    main()
