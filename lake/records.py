"""A record becomes a row: checked against its table's schema, named, and hashed.

A spider or importer hands over a plain mapping. What is given must fit the column exactly (a float
is no amount of money, a time without a zone is no instant); what is not given is NULL. A record
that does not fit raises `RefusedRecordError` and goes to quarantine, so it can never harm a batch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import RefusedRecordError
from lake.pseudonyms import PSEUDONYM
from lake.schemas import (
    COUNTER,
    HANDLE,
    IDENTITY,
    INSTANT,
    MONEY,
    TABLES,
    CounterKind,
    OrderStatus,
    Precision,
    SpendLevel,
)
from lake.text import make_storable, text_hash

Row = dict[str, Any]

# Said by the lake, never by a record.
BOOKKEEPING = frozenset({"source", "collected_at", "crawl_id", "segment_id", "content_hash"})
# Says nothing of its own: derived, evidence, or the instant of looking.
NOT_CONTENT = BOOKKEEPING | {"text_hash", "raw_record", "observed_at"}
QUARANTINE_IDENTITY = (
    "table_name",
    "of_segment_id",
    "of_content_hash",
    "record_id",
    "rule",
    "raw_record",
)
ABSENT_MEANS_FALSE = frozenset({"is_deleted", "is_truncated", "is_excerpt"})
TIMED = (("published_at", "published_precision"), ("occurred_at", "occurred_precision"))
MAX_ID, MAX_DIGITS = 2_000, 64  # characters of an id; of one that is a number
INT64 = range(-(2**63), 2**63)
CENT_FRACTION = Decimal("0.0001")


def make_row(table: str, record: Mapping[str, Any], *, channel_id: str) -> Row:
    """Return the record as a row of its table, bookkeeping still open.

    Raises `RefusedRecordError` naming the column, what was found and what was expected.
    """
    shape = _shape(table)
    row = shape.blank.copy()
    for name, value in record.items():
        read = shape.readers.get(name)
        if read is None:
            raise _unknown_columns(table, record)
        if value is not None:
            row[name] = _read(name, read, value)
    if row.get("channel_id", "") is None:
        row["channel_id"] = channel_id
    if table == "posts":
        row["text_hash"] = text_hash(row["title_text"], row["body_text"])
    _require(shape, row)
    row["content_hash"] = content_hash(table, row)
    return row


def quotable(table: str, record: Mapping[str, Any]) -> Row:
    """Return what may be shown of a refused record.

    A column that is unknown here, or a key that is no pseudonym, may hold a person's name.
    """
    readers = _shape(table).readers
    return {
        name: value
        for name, value in record.items()
        if name in readers and not _may_name_somebody(name, readers[name], value)
    }


def content_hash(table: str, row: Row) -> str:
    """Return 32 hex digits over everything that the observation says.

    Left out: bookkeeping, what is derived, the raw record, and `observed_at` where it does not tell
    two things apart. NULL says nothing, so a column that is added later changes no hash.
    """
    left_out = _shape(table).not_content
    said = {k: v for k, v in row.items() if v is not None and k not in left_out}
    if said.get("counters"):
        said["counters"] = sorted(said["counters"], key=lambda counter: counter["name"])
    return hashlib.sha256(_canonical(said).encode()).hexdigest()[:32]


def identity(table: str, row: Mapping[str, Any]) -> bytes:
    """Return 16 bytes that tell this row's thing from every other of its table and source.

    An act whose actor is not shown is told from the next by its time: nothing else could.
    """
    parts = [row[column] for column in identity_columns(table)]
    if table == "reactions" and row["actor_key"] is not None:
        parts.pop()
    named = [p.isoformat() if isinstance(p, datetime) else p for p in parts]
    return hashlib.blake2b(repr(named).encode(), digest_size=16).digest()


def identity_columns(table: str) -> list[str]:
    """Return the columns that `identity` looks at."""
    if table == "quarantine":
        return [*QUARANTINE_IDENTITY]
    return [*IDENTITY[table], *(["occurred_at"] if table == "reactions" else [])]


def last_hashes(table: str, rows: pa.Table) -> set[bytes]:
    """Return the content hash of the last row of every identity, rows given oldest first."""
    if table == "reactions":
        anonymous_at = pc.if_else(pc.is_null(rows["actor_key"]), rows["occurred_at"], None)
        at = rows.schema.get_field_index("occurred_at")
        rows = rows.set_column(at, "occurred_at", anonymous_at)
    grouped = rows.group_by(identity_columns(table), use_threads=False)
    last = grouped.aggregate([("content_hash", "last")])["content_hash_last"]
    return {bytes.fromhex(digest) for digest in last.to_pylist()}


def to_arrow(table: str, rows: list[Row]) -> pa.Table:
    """Return rows as an Arrow table of the table's schema."""
    schema = TABLES[table]
    arrays = [pa.array([row.get(f.name) for row in rows], type=f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True)
class _Shape:
    """A table as the hot loop needs it: looked up once, not for every record."""

    readers: dict[str, Callable[[Any], Any]]
    blank: Row
    required: tuple[str, ...]
    not_content: frozenset[str]
    timed: tuple[tuple[str, str], ...]


@cache
def _shape(table: str) -> _Shape:
    columns = [field for field in TABLES[table] if field.name not in BOOKKEEPING]
    names = {field.name for field in columns}
    return _Shape(
        readers={field.name: _reader_of(field) for field in columns},
        blank={f.name: False if f.name in ABSENT_MEANS_FALSE else None for f in columns},
        required=tuple(field.name for field in columns if not field.nullable),
        not_content=NOT_CONTENT - set(IDENTITY.get(table, ())),
        timed=tuple((at, precision) for at, precision in TIMED if precision in names),
    )


def _reader_of(field: pa.Field) -> Callable[[Any], Any]:
    """Return the function that takes a given value into this column, or refuses it."""
    if field.name.endswith("_key"):
        return _read_pseudonym
    return _BY_NAME.get(field.name) or _BY_TYPE.get(field.type) or _read_text


def _read(name: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except _MisfitError as misfit:
        raise RefusedRecordError(misfit.rule, f"{name}: {misfit}") from None


def _unknown_columns(table: str, record: Mapping[str, Any]) -> RefusedRecordError:
    unknown = sorted(str(name) for name in record if name not in _shape(table).readers)
    return RefusedRecordError(
        "unknown_column", f"{table} has no column {', '.join(unknown)}; rename or leave it out"
    )


def _may_name_somebody(name: str, read: Callable[[Any], Any], value: Any) -> bool:
    if value is None or not (name.endswith("_key") or name == "handles"):
        return False
    try:
        read(value)
    except _MisfitError:
        return True
    return False


def _require(shape: _Shape, row: Row) -> None:
    for name in shape.required:
        if row[name] is None:
            raise RefusedRecordError("missing_value", f"{name}: required, found nothing")
    for instant, precision in shape.timed:
        if (row[instant] is None) != (row[precision] is None):
            raise RefusedRecordError(
                "missing_value", f"{instant} and {precision}: expected both or none"
            )


class _MisfitError(Exception):
    def __init__(self, expected: str, value: Any, rule: str = "wrong_type") -> None:
        # The value itself may be a person's name; its kind is enough to act on.
        super().__init__(f"expected {expected}, found {type(value).__name__}")
        self.rule = rule


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return make_storable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _MisfitError("text (ids too: a float has lost digits)", value)


def _read_id(value: Any) -> str:
    """Take an id: what a feed names its entries by may be a long address, but no novel."""
    text = _read_text(value)
    if len(text) > (MAX_DIGITS if text.isdecimal() else MAX_ID):
        found = (
            f"an id of at most {MAX_ID:,} characters or {MAX_DIGITS} digits, {len(text):,} long:"
        )
        raise _MisfitError(found, value, "damaged_id")
    return text


def _read_pseudonym(value: Any) -> str:
    if isinstance(value, str) and PSEUDONYM.fullmatch(value):
        return value
    raise _MisfitError("a pseudonym made by lake.pseudonyms", value, "not_a_pseudonym")


def _read_instant(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise _MisfitError("a datetime", value)
    if value.utcoffset() is None:
        raise _MisfitError("a time with its zone, found one without:", value, "time_without_zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _MisfitError("a time within the years 1 to 9999", value, "out_of_range") from None


def _read_day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise _MisfitError("a calendar day without a time", value)


def _read_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _MisfitError("true or false", value)


def _read_count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _MisfitError("a whole number", value)
    if value not in INT64:
        raise _MisfitError("a number of 64 bits", value, "out_of_range")
    return value


def _read_money(value: Any) -> Decimal:
    if isinstance(value, bool | float) or not isinstance(value, int | str | Decimal):
        raise _MisfitError("an exact amount: Decimal, text or whole number", value)
    try:
        exact = Decimal(value)
        amount = exact.quantize(CENT_FRACTION)
    except InvalidOperation:
        raise _MisfitError("an amount of at most 14 digits", value, "out_of_range") from None
    if amount != exact or abs(amount) >= 10 ** (MONEY.precision - MONEY.scale):
        raise _MisfitError("at most 14 digits and 4 decimals", value, "out_of_range")
    return amount


# From a member or its text to plain text, which is what a column holds.
_PRECISIONS = {precision.value: precision.value for precision in Precision}
_COUNTER_KINDS = {kind.value: kind.value for kind in CounterKind}
_STATUSES = {status.value: status.value for status in OrderStatus}
_LEVELS = {level.value: level.value for level in SpendLevel}


def _read_precision(value: Any) -> str:
    if isinstance(value, str) and value in _PRECISIONS:
        return _PRECISIONS[value]
    raise _MisfitError(f"one of {', '.join(Precision)}", value, "unknown_value")


def _read_status(value: Any) -> str:
    if isinstance(value, str) and value in _STATUSES:
        return _STATUSES[value]
    raise _MisfitError(f"one of {', '.join(OrderStatus)}", value, "unknown_value")


def _read_level(value: Any) -> str:
    if isinstance(value, str) and value in _LEVELS:
        return _LEVELS[value]
    raise _MisfitError(f"one of {', '.join(SpendLevel)}", value, "unknown_value")


def _read_tags(value: Any) -> list[str]:
    if isinstance(value, list | tuple) and all(isinstance(tag, str) for tag in value):
        return [make_storable(tag) for tag in value]
    raise _MisfitError("a list of texts", value)


def _read_counter_kind(value: Any) -> str:
    if isinstance(value, str) and value in _COUNTER_KINDS:
        return _COUNTER_KINDS[value]
    raise _MisfitError(f"one of {', '.join(CounterKind)}", value, "unknown_value")


def _read_counters(value: Any) -> list[Row]:
    if not isinstance(value, list | tuple):
        raise _MisfitError("a list of counters", value)
    counters = [_read_counter(counter) for counter in value]
    if len({counter["name"] for counter in counters}) != len(counters):
        raise _MisfitError("every counter once", value, "impossible_counter")
    return counters


def _read_counter(value: Any) -> Row:
    if not isinstance(value, Mapping) or set(value) != {"name", "lo", "hi", "how"}:
        raise _MisfitError("a counter of name, lo, hi, how (lake.counters)", value)
    ends = [None if value[end] is None else _read_count(value[end]) for end in ("lo", "hi")]
    how = _read_counter_kind(value["how"])
    if not _is_possible(how, ends[0], ends[1]):
        raise _MisfitError(f"ends that {how} can have", value, "impossible_counter")
    return {"name": _read_text(value["name"]), "lo": ends[0], "hi": ends[1], "how": how}


# Which ends (lo, hi) a counter of each kind has.
_ENDS = {
    CounterKind.EXACT.value: (True, True),
    CounterKind.ROUNDED.value: (True, True),
    CounterKind.AT_LEAST.value: (True, False),
    CounterKind.AT_MOST.value: (False, True),
    CounterKind.HIDDEN.value: (False, False),
    CounterKind.MISSING.value: (False, False),
}


def _is_possible(how: str, lo: int | None, hi: int | None) -> bool:
    if (lo is not None, hi is not None) != _ENDS[how]:
        return False
    if lo is None or hi is None:
        return True
    return lo == hi if how == CounterKind.EXACT else lo <= hi


def _read_handles(value: Any) -> list[Row]:
    if not isinstance(value, list | tuple):
        raise _MisfitError("a list of handles", value)
    return [_read_handle(handle) for handle in value]


def _read_handle(value: Any) -> Row:
    if not isinstance(value, Mapping) or set(value) != {"source", "key"}:
        raise _MisfitError("a handle of source and key", value)
    return {"source": _read_text(value["source"]), "key": _read_pseudonym(value["key"])}


_CURRENCY = re.compile(r"[A-Z]{3}")


def _read_currency(value: Any) -> str:
    if isinstance(value, str) and _CURRENCY.fullmatch(value):
        return value
    raise _MisfitError("an ISO 4217 code such as TWD", value, "unknown_value")


_BY_TYPE: dict[pa.DataType, Callable[[Any], Any]] = {
    INSTANT: _read_instant,
    pa.date32(): _read_day,
    MONEY: _read_money,
    pa.bool_(): _read_flag,
    pa.int64(): _read_count,
    pa.list_(pa.string()): _read_tags,
    pa.list_(COUNTER): _read_counters,
    pa.list_(HANDLE): _read_handles,
}
_BY_NAME: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("post_id", "parent_id", "root_id", "continues_id"), _read_id),
    "published_precision": _read_precision,
    "occurred_precision": _read_precision,
    "fan_count_how": _read_counter_kind,
    "currency": _read_currency,
    "status": _read_status,
    "level": _read_level,
}


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


_canonical = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_said
).encode
