"""What every channel and import has covered, up to when, and what stopped it last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tingchao.context import Context
from tingchao.steps.standing import Outlook, Spent, Standing, look_at
from tingchao.verdicts import describe_waiting, split_by_verdict

if TYPE_CHECKING:
    from lake import Window

FINE = frozenset({Standing.LISTENING, Standing.NEVER_RUN})
SHOWN_HOLES = 3
USUAL_FILES = 3  # as many files before it tell how many rows a file has
FALLEN = 0.1  # of the usual rows; windows of a quiet day fall, and nobody need look at that
SHOWN_FAILURES = 3
ALARM_BYTES = 16 * 1024  # of the end of the log; a line is far shorter


@dataclass(frozen=True)
class ChannelStatus:
    """One configured channel or import; instants are UTC, NULL means never or unknown.

    `holes`: start and end of each stretch of time behind what was covered last that nobody covered.
    `since_at`: since when it is refused or fails. `is_import`: it stands for the files themselves,
    which bear the name of their import; a channel that they told of has a line of its own.
    """

    source: str
    channel_id: str
    covered_from_at: datetime | None
    covered_until_at: datetime | None
    hole_count: int
    landed_count: int
    quarantined_count: int
    last_run_at: datetime | None
    stop_reason: str | None
    stop_detail: str | None
    volume_warning: str | None = None
    standing: Standing = Standing.NEVER_RUN
    host: str | None = None
    last_success_at: datetime | None = None
    since_at: datetime | None = None
    next_try_at: datetime | None = None
    holes: tuple[tuple[datetime, datetime], ...] = ()
    quota: Spent | None = None
    is_import: bool = False


@dataclass(frozen=True)
class StatusSummary:
    """The state of all channels; `zone` is only for showing.

    `waiting`: what no gate has passed. `failures`: the last lines of the alarm, oldest first.
    """

    channels: tuple[ChannelStatus, ...]
    zone: ZoneInfo
    waiting: str | None = None
    failures: tuple[str, ...] = ()

    def json_lines(self) -> Iterator[str]:
        for channel in self.channels:
            yield json.dumps(asdict(channel), ensure_ascii=False, default=datetime.isoformat)

    def __str__(self) -> str:
        imports = [one for one in self.channels if one.is_import]
        tables = [self._table("channel", [one for one in self.channels if not one.is_import])]
        tables += [self._table("import", imports)] if imports else []
        return "\n".join([*tables, *self._advice()])

    def _table(self, kind: str, rows: list[ChannelStatus]) -> str:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("source", kind, "state", "covered from", "until", "holes"):
            table.add_column(heading)
        for heading in ("landed", "refused"):
            table.add_column(heading, justify="right")
        for heading in ("last stop", "last success", "next try"):
            table.add_column(heading)
        for row in rows:
            table.add_row(*self._row(row))
        console = Console(width=160, highlight=False)
        with console.capture() as capture:
            console.print(table)
        return capture.get().rstrip()

    def _row(self, channel: ChannelStatus) -> list[str]:
        return [
            channel.source,
            channel.channel_id,
            channel.standing.value,
            self._shown(channel.covered_from_at),
            self._shown(channel.covered_until_at),
            str(channel.hole_count) if channel.hole_count else "-",
            f"{channel.landed_count:,}",
            f"{channel.quarantined_count:,}",
            channel.stop_reason or "-",
            self._shown(channel.last_success_at),
            self._shown(channel.next_try_at),
        ]

    def _shown(self, instant: datetime | None) -> str:
        return f"{instant.astimezone(self.zone):%Y-%m-%d %H:%M}" if instant else "-"

    def _advice(self) -> Iterator[str]:
        for channel in self.channels:
            if channel.standing not in FINE:
                yield f"{channel.source}/{channel.channel_id}: {self._trouble(channel)}"
            if channel.holes:
                yield f"{channel.source}/{channel.channel_id}: {self._holes(channel)}"
            if channel.volume_warning:
                yield f"{channel.source}/{channel.channel_id}: {channel.volume_warning}"
        yield from self._quotas()
        if self.waiting:
            yield self.waiting
        if self.failures:
            yield "failed last (UTC):"
            yield from (f"  {line}" for line in self.failures)

    def _trouble(self, channel: ChannelStatus) -> str:
        since = f" since {self._shown(channel.since_at)}" if channel.since_at else ""
        where = f" by {channel.host}" if channel.standing is Standing.REFUSED else ""
        why = channel.stop_detail or "the run ended before it said why; run it again"
        again = f"; asked again {self._shown(channel.next_try_at)}" if channel.next_try_at else ""
        return f"{channel.standing.value}{where}{since}: {why}{again}"

    def _holes(self, channel: ChannelStatus) -> str:
        shown = channel.holes[-SHOWN_HOLES:]
        told = ", ".join(f"{self._shown(start)} … {self._shown(end)}" for start, end in shown)
        more = len(channel.holes) - len(shown)
        return f"not covered: {told}" + (f" and {more:,} earlier ones" if more else "")

    def _quotas(self) -> Iterator[str]:
        quotas = {c.source: c.quota for c in self.channels if c.quota is not None}
        for source, spent in quotas.items():
            yield (
                f"{source}: {spent.units:,} of {spent.of:,} units of the day spent; new ones from "
                f"{self._shown(spent.resets_at)} on"
            )


def status(context: Context) -> StatusSummary:
    """Read the ledger and the alarms; needs no warehouse and changes nothing."""
    ledger = context.lake.ledger()
    _, waiting = split_by_verdict(ledger)
    rows = ledger.to_pylist()
    by_channel: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["route"] in ("crawl", "import"):
            by_channel.setdefault((row["source"], row["channel_id"]), []).append(row)
    configured = dict.fromkeys((c.source, c.id) for c in context.config.channels)
    names = [*configured, *sorted(set(by_channel) - set(configured))]
    channels = (_summarise(context, name, by_channel.get(name, [])) for name in names)
    return StatusSummary(
        tuple(channels),
        context.config.zone,
        describe_waiting(waiting["crawl_id"].to_pylist()),
        _last_failures(context.data / "runs" / "failures.log"),
    )


def _last_failures(file: Path) -> tuple[str, ...]:
    """The last lines that the DAGs' alarm wrote: what failed, when, what to type."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - ALARM_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(lines[-SHOWN_FAILURES:])


def _summarise(
    context: Context, name: tuple[str, str], rows: list[dict[str, Any]]
) -> ChannelStatus:
    windows = context.lake.covered(*name) if rows else []
    last = max(rows, key=lambda row: (row["committed_at"], row["ordinal"]), default=None)
    outlook = _outlook(context, name, rows)
    holes = _holes(windows)
    return ChannelStatus(
        source=name[0],
        channel_id=name[1],
        covered_from_at=windows[0].start.astimezone(UTC) if windows else None,
        covered_until_at=windows[-1].end.astimezone(UTC) if windows else None,
        hole_count=len(holes),
        landed_count=sum(row["landed_count"] for row in rows),
        quarantined_count=sum(row["quarantined_count"] for row in rows),
        last_run_at=last["committed_at"] if last else None,
        stop_reason=last["stop_reason"] if last else None,
        stop_detail=last["stop_detail"] if last else None,
        volume_warning=_fall_of_volume(rows),
        holes=holes,
        is_import=_is_import(context, name, rows),
        **vars(outlook),
    )


def _is_import(context: Context, name: tuple[str, str], rows: list[dict[str, Any]]) -> bool:
    """Whether files alone brought it, and no channel of this name is configured."""
    is_channel = any((c.source, c.id) == name for c in context.config.channels)
    return not is_channel and all(row["route"] == "import" for row in rows)


def _outlook(context: Context, name: tuple[str, str], rows: list[dict[str, Any]]) -> Outlook:
    configured = (c for c in context.config.channels if (c.source, c.id) == name)
    return look_at(context.config, next(configured, None), rows, context.now())


def _fall_of_volume(rows: list[dict[str, Any]]) -> str | None:
    """Say that the last file holds far fewer rows than the ones before; a gate lets it pass."""
    files = [row["declared_total"] for row in rows if row["route"] == "import" and row["is_last"]]
    *before, last = [count for count in files if count is not None] or [0]
    usual = median(before[-USUAL_FILES:]) if len(before) >= USUAL_FILES else 0
    if last >= FALLEN * usual:
        return None
    return (
        f"the last file held {last:,} rows, the {USUAL_FILES} before about {usual:,.0f}; right "
        "when little happened, else export it again"
    )


def _holes(windows: list[Window]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple(
        (before.end.astimezone(UTC), after.start.astimezone(UTC))
        for before, after in pairwise(windows)
        if before.end < after.start
    )
