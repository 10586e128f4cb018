"""From the command's step to the lake and back: a small site on the loopback, crawled twice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from lake import StopReason
from scrapers.job import CrawlJob
from tests.scrapers.faults import Fault, send, serving
from tests.scrapers.golden import FIXTURES
from tingchao.config import Channel, Config, SourceOverride
from tingchao.context import Context
from tingchao.errors import BusyError, ConfigurationError, TingchaoError
from tingchao.fence import exclusive
from tingchao.steps import crawl as step
from tingchao.steps.crawl import crawl
from tingchao.steps.gate import gate_landing
from tingchao.steps.standing import Standing
from tingchao.steps.status import status

SINCE, UNTIL = datetime(2025, 10, 9, tzinfo=UTC), datetime(2025, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def board(handler: BaseHTTPRequestHandler) -> None:
    """Serve the fixture board to whoever pressed the age button."""
    name = handler.path.rsplit("/", 1)[1]
    page = FIXTURES / "ptt" / name
    if handler.headers.get("Cookie") != "over18=1":
        send(handler, 302, Location="/ask/over18?from=x")
    elif not handler.path.startswith("/bbs/Demo_Phone/") or not page.exists():
        send(handler, 404, b"404 - Not Found.")
    else:
        body = page.read_bytes().replace(b"index2218.html", b"index.html")
        send(handler, 200, body, Content_Type="text/html; charset=utf-8")


@pytest.fixture
def site() -> Iterator[Fault]:
    fault = Fault(board)
    with serving({"ptt": fault}):
        yield fault


@pytest.fixture
def context(site: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
    override = SourceOverride(
        base_url=f"http://{site.address}", allow_hosts=(site.address,), download_delay=0
    )
    config = Config(
        version=1,
        clock="logical",
        channels=(Channel(id="phone", source="ptt", address="Demo_Phone"),),
        sources={"ptt": override},
        path=tmp_path / "config.yml",
    )
    return Context(config, lambda: UNTIL)


def test_two_runs_and_a_retry(context: Context, site: Fault) -> None:
    first = crawl(context, "ptt", run_id="r1", since=SINCE, until=UNTIL)
    (channel,) = first.channels
    assert channel.stop_reason is StopReason.BLANK_PAGE  # the fixture's older page is itself
    posts = context.lake.read("posts").to_pylist()
    assert first.landed == len(posts) > 5
    assert {post["url"].split("/bbs/")[0] for post in posts} == {"https://www.ptt.cc"}
    assert all(post["published_at"] is None or post["published_at"] < UNTIL for post in posts)
    assert "dave88" not in str([{**post, "body_text": ""} for post in posts])
    again = crawl(context, "ptt", run_id="r2", since=SINCE, until=UNTIL)
    assert (again.landed, again.channels[0].unchanged) == (0, len(posts))
    assert first.exit_code == again.exit_code == 0


def test_a_finished_run_is_not_run_again(context: Context, site: Fault) -> None:
    def finished(run_id: str, index: bytes) -> Any:
        site.respond = lambda handler: (
            send(handler, 200, index) if "index" in handler.path else board(handler)
        )
        return crawl(context, "ptt", run_id=run_id, since=SINCE, until=UNTIL)

    empty = b"<html><div class='r-list-container'></div></html>"
    assert finished("r1", empty).channels[0].stop_reason is StopReason.EXHAUSTED
    asked = len(site.seen)
    assert "earlier attempt" in str(finished("r1", empty))
    assert len(site.seen) == asked


def test_a_refused_channel_fails_the_step_and_says_why(context: Context, site: Fault) -> None:
    site.respond = lambda handler: send(handler, 403, b"<title>Just a moment...</title>")
    summary = crawl(context, "ptt", run_id="r1", since=SINCE, until=UNTIL)
    assert summary.exit_code == 1
    assert "1 failed" in str(summary)
    assert "blocked, covered nothing for sure" in str(summary)


def test_a_source_without_a_channel_is_told(context: Context) -> None:
    with pytest.raises(ConfigurationError, match=r"no channel of source 'feed'.*have one: ptt"):
        crawl(context, "feed", run_id="r1")


def test_a_server_of_ones_own_is_told_how_to_be_named(
    context: Context, site: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINGCHAO_CONTACT", raising=False)
    override = context.config.sources["ptt"].model_copy(update={"allow_hosts": ()})
    config = context.config.model_copy(update={"sources": {"ptt": override}})
    with pytest.raises(ConfigurationError) as refused:
        crawl(Context(config, context.now), "ptt", run_id="r1", since=SINCE, until=UNTIL)
    assert f"sources.ptt.allow_hosts: ['{site.address}']" in str(refused.value)
    assert "TINGCHAO_CONTACT" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_unknown_channels_sources_and_keys_are_told(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="no channel 'nope'"):
        crawl(context, "ptt", channel_ids=("nope",), run_id="r1")
    with pytest.raises(ConfigurationError, match="found phone"):
        crawl(context, "feed", channel_ids=("phone",), run_id="r1")
    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY")
    with pytest.raises(ConfigurationError, match="TINGCHAO_PSEUDONYM_KEY"):
        crawl(Context(context.config), "ptt", run_id="r1")


def test_row_06_a_second_crawl_at_once_is_refused(context: Context) -> None:
    with exclusive(context.lock("crawl-ptt")), pytest.raises(BusyError):
        crawl(context, "ptt", run_id="r1", since=SINCE, until=UNTIL)


def test_a_child_that_breaks_is_told_in_a_line_and_its_words_are_kept(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = 'Traceback (most recent call last):\n  File "x.py", line 1\n    go()\nKeyError: gone\n'
    broken = subprocess.CompletedProcess([], 1, "", words)
    monkeypatch.setattr(step, "run_child", lambda *_, **__: broken)
    with pytest.raises(TingchaoError, match="no outcome: KeyError: gone; look at") as caught:
        crawl(context, "ptt", run_id="broken", since=SINCE, until=UNTIL)
    assert "Traceback" not in str(caught.value)
    (kept,) = context.data.glob("runs/broken/*/last-words.txt")
    assert kept.read_text(encoding="utf-8") == words


def test_a_first_crawl_that_was_killed_is_known_of_and_made_up_for(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.CompletedProcess([], -9, "", "")
    with monkeypatch.context() as patched, pytest.raises(TingchaoError, match="ended with -9"):
        patched.setattr(step, "run_child", lambda *_, **__: killed)
        crawl(context, "ptt", run_id="killed", since=SINCE, until=SINCE + DAY)
    (phone,) = status(context).channels
    assert (phone.standing, phone.stop_detail) == (Standing.INTERRUPTED, step.BEGUN)
    assert step.BEGUN in str(status(context))
    gate_landing(context)
    crawl(context, "ptt", run_id="later", since=SINCE + DAY, until=UNTIL)
    job = CrawlJob.model_validate_json(
        (context.run_folder("later") / "crawl-ptt" / "job.json").read_text(encoding="utf-8")
    )
    assert [channel.start for channel in job.channels] == [SINCE]
    ledger = context.lake.ledger().to_pylist()
    crawls = [(row["crawl_id"], row["is_last"]) for row in ledger if row["route"] == "crawl"]
    assert crawls == [("killed", False), ("later", True)]


def test_a_child_that_said_nothing_is_told() -> None:
    assert step._reason(" \n") == "it said nothing"
    assert step._reason("Killed\n") == "Killed"
