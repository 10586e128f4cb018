"""One file into the lake: read, map, land; what does not fit goes to quarantine with its line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from lake import Added, ChannelWriter, Lake, Precision, StopReason, Window
from lake.ledger import DONE
from lake.redact import mask_text
from lake.times import Instant
from scrapers.errors import ParsingFailedError
from scrapers.importers.mapping import KEYS, ColumnMap, Mapped
from scrapers.importers.order_lines import OrderLines
from scrapers.importers.rows import Row
from scrapers.importers.spend import Spent

UNITS = {
    Precision.SECOND: timedelta(seconds=1),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.DAY: timedelta(days=1),
    Precision.INFERRED: timedelta(seconds=1),
}
REPORT_EVERY = 1000
LEFT_OUT = "left out, channels not configured:"


@dataclass
class FileOutcome:
    """What became of one file; `skipped` lines are no records (blank, comment, header, total)."""

    import_id: str
    file_name: str
    format_name: str = ""
    encoding: str | None = None
    rows: int = 0
    added: dict[Added, int] = field(default_factory=dict)
    tables: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, int] = field(default_factory=dict)
    unknown_keys: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unmatched: int = 0
    first_refusal: str | None = None
    covered: Window | None = None
    is_known: bool = False
    reminder: str | None = None
    detail: str | None = None

    @property
    def landed(self) -> int:
        return self.added.get(Added.LANDED, 0)

    @property
    def quarantined(self) -> int:
        return self.added.get(Added.QUARANTINED, 0)

    def count(self, added: Added, table: str) -> None:
        """Note what became of one record."""
        self.added[added] = self.added.get(added, 0) + 1
        if added is Added.LANDED:
            self.tables[table] += 1

    def refuse(self, reason: str, table: str) -> None:
        """Note a record that went to quarantine; the first one is told as an example."""
        self.first_refusal = self.first_refusal or mask_text(reason)
        self.count(Added.QUARANTINED, table)

    def remarks(self) -> str | None:
        """Say what a person should know of how the file was read; it stands in the ledger."""
        said = [f"read as {self.encoding}"] if self.encoding else []
        if self.skipped:
            lines = ", ".join(f"{count:,} {what}" for what, count in self.skipped.items())
            said.append(f"skipped {lines}")
        if self.unknown_keys:
            said.append(f"unknown keys {_counted(self.unknown_keys)}")
        if self.left_out:
            said.append(f"{LEFT_OUT} {_counted(self.left_out)}")
        if self.unmatched:
            said.append(f"{self.unmatched:,} counters of posts that nothing brought yet")
        return "; ".join(said) or None

    def line(self) -> str:
        """Say it in one line."""
        counts = [f"{self.rows:,} rows"]
        counts += [
            f"{self.added.get(kind, 0):,} {kind.value}"
            for kind in Added
            if kind is not Added.SUPPRESSED or kind in self.added
        ]
        if self.left_out:
            counts.append(f"{self.left_out.total():,} left out")
        counts += [f"skipped {count:,} {what}" for what, count in self.skipped.items()]
        kind = ", ".join(filter(None, (self.format_name, self.encoding)))
        name = f"{self.file_name} ({kind})" if kind else self.file_name
        said = f"{self.import_id} {name}: {', '.join(counts)}"
        return f"{said}; {self.detail}" if self.detail else said


def _counted(counts: Counter[str], most: int = 20) -> str:
    shown = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(most))
    return f"{shown} and {len(counts) - most:,} more" if len(counts) > most else shown


@dataclass
class Span:
    """First and last instant of what a file tells."""

    start: datetime | None = None
    last: Instant | None = None

    def take(self, happened: Instant) -> None:
        self.start = min(self.start or happened.at, happened.at)
        self.last = max(self.last or happened, happened, key=lambda h: h.at)

    @property
    def window(self) -> Window | None:
        if self.start is None or self.last is None:
            return None
        return Window(self.start, self.last.at + UNITS[self.last.precision])


def land_file(
    lake: Lake,
    column_map: ColumnMap,
    path: Path,
    *,
    crawl_id: str,
    now: Callable[[], datetime],
    advance: Callable[[int], None] = lambda _: None,
) -> FileOutcome:
    """Land one file; a file that was taken in whole under this map before is left alone.

    `advance` is told how many rows more were read. Raises `ImportFileError` when the file cannot be
    read at all; nothing of it is landed then.
    """
    outcome = FileOutcome(column_map.spec.id, path.name, column_map.spec.format)
    digest = sha256_of(path)
    run = column_map.run(crawl_id, digest, f"{path.name} (map {_digest_of(column_map)})")
    earlier = _finished_by(lake, run.source, run.channel_id, digest, run.query)
    if earlier is not None:
        outcome.detail = f"this very file was imported before, by run {earlier}"
        return outcome
    with (
        column_map.open(path) as file,
        lake.write(run, now) as writer,
    ):
        outcome.encoding = file.encoding or None
        column_map.check_header(file.columns, path.name)
        missing = column_map.missing_from(file.columns)
        if missing and column_map.spec.format in ("csv", "xlsx"):
            outcome.detail = f"the file has no {', '.join(missing)}: NULL"
        landing = _Landing(writer, column_map, outcome)
        for row in file.rows:
            landing.take(row)
            if outcome.rows % REPORT_EVERY == 0:
                advance(REPORT_EVERY)
        landing.take_orders()
        span = landing.span
        outcome.skipped, outcome.covered = file.skipped, span.window
        writer.count_page(path.stat().st_size)
        writer.finish(
            StopReason.EXHAUSTED,
            covered=span.window,
            declared_total=outcome.rows,
            stop_detail=outcome.remarks(),
        )
    return outcome


def sha256_of(path: Path) -> str:
    """Return the digest of a file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Landing:
    """The way of one file's rows into the lake, one by one or, as line items, order by order."""

    def __init__(self, writer: ChannelWriter, column_map: ColumnMap, outcome: FileOutcome) -> None:
        self.writer, self.column_map, self.outcome = writer, column_map, outcome
        self.table = column_map.table
        self.span = Span()
        self.spent = Spent()
        self.lines = OrderLines() if column_map.spec.line_items else None

    def take(self, row: Row) -> None:
        """Land a row, keep it as a line of its order, or refuse it."""
        self.outcome.rows += 1
        try:
            if row.problem:
                raise ParsingFailedError(*row.problem)
            mapped = self.column_map.apply(row)
            if "spend_id" in mapped.record:
                self.spent.require_new(mapped.record)
            if self.lines is None:
                self._land(mapped)
            else:
                self.lines.take(mapped)
        except ParsingFailedError as error:
            record_id = _id_of(self.column_map, row)
            reason = f"line {row.line:,}: {error}"
            evidence = self.column_map.evidence(row)
            self.writer.refuse(self.table, evidence, error.rule, reason, record_id)
            self.outcome.refuse(reason, self.table)
            if self.lines is not None:
                self.lines.miss(record_id)

    def take_orders(self) -> None:
        """Land the orders whose lines were kept."""
        if self.lines is None:
            return
        for order_id, lines in self.lines.orders():
            try:
                self._land(self.lines.joined(order_id, lines))
            except ParsingFailedError as error:
                raw = {"lines": len(lines)}
                self.writer.refuse(self.table, raw, error.rule, str(error), order_id)
                self.outcome.refuse(str(error), self.table)

    def _land(self, mapped: Mapped) -> None:
        added = self.writer.add(self.table, mapped.record)
        if mapped.happened is not None and added not in (Added.QUARANTINED, Added.SUPPRESSED):
            self.span.take(mapped.happened)
        self.outcome.count(added, self.table)


def _id_of(column_map: ColumnMap, row: Row) -> str | None:
    key = KEYS[column_map.table]
    cell = row.cells.get(column_map.columns.get(key, ""))
    return str(cell) if cell is not None and key.endswith("_id") else None


def _finished_by(
    lake: Lake, source: str, channel_id: str, digest: str, query: str | None
) -> str | None:
    columns = ["channel_id", "file_digest", "query", "stop_reason", "is_last", "crawl_id"]
    for row in lake.read("crawls", columns=columns, source=source).to_pylist():
        is_same = row["file_digest"] == digest and row["query"] == query
        if is_same and row["channel_id"] == channel_id and row["stop_reason"] in DONE:
            return str(row["crawl_id"])
    return None


def _digest_of(column_map: ColumnMap) -> str:
    # an option that nobody set must not make old files new
    unset = {"missing_ids", "line_items"} - column_map.spec.model_fields_set
    spec = column_map.spec.model_dump_json(exclude={"path", "schedule", *unset})
    return hashlib.sha256(spec.encode()).hexdigest()[:8]
