"""The lake: everything that was ever collected, and nothing that was half collected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs

from lake.erasure import (
    count_people,
    named_columns,
    read_suppressed,
    suppress,
    without_people,
)
from lake.errors import LakeError
from lake.ledger import PLACE, ChannelHistory, Ledger
from lake.runs import LogicalRun, Window
from lake.schemas import LEDGER, TABLES
from lake.store import LocalStore, Store, encode, open_store
from lake.text import joined
from lake.writer import MAX_ROWS, ChannelWriter

EMPTY = "source=_schema/collected_date=1970-01-01/empty.parquet"


class Lake:
    """Append-only landing tables under one address; readers see committed segments only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ledger = Ledger(store)

    @classmethod
    def open(cls, uri: str | Path, filesystem: pafs.FileSystem | None = None) -> Lake:
        """Open a lake, and make it ready: one zero-row file per table, so that no glob is empty."""
        store = open_store(uri, filesystem)
        stale = [table for table in TABLES if not _has_empty_file(store, table)]
        if stale:
            store.write({f"{t}/{EMPTY}": encode(TABLES[t].empty_table()) for t in stale})
        return cls(store)

    @property
    def is_local(self) -> bool:
        return isinstance(self._store, LocalStore)

    @property
    def address(self) -> str:
        """The folder or object prefix that holds the tables, without a scheme."""
        return self._store.base

    def write(
        self, run: LogicalRun, now: Callable[[], datetime], *, max_rows: int = MAX_ROWS
    ) -> ChannelWriter:
        """Return a writer for one logical run, to be used in a `with` block.

        `now` gives aware instants; a segment is committed every `max_rows` rows.
        """
        return ChannelWriter(
            self._store,
            self._ledger,
            run,
            now=now,
            max_rows=max_rows,
            suppressed=self._suppressed,
        )

    @cached_property
    def _suppressed(self) -> frozenset[str]:
        """Read once: whoever erases holds the locks of every step that lands."""
        return read_suppressed(self._store)

    def suppress(self, keys: Collection[str], at: datetime) -> None:
        """Let nothing of these pseudonyms land any more; the first act of an erasure."""
        suppress(self._store, keys, at)
        self.__dict__.pop("_suppressed", None)

    def segments_naming(self, keys: Collection[str]) -> dict[str, int]:
        """Return the segments that hold rows of these people, with how many."""
        wanted, found = pa.array(sorted(keys), pa.string()), Counter[str]()
        for table, path in self._people_files():
            rows = self._store.dataset([path], TABLES[table]).to_table(columns=named_columns(table))
            if count := count_people(table, rows, wanted):
                found[PurePosixPath(path).stem] += count
        return dict(found)

    def erase(self, keys: Collection[str]) -> None:
        """Rewrite every file that names these people, each whole, in one rename.

        Say so in the ledger before: a run of route `erasure` that names the segments.
        """
        wanted = pa.array(sorted(keys), pa.string())
        for table, path in self._people_files():
            rows = self._store.dataset([path], TABLES[table]).to_table()
            if count_people(table, rows, wanted):
                self._store.write({path: encode(without_people(table, rows, wanted))})

    def _people_files(self) -> Iterator[tuple[str, str]]:
        for table in TABLES:
            if named_columns(table):
                yield from ((table, path) for path in self._paths(table))

    def ledger(self, as_of: datetime | None = None) -> pa.Table:
        """Return the committed ledger rows, oldest first; those of then when `as_of` is given."""
        return self._ledger.rows(as_of=as_of).drop_columns(PLACE)

    def read(
        self,
        table: str,
        *,
        columns: list[str] | None = None,
        source: str | None = None,
        as_of: datetime | None = None,
    ) -> pa.Table:
        """Return the committed rows of a table, in the order in which they were committed."""
        schema = _schema_of(table)
        if table == LEDGER:
            rows = self._ledger.rows(source=source, as_of=as_of)
            return rows.select(columns or schema.names)
        paths = self._paths(table, source, as_of)
        return self._store.dataset(paths, schema).to_table(columns=columns)

    def segments(
        self, table: str, as_of: datetime | None = None, *, source: str | None = None
    ) -> list[str]:
        """Return the addresses of the committed files of a table, oldest commit first."""
        _schema_of(table)
        return [self._store.address(path) for path in self._paths(table, source, as_of)]

    def histories(
        self, source: str, as_of: datetime | None = None
    ) -> defaultdict[str, ChannelHistory]:
        """Return what the ledger says of every channel of a source, read once; none is empty."""
        found: defaultdict[str, ChannelHistory] = defaultdict(lambda: ChannelHistory([]))
        for row in self._ledger.rows(source=source, as_of=as_of).to_pylist():
            found[row["channel_id"]].rows.append(row)
        return found

    def covered(self, source: str, channel_id: str, as_of: datetime | None = None) -> list[Window]:
        """Return what was really covered of a channel: disjoint windows, in order."""
        return self._history(source, channel_id, as_of).covered()

    def watermark(
        self,
        source: str,
        channel_id: str,
        since: datetime | None = None,
        as_of: datetime | None = None,
    ) -> datetime | None:
        """Return where the unbroken cover of a channel ends; see `ChannelHistory.watermark`."""
        return self._history(source, channel_id, as_of).watermark(since)

    def last_validators(self, source: str, channel_id: str) -> tuple[str | None, str | None]:
        """Return (ETag, Last-Modified) to ask with; see `ChannelHistory.last_validators`."""
        return self._history(source, channel_id).last_validators()

    def _history(
        self, source: str, channel_id: str, as_of: datetime | None = None
    ) -> ChannelHistory:
        return ChannelHistory(self._ledger.of_channel(source, channel_id, as_of))

    def texts(
        self,
        skip: Collection[str] | pa.Array = frozenset(),
        *,
        skip_segments: Collection[str] = frozenset(),
    ) -> Iterator[pa.RecordBatch]:
        """Yield every distinct text of the committed posts once: (text_hash, text).

        Those whose hash is in `skip` are left out, and `skip_segments` are not read at all.
        """
        seen = set(skip) if isinstance(skip, Collection) else set(skip.to_pylist())
        columns = ["text_hash", "title_text", "body_text"]
        paths = [p for p in self._paths("posts") if PurePosixPath(p).stem not in skip_segments]
        dataset = self._store.dataset(paths, TABLES["posts"])
        for batch in dataset.to_batches(columns=columns, filter=pc.field("text_hash").is_valid()):
            fresh: dict[str, str | None] = {}
            for digest, title, body in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                if digest not in seen:
                    seen.add(digest)
                    fresh[digest] = joined(title, body)
            if fresh:
                yield pa.record_batch(
                    {
                        "text_hash": pa.array(fresh.keys(), pa.string()),
                        "text": pa.array(fresh.values(), pa.string()),
                    }
                )

    def mirror(self, folder: str | Path) -> Path:
        """Return a local folder that holds the committed files; a local lake's is its own.

        Only files that are not there yet are copied, data before ledger, so a mirror that was cut
        short is a smaller lake and never a wrong one.
        """
        if isinstance(self._store, LocalStore):
            return self._store.root
        copy = LocalStore(Path(folder))
        for table in sorted(TABLES, key=lambda name: name == LEDGER):
            there = set(copy.files_below(table))
            for path in [f"{table}/{EMPTY}", *self._paths(table)]:
                if path not in there:
                    copy.write({path: self._store.read(path)})
        return copy.root

    def _paths(
        self, table: str, source: str | None = None, as_of: datetime | None = None
    ) -> list[str]:
        places = self._ledger.rows(source=source, as_of=as_of)[PLACE].to_pylist()
        there = set(self._store.files_below(table))
        return [path for path in (f"{table}/{place}" for place in places) if path in there]


def _schema_of(table: str) -> pa.Schema:
    if table not in TABLES:
        raise LakeError(f"no table {table!r}; tables: {', '.join(TABLES)}")
    return TABLES[table]


def _has_empty_file(store: Store, table: str) -> bool:
    path = f"{table}/{EMPTY}"
    return store.exists(path) and store.read_schema(path).equals(TABLES[table])
