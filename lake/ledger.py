"""The ledger: which segments exist, what was asked for, and what was really covered.

Its files never change once written, so each is read once in the life of a process; only the list
of names is read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.runs import LogicalRun, Window
from lake.schemas import CRAWLS, LEDGER, StopReason
from lake.store import Store

# Nothing more is to be had from a logical run that ended so; after any other end it is continued.
DONE = frozenset({StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK, StopReason.CAP})

# Path of the segment's files below `<table>/`, the same in every table: source, date, name.
PLACE = "place"
_WITH_PLACE = CRAWLS.append(pa.field(PLACE, pa.string()))
# Two commits of one instant (a frozen clock) keep the order of their runs' names.
_ORDER = ("committed_at", "crawl_id", "source", "channel_id", "ordinal", PLACE)


class Ledger:
    """Rows of `crawls`, oldest commit first, each with the place of its segment's files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows = _WITH_PLACE.empty_table()
        self._places: set[str] = set()

    def rows(self, *, source: str | None = None, as_of: datetime | None = None) -> pa.Table:
        """Return what is committed now, or was at `as_of` (committed_at ≤ as_of)."""
        self._refresh(source)
        rows = self._rows
        if source is not None:
            rows = rows.filter(pc.field("source") == source)
        if as_of is not None:
            rows = rows.filter(pc.field("committed_at") <= pa.scalar(as_of, CRAWLS[-2].type))
        return rows

    def of_channel(
        self, source: str, channel_id: str, as_of: datetime | None = None
    ) -> list[dict[str, Any]]:
        rows = self.rows(source=source, as_of=as_of)
        return rows.filter(pc.field("channel_id") == channel_id).to_pylist()

    def of_run(self, run: LogicalRun) -> list[dict[str, Any]]:
        """Return the committed segments of a logical run, by ordinal."""
        mine = (row for row in self.of_channel(run.source, run.channel_id) if _belongs(row, run))
        return sorted(mine, key=lambda row: row["ordinal"])

    def _refresh(self, source: str | None) -> None:
        folder = LEDGER if source is None else f"{LEDGER}/source={source}"
        there = {path.removeprefix(f"{LEDGER}/") for path in self._store.files_below(folder)}
        known = {p for p in self._places if source is None or p.startswith(f"source={source}/")}
        if known - there:
            self._rows, self._places = _WITH_PLACE.empty_table(), set()
            known = set()
        if new := sorted(there - known):
            self._rows = _in_order([self._rows, self._read(new)])
            self._places.update(new)

    def _read(self, places: list[str]) -> pa.Table:
        dataset = self._store.dataset([f"{LEDGER}/{place}" for place in places], CRAWLS)
        rows = dataset.to_table(columns=[*CRAWLS.names, "__filename"])
        cut = len(self._store.address(f"{LEDGER}/"))
        place = pc.utf8_slice_codeunits(rows["__filename"], cut)
        return rows.drop_columns("__filename").append_column(PLACE, place).cast(_WITH_PLACE)


def covered(rows: Iterable[dict[str, Any]]) -> list[Window]:
    """Return the intervals that these ledger rows say were really covered, as they stand."""
    return [
        Window(row["covered_start_at"], row["covered_end_at"])
        for row in rows
        if row["covered_start_at"] and row["covered_end_at"]
    ]


def is_done(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether these rows of one logical run say that nothing is left to do."""
    return any(row["is_last"] and row["stop_reason"] in DONE for row in rows)


def _belongs(row: dict[str, Any], run: LogicalRun) -> bool:
    return row["segment_id"] == run.segment_id(row["ordinal"])


def _in_order(tables: list[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(tables)
    return rows.sort_by([(column, "ascending") for column in _ORDER])
