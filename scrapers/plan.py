"""From configuration and ledger to a job: which channels, from when to when, how politely."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from lake import Lake, StopReason, Window
from lake.ledger import ChannelHistory
from lake.times import localize
from scrapers.access.channel import shown
from scrapers.access.feed import GONE
from scrapers.addresses import is_inside, server_of
from scrapers.errors import SourceError
from scrapers.job import CrawlJob, JobChannel, Span
from scrapers.outcome import ChannelOutcome
from scrapers.source import Quota, Source, load_source
from tingchao.config import Channel, ClockKind, Config, SourceOverride, load_config
from tingchao.instants import parse_instant

CONTACT_VARIABLE = "TINGCHAO_CONTACT"
EVER = datetime(1970, 1, 1, tzinfo=UTC)
UPWARDS = re.compile(r"(?:^|[/\\])(?:\.|%2e){2}(?:[/\\?#]|%2f|$)", re.I)
LONGEST_ADDRESS = 2_000
NOBODY_ASKED = "stand-in hosts only"


@dataclass(frozen=True)
class Plan:
    """A job, and the channels that have nothing to do in it."""

    job: CrawlJob
    settled: tuple[ChannelOutcome, ...]


@dataclass(frozen=True)
class Request:
    """What is asked for: `start` None leaves it to each channel."""

    crawl_id: str
    start: datetime | None
    end: datetime
    channel_ids: Collection[str] | None = None


def plan_crawl(
    config: Config,
    lake: Lake,
    source_name: str,
    asked: Request,
    *,
    now: datetime | None,
    log_folder: Path,
    environment: Mapping[str, str] = os.environ,
) -> Plan:
    """Settle everything that a crawl process must know; `SourceError` when it must not run.

    `now` freezes the process's clock.
    """
    source = load_source(source_name)
    if source.terms.checked_on is None:
        raise SourceError(unread_terms(source))
    override = config.sources.get(source_name, SourceOverride())
    histories = lake.histories(source_name)
    outcomes = [
        _plan_channel(channel, config, histories[channel.id], source, override, asked)
        for channel in _chosen(config, source_name, asked.channel_ids)
    ]
    channels = tuple(c for c in outcomes if isinstance(c, JobChannel))
    job = CrawlJob(
        source=source_name,
        crawl_id=asked.crawl_id,
        lake_uri=lake.address if lake.is_local else config.landing_uri,
        log_folder=log_folder,
        channels=channels,
        politeness=source.politeness.model_copy(
            update=_given(download_delay=override.download_delay)
        ),
        limits=source.limits.model_copy(
            update=_given(
                max_pages=override.max_pages,
                max_seconds=override.max_seconds,
                max_bytes=override.max_bytes,
            )
        ),
        permalink_base=source.permalink_base,
        base_url=override.base_url or source.base_url,
        revisit_days=source.revisit_days,
        refresh_days=source.refresh_days,
        auth=source.auth,
        quota=quota_of(source, override),
        quota_folder=config.data / "quota",
        obeys_robots=source.robots.applies,
        ignored_keys=tuple(source.ignored_keys),
        allow_hosts=override.allow_hosts,
        user_agent=user_agent(
            environment, is_public=_asks_the_public(source_name, channels, override)
        ),
        now=now,
        is_replay=config.clock is ClockKind.LOGICAL,
    )
    return Plan(job, tuple(o for o in outcomes if isinstance(o, ChannelOutcome)))


def plan_natively(
    source_name: str, arguments: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> CrawlJob:
    """Make a job from the arguments of `scrapy crawl`: config, and if wanted channel, run, since,
    until.

    The same plan as `tingchao crawl` makes, without its lock and its summary.
    """
    config = load_config(Path(arguments["config"]))
    now = datetime.now(UTC)
    end = parse_instant(arguments["until"]) if "until" in arguments else now
    run_id = arguments.get("run") or f"until-{end.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    asked = Request(
        crawl_id=run_id,
        start=parse_instant(arguments["since"]) if "since" in arguments else None,
        end=end,
        channel_ids=arguments["channel"].split(",") if "channel" in arguments else None,
    )
    folder = config.data / "runs" / run_id / f"crawl-{source_name}"
    folder.mkdir(parents=True, exist_ok=True)
    return plan_crawl(
        config,
        Lake.open(config.landing_uri),
        source_name,
        asked,
        now=end if config.clock is ClockKind.LOGICAL else None,
        log_folder=folder,
        environment=environment,
    ).job


def unread_terms(source: Source) -> str:
    """Say why a source is not crawled whose terms nobody has read."""
    return (
        f"{source.name}.yml: terms.checked_on: nobody has read the terms yet, so nothing is "
        f"crawled; read {source.terms.url}, then write the day and on what basis we may"
    )


def user_agent(environment: Mapping[str, str], *, is_public: bool) -> str:
    """Say honestly who asks and where to complain; `SourceError` without a contact.

    `is_public`: sites of other people are asked, not only stand-ins of our own.
    """
    try:
        number = version("tingchao")
    except PackageNotFoundError:
        number = "unreleased"
    contact = environment.get(CONTACT_VARIABLE, "").strip()
    if not contact and not is_public:
        return f"Tingchao/{number} ({NOBODY_ASKED})"
    if not re.fullmatch(r"[\x21-\x7e ]{5,200}", contact):
        raise SourceError(
            f"{CONTACT_VARIABLE}: expected a URL or an e-mail address at which a site can reach "
            f"you, found {contact!r:.60}; it becomes part of the user agent, set it in .env. "
            "Servers of your own need none once they stand in sources.<name>.allow_hosts"
        )
    return f"Tingchao/{number} (+{contact})"


def _asks_the_public(
    source: str, channels: Collection[JobChannel], override: SourceOverride
) -> bool:
    """Whether anybody else's site is asked; `SourceError` when only refused servers are."""
    exempt = {host.lower() for host in override.allow_hosts}
    foreign = [c for c in channels if server_of(c.url) not in exempt]
    inside = [c for c in foreign if is_inside(c.url)]
    if channels and len(inside) == len(channels):
        raise SourceError("\n".join(refuse_inside(c.id, c.url, source) for c in inside))
    return len(foreign) > len(inside)


def refuse_inside(channel_id: str, url: str, source: str) -> str:
    """Say why a server of one's own is not asked, and what to write so that it is."""
    server = server_of(url)
    return (
        f"channels.{channel_id}.address: expected a public address, found {server}; if it is a "
        f"server of your own, write sources.{source}.allow_hosts: ['{server}']"
    )


def channel_url(channel: Channel, source: Source, override: SourceOverride) -> str:
    """Return where a channel begins; `SourceError` when its address cannot be one."""
    address = channel.address
    if not re.search(source.address_pattern, address) or not address.isprintable():
        raise SourceError(
            f"channels.{channel.id}.address: expected {source.address_pattern} for source "
            f"{source.name!r}, found {address!r:.80}"
        )
    if UPWARDS.search(address) or len(address) > LONGEST_ADDRESS:
        raise SourceError(
            f"channels.{channel.id}.address: expected at most {LONGEST_ADDRESS:,} characters and "
            f"no `..` in the path, found {address!r:.80}; write where the channel really is"
        )
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", address):
        return _with_server(channel, address)
    base = override.base_url or source.base_url
    if base is None:
        raise SourceError(
            f"channels.{channel.id}.address: expected a whole URL, or sources.{source.name}."
            f"base_url to begin it; found {address!r:.80}"
        )
    path = (source.channel_path or "{address}").format(address=address)
    return _with_server(channel, f"{base.rstrip('/')}/{path.lstrip('/')}")


def _with_server(channel: Channel, url: str) -> str:
    try:
        server_of(url)
    except ValueError as error:
        raise SourceError(f"channels.{channel.id}.address: {error} in {shown(url):.80}") from None
    return url


def _chosen(config: Config, source: str, ids: Collection[str] | None) -> list[Channel]:
    if ids is None:
        return list(config.channels_of(source)) or _refuse_to_crawl_nothing(config, source)
    chosen = [config.channel(channel_id) for channel_id in dict.fromkeys(ids)]
    strangers = [f"{c.id} (source {c.source})" for c in chosen if c.source != source]
    if strangers:
        raise SourceError(f"expected channels of source {source!r}, found {', '.join(strangers)}")
    return chosen


def _refuse_to_crawl_nothing(config: Config, source: str) -> NoReturn:
    sources = ", ".join(sorted({channel.source for channel in config.channels})) or "none"
    raise SourceError(
        f"{config.path}: no channel of source {source!r} under `channels`; sources that have one: "
        f"{sources}. Add `- {{id: …, source: {source}, address: …}}` there"
    )


def _plan_channel(
    channel: Channel,
    config: Config,
    history: ChannelHistory,
    source: Source,
    override: SourceOverride,
    asked: Request,
) -> JobChannel | ChannelOutcome:
    url = channel_url(channel, source, override)
    since = _since(channel, config)
    start = asked.start or since or asked.end - timedelta(days=source.history_days)
    start = max(start, since) if since else start
    if start >= asked.end:
        detail = f"nothing to do: since {start.isoformat()}, window ends {asked.end.isoformat()}"
        return ChannelOutcome(
            channel_id=channel.id, stop_reason=StopReason.EXHAUSTED, detail=detail
        )
    if _is_gone(channel, history):
        detail = f"{GONE} on an earlier crawl and not asked again; take the channel out"
        return ChannelOutcome(
            channel_id=channel.id, stop_reason=StopReason.EXHAUSTED, detail=detail
        )
    window, is_asked = Window(start, asked.end), asked.start is not None
    return _job_channel(channel, config, history, source, url, since, window, is_asked=is_asked)


def _job_channel(
    channel: Channel,
    config: Config,
    history: ChannelHistory,
    source: Source,
    url: str,
    since: datetime | None,
    window: Window,
    *,
    is_asked: bool,
) -> JobChannel:
    """Close holes: begin where an earlier crawl left one, when that is behind the window.

    Who asks for what lies before everything covered is not content with "nothing new" for an
    answer, so no validators go along.
    """
    resumed = history.resumes_at(since)
    blocks = history.covered()
    start = min(window.start, resumed or window.start)
    is_backfill = is_asked and bool(blocks) and window.start < blocks[0].start
    etag, last_modified = (None, None) if is_backfill else history.last_validators()
    return JobChannel(
        id=channel.id,
        url=url,
        address=channel.address,
        brand=channel.brand,
        time_zone=channel.time_zone or source.time_zone or config.reporting.time_zone,
        asked=Span(start=window.start, end=window.end),
        start=start,
        floor=since or EVER,
        covered_until=blocks[-1].end if blocks else None,
        open_since=_open_since(start, blocks),
        missed_end=history.missed_end(resumed) if resumed and resumed < window.start else None,
        etag=etag,
        last_modified=last_modified,
        options=channel.options,
    )


def _open_since(start: datetime, blocks: list[Window]) -> datetime:
    """Return the earliest instant from `start` on that no block covers."""
    for block in blocks:
        start = block.end if block.start <= start < block.end else start
    return start


def _since(channel: Channel, config: Config) -> datetime | None:
    if channel.since is None:
        return None
    zone = ZoneInfo(channel.time_zone or config.reporting.time_zone)
    return localize(datetime.combine(channel.since, time()), zone)


def _is_gone(channel: Channel, history: ChannelHistory) -> bool:
    """Whether this address answered 410 last; a new address gets its chance."""
    details = [r["stop_detail"] or "" for r in history.rows if r["query"] == channel.address]
    return bool(details) and details[-1].startswith(GONE)


def quota_of(source: Source, override: SourceOverride) -> Quota | None:
    """Return what a platform grants a day, or what this installation allows itself of it."""
    if source.quota is None or override.units_per_day is None:
        return source.quota
    return source.quota.model_copy(update={"units_per_day": override.units_per_day})


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
