"""Crawl one source: plan, run one child process, say what became of every channel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lake import StopReason
from scrapers.errors import SourceError
from scrapers.job import CrawlJob
from scrapers.outcome import ChannelOutcome, CrawlOutcome
from scrapers.pipelines import OUTCOME_FILE
from scrapers.plan import Plan, Request, plan_crawl
from tingchao.config import ClockKind
from tingchao.context import Context, wall_clock
from tingchao.errors import EXIT_FAILED, ConfigurationError, TingchaoError
from tingchao.fence import exclusive, run_child

PATIENCE_SECONDS = 600  # beyond the crawl's own limit: its last page, its last segment
BEGUN = "the first crawl began, and nothing tells how it ended; run it again"


@dataclass(frozen=True)
class CrawlSummary:
    """What became of each channel of a crawl, in the order of the configuration."""

    source: str
    crawl_id: str
    channels: tuple[ChannelOutcome, ...]
    unknown_keys: dict[str, int]
    log_folder: Path

    @property
    def landed(self) -> int:
        return sum(channel.landed for channel in self.channels)

    @property
    def failed(self) -> tuple[ChannelOutcome, ...]:
        return tuple(channel for channel in self.channels if channel.is_failed)

    @property
    def exit_code(self) -> int:
        return EXIT_FAILED if self.failed else 0

    def lines(self) -> list[str]:
        """Say it line by line: the whole, then each channel that has something to tell."""
        whole = (
            f"crawl {self.source} {self.crawl_id}: {len(self.channels):,} channels, "
            f"{self.landed:,} landed, "
            f"{sum(c.unchanged for c in self.channels):,} unchanged, "
            f"{sum(c.quarantined for c in self.channels):,} quarantined, "
            f"{len(self.failed):,} failed; log: {self.log_folder}"
        )
        many = len(self.channels) > 20
        told = [c for c in self.channels if not many or c.is_failed or c.landed]
        unknown = [
            f"  unknown key {key!r} on {count:,} records: take it or ignore it by name in "
            f"scrapers/sources/{self.source}.yml"
            for key, count in self.unknown_keys.items()
        ]
        return [whole, *(f"  {channel.line()}" for channel in told), *unknown]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def crawl(
    context: Context,
    source: str,
    *,
    channel_ids: Collection[str] = (),
    run_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> CrawlSummary:
    """Crawl the channels of a source from `since` to `until`; land, and mark what was covered.

    Without `until` up to now; without `since` from the channel's own start, or as far back as the
    source's description says. A hole behind the window is closed too. No `channel_ids`: all.
    The summary's `exit_code` is not 0 when a channel was refused or failed; what the others brought
    is kept.
    """
    _ = context.pseudonyms  # without the key nothing may be collected, so nothing is fetched
    end = until or context.now()
    crawl_id = run_id or f"until-{end.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    with exclusive(context.lock(f"crawl-{source}")):
        plan = _plan(context, source, Request(crawl_id, since, end, channel_ids or None))
        job, done = _without_done(context, plan.job)
        _note_first(context, job)
        outcome = _run(job) if job.channels else CrawlOutcome()
    found = {c.channel_id: c for c in (*plan.settled, *done, *outcome.channels)}
    order = [c.id for c in context.config.channels if c.id in found]
    return CrawlSummary(
        source, crawl_id, tuple(found[i] for i in order), outcome.unknown_keys, job.log_folder
    )


def _plan(context: Context, source: str, asked: Request) -> Plan:
    folder = context.run_folder(asked.crawl_id) / f"crawl-{source}"
    folder.mkdir(parents=True, exist_ok=True)
    is_frozen = context.now is not wall_clock or context.config.clock is ClockKind.LOGICAL
    try:
        return plan_crawl(
            context.config,
            context.lake,
            source,
            asked,
            now=context.now() if is_frozen else None,
            log_folder=folder,
        )
    except SourceError as error:
        raise ConfigurationError(str(error)) from None


def _without_done(context: Context, job: CrawlJob) -> tuple[CrawlJob, list[ChannelOutcome]]:
    """Leave out the channels that an earlier attempt of this very run finished."""
    left, done = [], []
    for channel in job.channels:
        if context.lake.write(job.logical_run(channel), context.now).is_done:
            detail = "finished by an earlier attempt of this run"
            done.append(
                ChannelOutcome(
                    channel_id=channel.id, stop_reason=StopReason.EXHAUSTED, detail=detail
                )
            )
        else:
            left.append(channel)
    return job.model_copy(update={"channels": tuple(left)}), done


def _note_first(context: Context, job: CrawlJob) -> None:
    """Tell the ledger of every channel's first crawl before it asks for anything.

    What a later crawl has to make up for begins there, even if this one is killed and not repeated.
    """
    histories = context.lake.histories(job.source)
    for channel in job.channels:
        if not any(row["route"] == "crawl" for row in histories[channel.id].rows):
            with context.lake.write(job.logical_run(channel), context.now) as writer:
                writer.begin(BEGUN)


def _reason(words: str) -> str:
    """Return what a process said last of why it ended, without the way there."""
    lines = words.rstrip().splitlines()
    start = next((i for i in range(len(lines), 0, -1) if lines[i - 1].startswith("  ")), 0)
    return "\n".join(lines[start:])[-800:] or "it said nothing"


def _run(job: CrawlJob) -> CrawlOutcome:
    written = job.log_folder / "job.json"
    written.write_text(job.model_dump_json(indent=1), encoding="utf-8")
    outcome_file = job.log_folder / OUTCOME_FILE
    outcome_file.unlink(missing_ok=True)
    try:
        child = run_child(
            [sys.executable, "-m", "scrapers.run", str(written)],
            timeout=job.limits.max_seconds + PATIENCE_SECONDS,
            cwd=Path(__file__).parents[2],
        )
    except subprocess.TimeoutExpired as error:
        raise TingchaoError(
            f"crawl {job.source}: the child did not end within {error.timeout:,.0f} s and was "
            f"killed; log: {job.log_folder}/crawl.log"
        ) from None
    if not outcome_file.exists():
        (job.log_folder / "last-words.txt").write_text(child.stderr, encoding="utf-8")
        raise TingchaoError(
            f"crawl {job.source}: the child ended with {child.returncode} and no outcome: "
            f"{_reason(child.stderr)}; look at crawl.log and last-words.txt in {job.log_folder}"
        )
    return CrawlOutcome.model_validate_json(outcome_file.read_text(encoding="utf-8"))
