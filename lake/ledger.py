"""The ledger: which segments exist, what was asked for, and what was really covered.

Its files never change once written, so each is read once in the life of a process; only the list
of names is read again. So that the first look does not open thousands of small files, a writer now
and then leaves a summary: the rows of a source in one file. It is a copy, never the truth: it
counts for files that are there, and may be deleted at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.runs import LogicalRun, Window, merge
from lake.schemas import CRAWLS, LEDGER, StopReason
from lake.store import Store, encode

# Nothing more is to be had from a logical run that ended so; after any other end it is continued.
DONE = frozenset({StopReason.EXHAUSTED, StopReason.REACHED_WATERMARK, StopReason.CAP})

# Path of the segment's files below `<table>/`, the same in every table: source, date, name.
PLACE = "place"
_WITH_PLACE = CRAWLS.append(pa.field(PLACE, pa.string()))
# Two commits of one instant (a frozen clock) keep the order of their runs' names.
_ORDER = ("committed_at", "crawl_id", "source", "channel_id", "ordinal", PLACE)


SUMMARIES = ".cache/crawls"
MAX_LOOSE = 256


class Ledger:
    """Rows of `crawls`, oldest commit first, each with the place of its segment's files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget()

    def _forget(self) -> None:
        self._rows = _WITH_PLACE.empty_table()
        self._places: set[str] = set()
        self._loose: Counter[str] = Counter()
        self._listings: dict[str, list[str]] = {}
        self._noted: dict[str, pa.Table] = {}

    def rows(self, *, source: str | None = None, as_of: datetime | None = None) -> pa.Table:
        """Return what is committed now, or was at `as_of` (committed_at ≤ as_of)."""
        self._refresh(source)
        rows = self._rows
        if source is not None:
            rows = rows.filter(pc.equal(rows["source"], source))
        if as_of is not None:
            until = pa.scalar(as_of, CRAWLS.field("committed_at").type)
            rows = rows.filter(pc.less_equal(rows["committed_at"], until))
        return rows

    def of_channel(
        self, source: str, channel_id: str, as_of: datetime | None = None
    ) -> list[dict[str, Any]]:
        rows = self.rows(source=source, as_of=as_of)
        return rows.filter(pc.equal(rows["channel_id"], channel_id)).to_pylist()

    def of_run(self, run: LogicalRun) -> list[dict[str, Any]]:
        """Return the committed segments of a logical run, by ordinal."""
        mine = (row for row in self.of_channel(run.source, run.channel_id) if _belongs(row, run))
        return sorted(mine, key=lambda row: row["ordinal"])

    def note(self, place: str, row: pa.Table) -> None:
        """Remember the row of a segment just committed; its file is not read back then."""
        self._noted[place] = row.append_column(PLACE, pa.array([place], pa.string()))

    def summarise(self, source: str) -> None:
        """Put the source's rows into one file, if many had to be read one by one."""
        if self._loose[source] >= MAX_LOOSE:
            rows = self._rows.filter(pc.equal(self._rows["source"], source))
            self._store.write({f"{SUMMARIES}/source={source}.parquet": encode(rows)})
            self._loose[source] = 0

    def _refresh(self, source: str | None) -> None:
        folder = LEDGER if source is None else f"{LEDGER}/source={source}"
        listing = self._store.files_below(folder)
        if listing is self._listings.get(folder):
            return
        there = {path.removeprefix(f"{LEDGER}/") for path in listing}
        if self._known(source) - there:
            self._forget()
        new = there - self._known(source)
        if len(new) >= MAX_LOOSE:
            self._take(self._recall(source, new))
            new -= self._places
        if new:
            noted = {place: self._noted.pop(place) for place in new if place in self._noted}
            unread = sorted(new - noted.keys())
            self._take(*noted.values(), *([self._read(unread)] if unread else []))
            self._loose.update(_source_of(place) for place in new)
        self._listings[folder] = listing

    def _known(self, source: str | None) -> set[str]:
        return {p for p in self._places if source is None or _source_of(p) == source}

    def _take(self, *tables: pa.Table) -> None:
        self._rows = _in_order([self._rows, *tables])
        self._places.update(place for rows in tables for place in rows[PLACE].to_pylist())

    def _recall(self, source: str | None, wanted: set[str]) -> pa.Table:
        """Return the wanted rows as far as summaries have them; an unreadable one has none."""
        paths = self._store.files_below(SUMMARIES)
        mine = [p for p in paths if source is None or p == f"{SUMMARIES}/source={source}.parquet"]
        try:
            rows = self._store.dataset(mine, _WITH_PLACE).to_table()
        except (pa.ArrowInvalid, OSError):
            return _WITH_PLACE.empty_table()
        return rows.filter(pc.is_in(rows[PLACE], pa.array(sorted(wanted), pa.string())))

    def _read(self, places: list[str]) -> pa.Table:
        dataset = self._store.dataset([f"{LEDGER}/{place}" for place in places], CRAWLS)
        rows = dataset.to_table(columns=[*CRAWLS.names, "__filename"])
        cut = len(self._store.address(f"{LEDGER}/"))
        place = pc.utf8_slice_codeunits(rows["__filename"], cut)
        return rows.drop_columns("__filename").append_column(PLACE, place).cast(_WITH_PLACE)


class ChannelHistory:
    """What the ledger says of one channel."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def covered(self) -> list[Window]:
        """Return what was really covered: disjoint windows, in order."""
        return merge(covered(self.rows))

    def watermark(self, since: datetime | None = None) -> datetime | None:
        """Return the end of the unbroken cover that begins at `since`; None when there is none.

        Without `since`, at the start of the window that was committed first. Never passes a hole,
        however much was covered behind it.
        """
        start = since or self._first_asked()
        return _end_of_unbroken(self.covered(), start) if start else None

    def resumes_at(self, since: datetime | None = None) -> datetime | None:
        """Return from where a crawl must look so that it leaves no hole behind; None at first.

        That is the watermark, or the start itself as long as nothing covers it. What a platform
        caps twice is no hole to come back to: it shows no more of it, however often it is asked.
        """
        asked = self._first_asked()
        if asked is None:
            return None
        settled = merge([*covered(self.rows), *capped(self.rows, min(asked, since or asked))])
        first = max(asked, since or asked)
        ends = (_end_of_unbroken(settled, start) for start in (since or first, first))
        return next(filter(None, ends), first)

    def missed_end(self, resumed: datetime) -> datetime | None:
        """Return the end of the first crawl that should have covered an instant, if one should."""
        ends = (
            row["window_end_at"]
            for row in self.rows
            if row["window_start_at"] and row["window_start_at"] <= resumed < row["window_end_at"]
        )
        return min(ends, default=None)

    def _first_asked(self) -> datetime | None:
        return next((r["window_start_at"] for r in self.rows if r["window_start_at"]), None)

    def latest_crawls(self) -> set[str]:
        """Return the last crawl after which nothing was left to do, and those since."""
        latest: set[str] = set()
        for row in reversed(self.rows):
            if row["route"] == "crawl":
                latest.add(row["crawl_id"])
                if is_done([row]):
                    break
        return latest

    def last_validators(self) -> tuple[str | None, str | None]:
        """Return (ETag, Last-Modified) of the last run that took in all that it was answered.

        A run that was cut short does not count: asking "anything since?" with its validators would
        lose what it left behind.
        """
        for row in reversed(self.rows):
            if row["stop_reason"] in DONE and (row["etag"] or row["last_modified"]):
                return row["etag"], row["last_modified"]
        return None, None


def covered(rows: Iterable[dict[str, Any]]) -> list[Window]:
    """Return the intervals that these ledger rows say were really covered, as they stand."""
    return [
        Window(row["covered_start_at"], row["covered_end_at"])
        for row in rows
        if row["covered_start_at"] and row["covered_end_at"]
    ]


def capped(rows: Iterable[dict[str, Any]], beginning: datetime) -> list[Window]:
    """Return the time from `beginning` on that a cap withheld from two of these rows' crawls.

    Each walked back to the hole that was there, so far as the platform let it; once may have been
    a mishap. One that covered nothing tells nothing.
    """
    ends = sorted(
        row["covered_start_at"]
        for row in rows
        if row["stop_reason"] == StopReason.CAP
        and row["covered_start_at"]
        and row["covered_start_at"] > beginning
    )
    return [Window(beginning, ends[-2])] if len(ends) > 1 else []


def is_done(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether these rows of one logical run say that nothing is left to do."""
    return any(row["is_last"] and row["stop_reason"] in DONE for row in rows)


def _end_of_unbroken(blocks: Iterable[Window], start: datetime) -> datetime | None:
    return next((block.end for block in blocks if block.start <= start < block.end), None)


def _source_of(place: str) -> str:
    return place.partition("/")[0].removeprefix("source=")


def _belongs(row: dict[str, Any], run: LogicalRun) -> bool:
    return row["segment_id"] == run.segment_id(row["ordinal"])


def _in_order(tables: list[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(tables)
    return rows.sort_by([(column, "ascending") for column in _ORDER])
