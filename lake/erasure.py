"""Taking people out: the one change, beside retention, that committed files ever see.

A person is the pseudonyms computed from their handle. Whatever they wrote or did is dropped; what
belongs to somebody else as well (an order of the shop, a visit of the site) stays and names nobody.
Pseudonyms that were erased are remembered, so that nothing of theirs lands again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.schemas import INSTANT, TABLES
from lake.store import Store, encode

# A row that speaks of an erased person in this column is dropped ...
DROPPED: Final = {
    "posts": "author_key",
    "reactions": "actor_key",
    "authors": "author_key",
    "members": "member_key",
    "quarantine": "record_id",  # of an author or a member the id is the pseudonym
}
# ... and in these it stays, and the column is emptied.
EMPTIED: Final = {"visits": ("visitor_key",), "orders": ("customer_key", "visitor_key")}
HANDLES: Final = {"members": "handles"}
SUPPRESSED: Final = ".suppressed/people.parquet"
_LIST: Final = pa.schema([("person_key", pa.string()), ("erased_at", INSTANT)])


def read_suppressed(store: Store) -> frozenset[str]:
    """Return the pseudonyms of which nothing may land."""
    if not store.exists(SUPPRESSED):
        return frozenset()
    return frozenset(_read_list(store)["person_key"].to_pylist())


def suppress(store: Store, keys: Collection[str], at: datetime) -> None:
    """Remember pseudonyms for good; those that are remembered keep the instant of then."""
    known = _read_list(store) if store.exists(SUPPRESSED) else _LIST.empty_table()
    new = sorted(set(keys) - set(known["person_key"].to_pylist()))
    if new:
        rows = pa.table([pa.array(new), pa.array([at] * len(new), INSTANT)], schema=_LIST)
        store.write({SUPPRESSED: encode(pa.concat_tables([known, rows]))})


def _read_list(store: Store) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.read(SUPPRESSED))).cast(_LIST)


def screen(
    table: str, record: Mapping[str, Any], suppressed: Collection[str]
) -> Mapping[str, Any] | None:
    """Return what of a record may land; None when it is an erased person's own."""
    if record.get(DROPPED.get(table, "")) in suppressed:
        return None
    emptied: dict[str, Any] = {
        column: None for column in EMPTIED.get(table, ()) if record.get(column) in suppressed
    }
    handles = record.get(HANDLES.get(table, ""))
    if handles:
        emptied["handles"] = [h for h in handles if h["key"] not in suppressed] or None
    return {**record, **emptied} if emptied else record


def count_people(table: str, rows: pa.Table, keys: pa.Array) -> int:
    """Count the rows of a table that speak of any of these people."""
    return int(pc.sum(_speaks_of(table, rows, keys)).as_py() or 0)


def without_people(table: str, rows: pa.Table, keys: pa.Array) -> pa.Table:
    """Return the rows of a table as they are when these people were never named in it."""
    if table in DROPPED:
        theirs = pc.is_in(rows[DROPPED[table]], keys)
        rows = rows.filter(pc.invert(theirs))
    for column in EMPTIED.get(table, ()):
        theirs = pc.is_in(rows[column], keys)
        kept = pc.if_else(theirs, pa.scalar(None, pa.string()), rows[column])
        rows = _replaced(rows, column, kept)
    if table in HANDLES:
        people = set(keys.to_pylist())
        kept_handles = [
            [h for h in handles if h["key"] not in people] or None if handles else handles
            for handles in rows["handles"].to_pylist()
        ]
        rows = _replaced(
            rows, "handles", pa.array(kept_handles, TABLES[table].field("handles").type)
        )
    return rows


def named_columns(table: str) -> list[str]:
    """Return the columns in which a table can name people."""
    columns = [*EMPTIED.get(table, ())]
    columns += [mapping[table] for mapping in (DROPPED, HANDLES) if table in mapping]
    return columns


def _speaks_of(table: str, rows: pa.Table, keys: pa.Array) -> pa.ChunkedArray:
    found = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for column in named_columns(table):
        if pa.types.is_list(rows.schema.field(column).type):
            people = set(keys.to_pylist())
            hits = [any(h["key"] in people for h in hs or ()) for hs in rows[column].to_pylist()]
            found = pc.or_(found, pa.array(hits, pa.bool_()))
        else:
            found = pc.or_(found, pc.is_in(rows[column], keys))
    return found


def _replaced(rows: pa.Table, column: str, values: Any) -> pa.Table:
    index = rows.schema.get_field_index(column)
    return rows.set_column(index, rows.schema.field(column), values)
