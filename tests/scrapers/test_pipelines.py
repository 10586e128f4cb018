"""Between spider and lake: nothing overlooked, nobody named, everything kept."""

from __future__ import annotations

import asyncio
import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request
from scrapy.utils.test import get_crawler

from lake import Lake, StopReason, Window
from scrapers.bundles import MOST, Bundle, bundled
from scrapers.outcome import CrawlOutcome
from scrapers.pipelines import Land, Pseudonymise, ReportUnknownKeys
from scrapers.records import (
    ChannelDone,
    ChannelRecord,
    PageFetched,
    PostRecord,
    ReactionRecord,
    Refused,
)
from scrapers.spiders.ptt import PttSpider
from tests.scrapers.stage import END, make_channel, make_job

AT = END - timedelta(hours=1)


class Belt:
    """The pipelines in their order, around a spider that yields what a test says."""

    def __init__(self, folder: Path, **job: Any) -> None:
        self.job = make_job(folder, make_channel("https://www.ptt.cc/bbs/D/index.html"), **job)
        self.crawler = get_crawler(PttSpider)
        self.crawler.spider = PttSpider(self.job)
        kinds = (ReportUnknownKeys, Pseudonymise, Land)
        self.pipelines = [kind.from_crawler(self.crawler) for kind in kinds]

    def carry(self, *items: Any) -> None:
        asyncio.run(self._carry(items))

    async def _carry(self, items: tuple[Any, ...]) -> None:
        bundle = Bundle(items)
        for pipeline in self.pipelines:
            result = pipeline.process_item(bundle)
            bundle = await result if inspect.isawaitable(result) else result

    def outcome(self) -> CrawlOutcome:
        self.pipelines[-1].report("finished")  # type: ignore[attr-defined]
        written = (self.job.log_folder / "outcome.json").read_text(encoding="utf-8")
        return CrawlOutcome.model_validate_json(written)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return Lake.open(self.job.lake_uri).read(table).to_pylist()


@pytest.fixture
def belt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Belt:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
    return Belt(tmp_path, ignored_keys=("看板",))


def post(**changes: Any) -> PostRecord:
    values = {"channel_id": "demo", "post_id": "M.1.A", "kind": "article", "author": "canary"}
    return PostRecord(**{**values, **changes})


DONE = ChannelDone(
    channel_id="demo", stop_reason=StopReason.EXHAUSTED, covered=Window(AT, END), etag='"1"'
)


def test_row_52_no_name_reaches_the_lake(belt: Belt) -> None:
    raw = {"mail": "canary@example.org", "ip": "203.0.113.7", "note": "@canary 你好"}
    belt.carry(post(raw=raw), DONE)
    (landed,) = belt.rows("posts")
    assert landed["author_key"].startswith("k1.")
    said = str(landed)
    assert "canary" not in said
    assert "203.0.113.7" not in said


def test_what_a_page_brings_goes_together_and_requests_go_at_once() -> None:
    request = Request("https://www.ptt.cc/bbs/D/index.html")
    yielded = [post(), request, *[post()] * MOST, DONE]
    assert list(bundled(yielded)) == [
        request,
        Bundle((post(),) * MOST),
        Bundle((post(), DONE)),
    ]
    assert list(bundled([])) == []


def test_nobody_is_nobody(belt: Belt) -> None:
    belt.carry(post(author=None), DONE)
    assert belt.rows("posts")[0]["author_key"] is None


def test_every_kind_of_record_lands(belt: Belt) -> None:
    belt.carry(
        ReactionRecord(channel_id="demo", post_id="M.1.A", kind="like", actor="canary"),
        ChannelRecord(channel_id="demo", observed_at=AT, fan_count=3, fan_count_how="exact"),
        DONE,
    )
    assert belt.rows("reactions")[0]["actor_key"].startswith("k1.")
    assert belt.rows("channels")[0]["fan_count"] == 3


def test_unknown_keys_are_reported_and_ignored_ones_are_not(belt: Belt) -> None:
    belt.carry(post(unread=frozenset({"看板", "心情"})), post(unread=frozenset({"心情"})), DONE)
    assert belt.outcome().unknown_keys == {"心情": 2}


def test_the_ledger_says_what_happened(belt: Belt) -> None:
    refused = Refused(
        channel_id="demo", table="posts", rule="r", reason="x", raw={"u": 1}, record_id="M.2.A"
    )
    belt.carry(PageFetched(channel_id="demo", byte_count=7), post(), refused, DONE)
    (row,) = belt.rows("crawls")
    assert (row["page_count"], row["byte_count"]) == (1, 7)
    assert (row["landed_count"], row["quarantined_count"]) == (1, 1)
    assert (row["stop_reason"], row["etag"]) == ("exhausted", '"1"')
    assert row["covered_end_at"] == END
    (outcome,) = belt.outcome().channels
    assert (outcome.landed, outcome.quarantined, outcome.pages) == (1, 1, 1)
    assert not outcome.is_failed


def test_row_10_a_channel_that_never_ended_commits_nothing_and_fails(belt: Belt) -> None:
    belt.carry(post())
    (outcome,) = belt.outcome().channels
    assert outcome.is_failed
    assert "ended before this channel did (finished)" in (outcome.detail or "")
    assert belt.rows("crawls") == []
    assert belt.rows("posts") == []


def test_row_26_a_full_disk_fails_the_channel_and_says_so(
    belt: Belt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lake.writer.ChannelWriter.finish", full)
    with pytest.raises(OSError, match="No space"):
        belt.carry(post(), DONE)
    (outcome,) = belt.outcome().channels
    assert outcome.is_failed
    assert "No space left on device" in (outcome.detail or "")


def test_a_second_run_lands_nothing_new(belt: Belt, tmp_path: Path) -> None:
    belt.carry(post(published_at=AT, published_precision="second"), DONE)
    again = Belt(tmp_path, crawl_id="run-2", now=END + timedelta(hours=1))
    again.carry(post(published_at=AT, published_precision="second"), DONE)
    (outcome,) = again.outcome().channels
    assert (outcome.landed, outcome.unchanged) == (0, 1)
    assert len(again.rows("posts")) == 1


def test_without_a_key_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lake.pseudonyms import PseudonymKeyError

    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY", raising=False)
    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY_FILE", raising=False)
    with pytest.raises(PseudonymKeyError):
        Belt(tmp_path)


def test_an_outcome_reads_well(belt: Belt) -> None:
    belt.carry(post(), DONE)
    line = belt.outcome().channels[0].line()
    assert line.startswith(
        "demo: 1 landed, 0 unchanged, 0 quarantined, 0 pages; exhausted, covered"
    )
