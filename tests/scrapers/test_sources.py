"""Sources: described completely, named once, and refused without terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from lake import Lake, LogicalRun, StopReason, Window
from scrapers.errors import SourceError
from scrapers.parsers import discuz_mobile, discuz_thread
from scrapers.plan import Request, channel_url, plan_crawl, user_agent
from scrapers.source import FOLDER, load_source, source_names
from scrapers.spiders.discuz import DiscuzSpider
from scrapers.spiders.feed import GenericFeedSpider
from scrapers.spiders.ptt import PttSpider
from tests.scrapers.golden import FIXTURES
from tingchao.config import Channel, Config, SourceOverride

END = datetime(2026, 10, 10, 16, tzinfo=UTC)
CONTACT = {"TINGCHAO_CONTACT": "mailto:ops@example.org"}
DAY = timedelta(days=1)


def test_every_source_has_a_spider_and_pages_of_its_own_name() -> None:
    settings = Settings()
    settings.setmodule("scrapers.settings")
    assert source_names() == sorted(SpiderLoader.from_settings(settings).list())
    assert {DiscuzSpider.name, PttSpider.name, GenericFeedSpider.name} <= set(source_names())
    for name in source_names():
        assert list((FIXTURES / name).iterdir())


@pytest.mark.parametrize("name", source_names())
def test_a_source_is_complete(name: str) -> None:
    source = load_source(name)
    assert source.terms.basis
    assert source.politeness.download_delay >= 1
    assert source.limits.max_memory_mb


def test_every_counter_that_a_spider_prints_has_a_meaning() -> None:
    assert set(load_source("ptt").counters) == {"score", "push", "boo", "arrow"}
    assert set(load_source("feed").counters) == {"comments"}
    thread = {*discuz_thread.COUNTERS, *discuz_mobile.COUNTERS, "voter"}
    post = {"rater", "rating", "support", "against"}
    assert set(load_source("discuz").counters) == thread | post


@pytest.mark.parametrize("field", ["url", "checked_on", "basis", None])
def test_a_source_without_terms_refuses_to_run(field: str | None, tmp_path: Path) -> None:
    data = yaml.safe_load((FOLDER / "ptt.yml").read_text(encoding="utf-8"))
    if field is None:
        del data["terms"]
    else:
        del data["terms"][field]
    (tmp_path / "ptt.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(SourceError, match="a source without terms does not run"):
        load_source("ptt", tmp_path)


def test_an_unknown_source_names_the_known_ones() -> None:
    with pytest.raises(SourceError, match=r"discuz, .*feed, .*ptt"):
        load_source("dcard")


def channel(**changes: Any) -> Channel:
    return Channel(**{"id": "demo", "source": "ptt", "address": "Demo_Phone", **changes})


@pytest.mark.parametrize(
    "address", ["../../etc", "a/b", "a?x", "a b", "=x", "板", "x\x00y", "a" * 40, "."]
)
def test_row_20_a_board_that_is_no_name_is_refused(address: str) -> None:
    with pytest.raises(SourceError, match=r"channels\.demo\.address"):
        channel_url(channel(address=address), load_source("ptt"), SourceOverride())


def test_addresses_become_urls() -> None:
    ptt, feed = load_source("ptt"), load_source("feed")
    local = SourceOverride(base_url="http://127.0.0.1:8931/feeds/")
    assert channel_url(channel(), ptt, SourceOverride()) == (
        "https://www.ptt.cc/bbs/Demo_Phone/index.html"
    )
    relative = channel(source="feed", address="/a.xml")
    assert channel_url(relative, feed, local) == "http://127.0.0.1:8931/feeds/a.xml"
    whole = channel(source="feed", address="https://blog.example.tw/feed/")
    assert channel_url(whole, feed, local) == "https://blog.example.tw/feed/"
    forum, town = load_source("discuz"), SourceOverride(base_url="http://127.0.0.1:8931/discuz")
    number = channel(source="discuz", address="36")
    assert channel_url(number, forum, town) == (
        "http://127.0.0.1:8931/discuz/forum.php?mod=forumdisplay&fid=36"
    )
    page = channel(source="discuz", address="https://bbs.example.cn/forum-36-1.html")
    assert channel_url(page, forum, town) == "https://bbs.example.cn/forum-36-1.html"
    with pytest.raises(SourceError, match="expected a whole URL"):
        channel_url(relative, feed, SourceOverride())


def test_the_user_agent_is_honest() -> None:
    named = user_agent({"TINGCHAO_CONTACT": "mailto:ops@example.org"}, is_public=True)
    assert named.startswith("Tingchao/")
    assert named.endswith("(+mailto:ops@example.org)")
    with pytest.raises(SourceError):
        user_agent({"TINGCHAO_CONTACT": "x\r\nHost: evil"}, is_public=True)


def test_nobody_asks_the_public_without_saying_whom_to_write_to() -> None:
    with pytest.raises(SourceError, match=r"TINGCHAO_CONTACT: .* set it in \.env"):
        user_agent({}, is_public=True)
    assert "stand-in" in user_agent({}, is_public=False)


class TestPlan:
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return Lake.open(tmp_path / "landing")

    def plan(self, lake: Lake, tmp_path: Path, start: datetime | None, **changes: Any) -> Any:
        config = Config(version=1, channels=(channel(**changes),), path=tmp_path / "config.yml")
        asked = Request("run-9", start, END)
        return plan_crawl(
            config, lake, "ptt", asked, now=END, log_folder=tmp_path, environment=CONTACT
        )

    def cover(self, lake: Lake, start: datetime, end: datetime, **finish: Any) -> None:
        query = finish.pop("query", "Demo_Phone")
        run = LogicalRun("ptt", "demo", f"run-{start}", window=Window(start, end), query=query)
        with lake.write(run, lambda: end) as writer:
            covered = finish.pop("covered", Window(start, end))
            writer.finish(StopReason.EXHAUSTED, covered=covered, **finish)

    def test_without_a_start_as_far_back_as_the_source_says(
        self, lake: Lake, tmp_path: Path
    ) -> None:
        (planned,) = self.plan(lake, tmp_path, None).job.channels
        assert planned.start == END - 7 * DAY

    def test_the_channels_own_start_is_local_midnight(self, lake: Lake, tmp_path: Path) -> None:
        (planned,) = self.plan(lake, tmp_path, None, since="2026-10-09").job.channels
        assert planned.start == planned.floor == datetime(2026, 10, 8, 16, tzinfo=UTC)

    def test_a_hole_behind_the_window_is_closed(self, lake: Lake, tmp_path: Path) -> None:
        self.cover(lake, END - 9 * DAY, END - 5 * DAY)
        (planned,) = self.plan(lake, tmp_path, END - DAY).job.channels
        assert planned.start == END - 5 * DAY
        assert planned.asked.start == END - DAY

    @pytest.mark.parametrize("covered", [None, Window(END - 6 * DAY, END - 5 * DAY)])
    def test_a_first_crawl_that_missed_its_start_is_made_good(
        self, lake: Lake, tmp_path: Path, covered: Window | None
    ) -> None:
        self.cover(lake, END - 9 * DAY, END - 5 * DAY, covered=covered)
        (planned,) = self.plan(lake, tmp_path, END - DAY).job.channels
        assert planned.start == END - 9 * DAY
        assert planned.asked.start == END - DAY
        assert planned.before(2) == END - 7 * DAY  # two days before the end of the missed one

    def test_a_window_behind_the_watermark_is_crawled_as_asked(
        self, lake: Lake, tmp_path: Path
    ) -> None:
        self.cover(lake, END - 9 * DAY, END)
        (planned,) = self.plan(lake, tmp_path, END - DAY).job.channels
        assert planned.start == END - DAY
        assert planned.before(2) == END - 2 * DAY

    def test_row_25_the_asked_window_names_the_run_whatever_was_covered(
        self, lake: Lake, tmp_path: Path
    ) -> None:
        def segment() -> str:
            job = self.plan(lake, tmp_path, END - DAY).job
            return str(job.logical_run(job.channels[0]).segment_id(0))

        before = segment()
        self.cover(lake, END - 9 * DAY, END - 5 * DAY)
        assert segment() == before

    def test_validators_go_along(self, lake: Lake, tmp_path: Path) -> None:
        self.cover(lake, END - 2 * DAY, END - DAY, etag='"1"')
        (planned,) = self.plan(lake, tmp_path, None).job.channels
        assert (planned.etag, planned.covered_until) == ('"1"', END - DAY)

    def test_a_backfill_is_not_content_with_nothing_new(self, lake: Lake, tmp_path: Path) -> None:
        self.cover(lake, END - 2 * DAY, END - DAY, etag='"1"')
        (planned,) = self.plan(lake, tmp_path, END - 9 * DAY).job.channels
        assert (planned.etag, planned.open_since) == (None, END - 9 * DAY)

    def test_what_was_never_covered_begins_behind_the_first_block(
        self, lake: Lake, tmp_path: Path
    ) -> None:
        self.cover(lake, END - 9 * DAY, END - 5 * DAY)
        self.cover(lake, END - 2 * DAY, END - DAY)
        (planned,) = self.plan(lake, tmp_path, END - 8 * DAY).job.channels
        assert planned.open_since == END - 5 * DAY

    def test_nothing_to_do_before_the_channel_begins(self, lake: Lake, tmp_path: Path) -> None:
        plan = self.plan(lake, tmp_path, None, since="2026-12-01")
        assert plan.job.channels == ()
        assert "nothing to do" in plan.settled[0].detail

    def test_what_is_gone_is_not_asked_again_until_its_address_changes(
        self, lake: Lake, tmp_path: Path
    ) -> None:
        self.cover(lake, END - 2 * DAY, END - DAY, stop_detail="gone (410): x", covered=None)
        assert self.plan(lake, tmp_path, None).job.channels == ()
        assert self.plan(lake, tmp_path, None, address="Demo_New").job.channels
