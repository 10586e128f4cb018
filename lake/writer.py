"""Landing what one logical run finds in one channel: segments, each closed by its ledger row.

Rows gather in memory; a full buffer, or the end, becomes one segment of deterministic name, its
data files durable before its ledger row. Whoever dies in between leaves nothing that a reader can
see, and the next attempt of the same logical run carries on behind the last committed segment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc

from lake.erasure import screen
from lake.errors import LakeError, RefusedRecordError, SegmentTakenError, WriterClosedError
from lake.history import Added, TableHistory
from lake.ledger import PLACE, Ledger, is_done
from lake.records import (
    MAX_ID,
    Row,
    identity,
    identity_columns,
    last_hashes,
    make_row,
    quotable,
    to_arrow,
)
from lake.redact import mask_text, redact
from lake.runs import LogicalRun, Window, place_of
from lake.schemas import IDENTITY, LEDGER, TABLES, StopReason
from lake.store import Store, encode

MAX_ROWS = 50_000
MAX_TEXT_LENGTH = 50_000_000  # characters; bounds memory when posts are long
LONG_COLUMNS = ("title_text", "body_text", "raw_record")
QUARANTINE = "quarantine"
MICROSECOND = timedelta(microseconds=1)


class _Waiting(NamedTuple):
    """A row that is landed with the next segment."""

    row: Row
    identity: bytes
    content: bytes
    version: int


@dataclass(slots=True)
class _Counts:
    """What the next ledger row will say of the work since the last one."""

    pages: int = 0
    received: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class _Buffer:
    """Rows by table, and about how much text they hold."""

    rows: dict[str, list[_Waiting]] = field(default_factory=dict)
    row_count: int = 0
    text_length: int = 0
    collected_at: datetime | None = None

    def add(self, table: str, waiting: _Waiting, at: datetime) -> None:
        self.rows.setdefault(table, []).append(waiting)
        self.row_count += 1
        self.text_length += sum(len(waiting.row.get(column) or "") for column in LONG_COLUMNS)
        self.collected_at = self.collected_at or at

    def count(self, *, quarantined: bool) -> int:
        return sum(len(w) for t, w in self.rows.items() if (t == QUARANTINE) is quarantined)


class ChannelWriter:
    """Lands records of one logical run; a context manager.

    Leaving the block without `finish()` writes nothing further, as after a kill.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        run: LogicalRun,
        *,
        now: Callable[[], datetime],
        max_rows: int = MAX_ROWS,
        suppressed: Collection[str] = frozenset(),
    ) -> None:
        self.run = run
        self.is_done = False
        self._store, self._ledger, self._now = store, ledger, now
        self._max_rows, self._suppressed = max_rows, suppressed
        self._started_at = now()
        self._is_open = True
        self._committed: list[Row] = []
        self._histories: dict[str, TableHistory] = {}
        self._buffer, self._counts = _Buffer(), _Counts()
        self._reload()
        ledger.summarise(run.source)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._buffer = _Buffer()

    def add(self, table: str, record: Mapping[str, Any]) -> Added:
        """Take one record of a table; say what became of it.

        `source`, `channel_id`, text and content hash, time and segment are filled in. A record that
        does not fit its table goes to quarantine, one of an erased person nowhere.
        """
        self._require_open()
        if table not in IDENTITY:
            raise LakeError(f"no table {table!r} to add to; tables: {', '.join(IDENTITY)}")
        screened = screen(table, record, self._suppressed) if self._suppressed else record
        if screened is None:
            return Added.SUPPRESSED
        try:
            row = make_row(table, screened, channel_id=self.run.channel_id)
        except RefusedRecordError as refused:
            native = record.get(_id_column(table))
            self.refuse(table, quotable(table, record), refused.rule, refused.reason, native)
            return Added.QUARANTINED
        return self._take(table, row, bytes.fromhex(row["content_hash"]))

    def refuse(
        self,
        table: str,
        raw: Mapping[str, Any] | str | bytes,
        rule: str,
        reason: str,
        record_id: Any = None,
    ) -> None:
        """Put a record into quarantine: by which rule, what was found and expected, and itself.

        Contacts are masked in `raw`; names of people must have been taken out of it.
        """
        self._require_open()
        row = {
            "channel_id": self.run.channel_id,
            "table_name": table,
            "record_id": None if record_id is None else mask_text(str(record_id)[:MAX_ID]),
            "of_segment_id": None,
            "of_content_hash": None,
            "rule": rule,
            "reason": mask_text(reason),
            "raw_record": _redacted(raw),
        }
        self._take(QUARANTINE, row, identity(QUARANTINE, row))

    def refuse_landed(
        self,
        table: str,
        segment_id: str,
        record_id: str,
        rule: str,
        reason: str,
        content_hash: str | None = None,
    ) -> None:
        """Refuse a row that landed in an earlier segment: it stays there, and counts nowhere.

        `record_id` is the row's own id, unmasked, and `content_hash` tells it from its siblings:
        readers find the row by both. Without a hash every row of that id in the segment is meant.
        """
        self._require_open()
        row = {
            "channel_id": self.run.channel_id,
            "table_name": table,
            "record_id": record_id,
            "of_segment_id": segment_id,
            "of_content_hash": content_hash,
            "rule": rule,
            "reason": reason,
            "raw_record": None,
        }
        self._take(QUARANTINE, row, identity(QUARANTINE, row))

    def begin(self, stop_detail: str) -> None:
        """Commit a segment without rows: whatever happens from here on, the run is known of.

        `stop_detail` is what stands in the ledger when the run never says how it ended.
        """
        self._require_open()
        self._flush(stop_detail=stop_detail)

    def count_page(self, byte_count: int) -> None:
        """Note that a page of so many bytes was fetched."""
        self._counts.pages += 1
        self._counts.received += byte_count

    def finish(
        self,
        stop_reason: StopReason | str,
        *,
        covered: Window | None,
        declared_total: int | None = None,
        stop_detail: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> None:
        """Commit what is left and close this attempt, saying why it ended and what it covered."""
        self._require_open()
        self._flush(
            is_last=True,
            stop_reason=StopReason(stop_reason).value,
            covered_start_at=covered.start if covered else None,
            covered_end_at=covered.end if covered else None,
            declared_total=declared_total,
            stop_detail=None if stop_detail is None else mask_text(stop_detail),
            etag=etag,
            last_modified=last_modified,
        )
        self._is_open = False

    def _require_open(self) -> None:
        if not self._is_open:
            raise WriterClosedError(
                f"{self.run.source} {self.run.channel_id}: this writer is closed; open another "
                "with lake.write(run)"
            )

    def _take(self, table: str, row: Row, content: bytes) -> Added:
        if self.is_done:
            return Added.ALREADY
        name = identity(table, row)
        added, version_number = self._history(table).judge(name, content)
        if added is Added.LANDED:
            self._keep(table, _Waiting(row, name, content, version_number))
        elif added is Added.UNCHANGED:
            self._counts.unchanged += 1
        return added

    def _keep(self, table: str, waiting: _Waiting) -> None:
        # The second version of a thing in one file is younger than the first, whatever the clock.
        at = self._now().astimezone(UTC) + waiting.version * MICROSECOND
        if self._buffer.collected_at and self._buffer.collected_at.date() != at.date():
            self._flush()  # a segment lies within one UTC day: its folder is named by it
        waiting.row["collected_at"] = at
        self._buffer.add(table, waiting, at)
        if self._buffer.row_count >= self._max_rows or self._buffer.text_length >= MAX_TEXT_LENGTH:
            self._flush()

    def _flush(self, **closing: Any) -> None:
        """Commit the buffer as the next segment; behind another attempt's, if there is one."""
        while not self.is_done and (self._buffer.row_count or closing):
            try:
                self._commit(closing)
            except SegmentTakenError:
                self._give_way()
            else:
                self._counts = _Counts()
                break
        self._buffer = _Buffer()

    def _commit(self, closing: Mapping[str, Any]) -> None:
        ordinal = len(self._committed)
        segment_id = self.run.segment_id(ordinal)
        committed_at = self._now().astimezone(UTC)
        place = place_of(self.run.source, segment_id, self._buffer.collected_at or committed_at)
        files = {
            f"{table}/{place}": encode(self._to_arrow(table, waiting, segment_id))
            for table, waiting in self._buffer.rows.items()
        }
        row = self._ledger_row(ordinal, segment_id, committed_at, closing)
        ledger_row = to_arrow(LEDGER, [row])
        self._store.commit(files, (f"{LEDGER}/{place}", encode(ledger_row)))
        self._ledger.note(place, ledger_row)
        self._committed.append({**row, PLACE: place})

    def _to_arrow(self, table: str, waiting: list[_Waiting], segment_id: str) -> pa.Table:
        run = {
            "source": self.run.source,
            "crawl_id": self.run.crawl_id,
            "segment_id": segment_id,
        }
        return to_arrow(table, [{**w.row, **run} for w in waiting])

    def _ledger_row(
        self, ordinal: int, segment_id: str, committed_at: datetime, closing: Mapping[str, Any]
    ) -> Row:
        run, window = self.run, self.run.window
        return {
            "source": run.source,
            "channel_id": run.channel_id,
            "segment_id": segment_id,
            "crawl_id": run.crawl_id,
            "ordinal": ordinal,
            "route": run.route,
            "window_start_at": window.start if window else None,
            "window_end_at": window.end if window else None,
            "query": run.query,
            "file_digest": run.file_digest,
            "page_count": self._counts.pages,
            "byte_count": self._counts.received,
            "landed_count": self._buffer.count(quarantined=False),
            "unchanged_count": self._counts.unchanged,
            "quarantined_count": self._buffer.count(quarantined=True),
            "is_last": False,
            "started_at": self._started_at.astimezone(UTC),
            "committed_at": committed_at,
            "code_version": _code_version(),
            **closing,
        }

    def _reload(self) -> None:
        self._committed = self._ledger.of_run(self.run)
        self.is_done = is_done(self._committed)

    def _give_way(self) -> None:
        """Take in what another attempt committed, and drop from the buffer what it landed."""
        before = len(self._committed)
        self._reload()
        if len(self._committed) <= before:
            raise LakeError(
                f"{self.run.source} {self.run.channel_id} {self.run.crawl_id}: the ledger has a "
                f"segment {before} that cannot be read back; is the lake being written by hand?"
            )
        for table, history in self._histories.items():
            history.landed = self._landed(table)
        kept = _Buffer(collected_at=self._buffer.collected_at)
        for table, rows in self._buffer.rows.items():
            history = self._histories[table]
            for waiting in rows:
                if not history.is_landed(waiting.identity, waiting.content, waiting.version):
                    kept.add(table, waiting, waiting.row["collected_at"])
        self._buffer = kept

    def _history(self, table: str) -> TableHistory:
        if table not in self._histories:
            self._histories[table] = TableHistory(
                earlier=self._earlier(table),
                landed=self._landed(table),
                keeps_versions=self.run.file_digest is not None,
            )
        return self._histories[table]

    def _landed(self, table: str) -> dict[bytes, list[bytes]]:
        landed: dict[bytes, list[bytes]] = {}
        places = [row[PLACE] for row in self._committed]
        for row in self._read(table, places, identity_columns(table)).to_pylist():
            name = identity(table, row)
            content = row.get("content_hash")
            landed.setdefault(name, []).append(bytes.fromhex(content) if content else name)
        return landed

    def _earlier(self, table: str) -> set[bytes]:
        if table == QUARANTINE:
            return set()
        # As of this attempt's clock, so that days which are replayed out of order land the same.
        ledger = self._ledger.rows(source=self.run.source, as_of=self._started_at)
        mine = {row["segment_id"] for row in self._committed}
        segments = self._may_know(table, ledger).select(["segment_id", PLACE]).to_pylist()
        places = [row[PLACE] for row in segments if row["segment_id"] not in mine]
        return last_hashes(table, self._read(table, places, identity_columns(table)))

    def _may_know(self, table: str, segments: pa.Table) -> pa.Table:
        """Return the segments that can hold things that this run can meet in the table.

        A crawl meets its own channel's; an import can hold any channel's.
        """
        if self.run.route == "import" or "channel_id" not in IDENTITY[table]:
            return segments
        is_own = pc.equal(segments["channel_id"], self.run.channel_id)
        return segments.filter(pc.or_(is_own, pc.equal(segments["route"], "import")))

    def _read(self, table: str, places: list[str], columns: list[str]) -> pa.Table:
        folder = f"{table}/source={self.run.source}"
        there = set(self._store.files_below(folder)) if places else set()
        paths = [p for p in (f"{table}/{place}" for place in places) if p in there]
        wanted = [*columns, *(["content_hash"] if table in IDENTITY else [])]
        if not paths:
            return TABLES[table].empty_table().select(wanted)
        return self._store.dataset(paths, TABLES[table]).to_table(columns=wanted)


def _id_column(table: str) -> str:
    return next(c for c in reversed(IDENTITY[table]) if c.endswith(("_id", "_key")))


def _redacted(raw: Mapping[str, Any] | str | bytes) -> str:
    if isinstance(raw, Mapping):
        return redact(raw)
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "replace")
    return json.dumps(mask_text(raw), ensure_ascii=False)


@cache
def _code_version() -> str:
    try:
        return version("tingchao")
    except PackageNotFoundError:
        return "unreleased"
