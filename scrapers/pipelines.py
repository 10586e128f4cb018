"""On the way to the lake: nothing is overlooked, nobody is named, everything is kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler

from lake import Added, ChannelWriter, StopReason
from lake.pseudonyms import VISITORS, Pseudonyms
from lake.redact import redact
from scrapers.access.channel import ChannelSpider
from scrapers.bundles import Bundle
from scrapers.job import JobChannel
from scrapers.outcome import ChannelOutcome, CrawlOutcome
from scrapers.records import ChannelDone, PageFetched, Record, Refused

UNKNOWN_KEY = "unknown_key/"
PEOPLE_REMEMBERED = 50_000  # who writes once often writes again
OUTCOME_FILE = "outcome.json"


class _Pipeline:
    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    @property
    def spider(self) -> ChannelSpider:
        spider = self.crawler.spider
        assert isinstance(spider, ChannelSpider)
        return spider


class ReportUnknownKeys(_Pipeline):
    """Counts keys that no spider takes and no source ignores by name: the site says more now."""

    def process_item(self, item: Bundle) -> Bundle:
        for one in item.items:
            if isinstance(one, Record):
                for key in one.unread.difference(self.spider.job.ignored_keys):
                    self.crawler.stats.inc_value(f"{UNKNOWN_KEY}{key}")
        return item


class Pseudonymise(_Pipeline):
    """Puts the pseudonym in the person's place and takes people out of the raw record."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.key = lru_cache(PEOPLE_REMEMBERED)(Pseudonyms.from_environment().key)

    def process_item(self, item: Bundle) -> Bundle:
        return Bundle(tuple(self._pseudonymise(one) for one in item.items))

    def _pseudonymise(self, item: Any) -> Any:
        if not isinstance(item, Record):
            return item
        changes: dict[str, Any] = {}
        for person in item.people:
            native = getattr(item, person)
            realm = VISITORS if person == "visitor" else self.spider.job.source
            key = self.key(realm, native) if native else None
            changes |= {person: None, f"{person}_key": key}
        if item.raw and "raw_record" in item.columns():
            changes["raw_record"] = redact(item.raw)
        return replace(item, raw={}, **changes)


class Land(_Pipeline):
    """Hands records to the lake, one writer a channel, and keeps the tally.

    A commit waits for the disk, so it does so in a thread of its own, one after another.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self.report, signals.spider_closed)
        self.channels: dict[str, JobChannel] = {}
        self.writers: dict[str, ChannelWriter] = {}
        self.outcomes: dict[str, ChannelOutcome] = {}
        self.commits = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")

    async def process_item(self, item: Bundle) -> Bundle:
        """Land a bundle; what fails leaves the rest of it, and so its channel's end, out."""
        for one in item.items:
            await self._land(one)
        return item

    async def _land(self, item: Any) -> None:
        writer = self._writer(item.channel_id)
        outcome = self.outcomes[item.channel_id]
        match item:
            case PageFetched():
                writer.count_page(item.byte_count)
                outcome.pages += 1
                outcome.received_bytes += item.byte_count
            case Refused():
                writer.refuse(item.table, item.raw, item.rule, item.reason, item.record_id)
                outcome.quarantined += 1
            case ChannelDone():
                del self.writers[item.channel_id]
                finish = partial(self._finish, writer, outcome, item)
                await asyncio.get_running_loop().run_in_executor(self.commits, finish)
            case Record():
                self._add(writer, outcome, item)

    def report(self, reason: str) -> None:
        """Write the outcome; channels that the process could not finish have committed nothing."""
        stats = self.crawler.stats.get_stats()
        for channel in self.spider.job.channels:
            outcome = self.outcomes.setdefault(channel.id, ChannelOutcome(channel_id=channel.id))
            if outcome.detail is None and channel.id in self.writers:
                outcome.detail = f"the crawl ended before this channel did ({reason})"
        keys = {k: v for k, v in stats.items() if k.startswith(UNKNOWN_KEY)}
        crawl = CrawlOutcome(
            channels=[self.outcomes[c.id] for c in self.spider.job.channels],
            unknown_keys={k.removeprefix(UNKNOWN_KEY): v for k, v in sorted(keys.items())},
            finish_reason=reason,
        )
        crawl.write(Path(self.spider.job.log_folder) / OUTCOME_FILE)

    def _writer(self, channel_id: str) -> ChannelWriter:
        if channel_id not in self.writers:
            job = self.spider.job
            self.channels = self.channels or {c.id: c for c in job.channels}
            channel = self.channels[channel_id]
            writer = self.spider.lake.write(job.logical_run(channel), job.clock())
            self.writers[channel_id] = writer
            self.outcomes.setdefault(channel_id, ChannelOutcome(channel_id=channel_id))
        return self.writers[channel_id]

    def _add(self, writer: ChannelWriter, outcome: ChannelOutcome, record: Record) -> None:
        assert all(getattr(record, person) is None for person in record.people)
        match writer.add(record.table, record.row()):
            case Added.LANDED:
                outcome.landed += 1
            case Added.UNCHANGED:
                outcome.unchanged += 1
            case Added.ALREADY:
                outcome.already += 1
            case Added.QUARANTINED:
                outcome.quarantined += 1
            case Added.SUPPRESSED:
                outcome.suppressed += 1

    def _finish(self, writer: ChannelWriter, outcome: ChannelOutcome, done: ChannelDone) -> None:
        try:
            with writer:
                writer.finish(
                    done.stop_reason,
                    covered=done.covered,
                    declared_total=done.declared_total,
                    stop_detail=done.detail,
                    etag=done.etag,
                    last_modified=done.last_modified,
                )
        except Exception as error:
            outcome.detail = f"nothing was landed: {type(error).__name__}: {error}"
            raise
        outcome.stop_reason = StopReason(done.stop_reason)
        outcome.detail = done.detail
        if done.covered:
            outcome.covered_start, outcome.covered_end = done.covered.start, done.covered.end
