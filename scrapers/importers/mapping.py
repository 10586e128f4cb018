"""From a row of somebody's file to a record of the lake, by the configuration's column map.

Our names for people are `author`, `actor`, `customer`, `visitor`, `member`: what the file has there
is turned into a pseudonym on the spot (`author_key` names the same column). Columns that nobody
mapped are kept as evidence, but never one whose name speaks of a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from lake import LogicalRun
from lake.counters import CounterFormatError, parse_counter
from lake.pseudonyms import VISITORS, Pseudonyms
from lake.records import BOOKKEEPING
from lake.redact import redact
from lake.schemas import INSTANT, MONEY, POST_KINDS, TABLES
from lake.times import Instant
from scrapers.errors import ImportFileError, ParsingFailedError
from scrapers.importers.rows import Row, RowFile, normalise, shown
from scrapers.importers.spend import completed, happened_on
from scrapers.importers.tables import open_table
from scrapers.parsers.orders import read_status, settle_status
from scrapers.parsers.values import (
    UTM,
    read_amount,
    read_count,
    read_day,
    read_flag,
    read_id,
    read_kind,
    read_tags,
    read_text,
    read_time,
    read_word,
    without_query,
)
from tingchao.config import Import
from tingchao.mistakes import Mistake

PEOPLE = ("author", "actor", "customer", "visitor", "member")
NEEDED = {
    "posts": ("post_id", "kind"),
    "reactions": ("post_id", "kind"),
    "channels": ("observed_at",),
    "authors": ("author", "observed_at"),
    "visits": ("visit_id", "occurred_at"),
    "orders": ("order_id", "ordered_at", "status", "amount", "currency"),
    "members": ("member",),
    "spend": ("spend_date", "platform", "spend_amount", "currency"),
}
KEYS = {
    "posts": "post_id",
    "reactions": "post_id",
    "channels": "observed_at",
    "authors": "author",
    "visits": "visit_id",
    "orders": "order_id",
    "members": "member",
    "spend": "spend_date",  # with what was paid for it makes the id
}
EVENT_TIMES = {
    "posts": "published_at",
    "reactions": "occurred_at",
    "visits": "occurred_at",
    "orders": "ordered_at",
}
DERIVED = frozenset(
    {"text_hash", "published_precision", "published_raw", "occurred_precision", "raw_record"}
    | {"fan_count_how", "handles", "attributes", "counters", "level", "spend_id"}
)
PERSONAL = re.compile(
    r"name|nick|user|author|mail|phone|mobile|\btel|addr|\bip\b|avatar|birth|gender|\bsex|passport"
    r"|street|zip|postal|company|id_?card|contact|recipient|buyer|customer|member|账号|賬號|帳號|姓名|名字|昵称|暱稱|用户"
    r"|用戶|會員|会员|作者|邮箱|信箱|電話|电话|手機|手机|地址|头像|頭像|生日|性别|性別|身分|身份"
    r"|收件|收货|收貨|聯絡|联系|買家|买家|顧客|客戶|客户|@",
    re.I,
)


@dataclass(frozen=True)
class Mapped:
    """A row as a record, and when what it tells happened."""

    record: dict[str, Any]
    happened: Instant | None


class ColumnMap:
    """The column map of one import, checked once and applied to every row."""

    def __init__(self, spec: Import, pseudonyms: Pseudonyms, now: datetime) -> None:
        self.spec = spec
        self.pseudonyms = pseudonyms
        self.now = now
        self.zone = ZoneInfo(spec.time_zone)
        self.table, self.source = str(spec.table), str(spec.source)
        self.fields = {f.name: f.type for f in TABLES[self.table] if f.name not in BOOKKEEPING}
        self.columns = {_own_name(k): normalise(v) for k, v in spec.columns.items()}
        self.constants = {_own_name(k): v for k, v in spec.constants.items()}
        self.counters = {name: normalise(column) for name, column in spec.counters.items()}
        self.handles = {source: normalise(column) for source, column in spec.handles.items()}
        if wrong := [mistake.message for mistake in find_mistakes(spec)]:
            raise ImportFileError(f"imports.{spec.id}: {'; '.join(wrong)}")
        mapped = {*self.columns.values(), *self.counters.values(), *self.handles.values()}
        self.mapped = frozenset(mapped)

    @contextmanager
    def open(self, path: Path) -> Iterator[RowFile]:
        """Open a file of this import; `ImportFileError` when it cannot be read at all."""
        id_column = self.columns.get(KEYS[self.table])
        with open_table(path, self.spec.format, self.spec.encoding, id_column) as file:
            yield file

    def check_header(self, columns: tuple[str, ...], file_name: str) -> None:
        """Raise `ImportFileError` when the file lacks a column without which no row is a record."""
        for name, wanted in needed_columns(self.spec).items():
            if wanted not in columns:
                raise ImportFileError(
                    f"{file_name}: expected column {wanted!r} for {_own_name(name)} "
                    f"(imports.{self.spec.id}.columns), found: {shown(columns)}"
                )

    def missing_from(self, columns: tuple[str, ...]) -> list[str]:
        """List the mapped columns that the file does not have; their values are NULL."""
        return sorted(self.mapped.difference(columns))

    def apply(self, row: Row) -> Mapped:
        """Return the record of a row; `ParsingFailedError` names the column that does not fit."""
        record: dict[str, Any] = {}
        happened = None
        for name, cell in self._cells(row):
            try:
                value = self._read(name, cell)
            except ParsingFailedError as error:
                raise ParsingFailedError(error.rule, f"{name}: {error}") from None
            if isinstance(value, Instant):
                happened = value if name == EVENT_TIMES.get(self.table) else happened
                record.update(_timed(name, value, self.fields))
            elif name in PEOPLE:
                record[f"{name}_key"] = value
            elif name == "fan_count" and value is not None:
                record.update(fan_count=value["lo"], fan_count_how=value["how"])
            else:
                record[name] = value
        self._complete(record, row)
        if self.table == "spend" and record["spend_date"]:
            happened = happened_on(record["spend_date"], self.zone)
            record = completed(record)
        return Mapped(record, happened)

    def run(self, crawl_id: str, digest: str, query: str) -> LogicalRun:
        return LogicalRun(
            source=self.source,
            channel_id=self.spec.channel or self.spec.id,
            crawl_id=crawl_id,
            route="import",
            file_digest=digest,
            query=query,
        )

    def evidence(self, row: Row) -> dict[str, Any]:
        """Return what of a row may be kept when it is refused: no column that names a person."""
        people = {self.columns[name] for name in PEOPLE if name in self.columns}
        people.update(self.handles.values())
        kept = {k: v for k, v in row.cells.items() if k not in people and not PERSONAL.search(k)}
        return {"line": row.line, **_jsonable(kept)}

    def _cells(self, row: Row) -> list[tuple[str, Any]]:
        given = [(name, row.cells.get(column)) for name, column in self.columns.items()]
        present = {name for name, cell in given if cell not in (None, "")}
        return [*given, *((n, v) for n, v in self.constants.items() if n not in present)]

    def _read(self, name: str, cell: Any) -> Any:
        if name in PEOPLE:
            native = self._read_id(cell)
            realm = VISITORS if name == "visitor" else self.source
            return self.pseudonyms.key(realm, native) if native else None
        if name == "fan_count":
            return _counter(name, cell, self.spec.counter_cap)
        if name == "status":
            return read_status(cell)
        if name == "kind" and self.table == "posts":
            return read_kind(cell)
        if name in {"currency", "coupon"}:
            return read_word(cell)
        if name.endswith("_id"):
            return self._read_id(cell)
        return self._read_by_type(self.fields[name], cell)

    def _read_id(self, cell: Any) -> str | None:
        native = read_id(cell)
        return None if native in self.spec.missing_ids else native

    def _read_by_type(self, kind: pa.DataType, cell: Any) -> Any:
        if kind == INSTANT:
            return read_time(cell, self.zone, self.spec.time_formats)
        if kind == pa.date32():
            return read_day(cell, self.spec.time_formats)
        if kind == pa.int64():
            return read_count(cell)
        if kind == MONEY:
            return read_amount(cell)
        if kind == pa.bool_():
            return read_flag(cell)
        if kind == pa.list_(pa.string()):
            return read_tags(cell)
        return read_text(cell)

    def _complete(self, record: dict[str, Any], row: Row) -> None:
        """Add what several columns make together: counters, handles, the rest."""
        if "counters" in self.fields and self.counters:
            record["counters"] = [
                _counter(name, row.cells.get(column), self.spec.counter_cap)
                for name, column in self.counters.items()
            ]
        if self.table == "members":
            record.setdefault("observed_at", self.now)
            record["handles"] = self._handles(row) or None
            record["attributes"] = self._rest(row)
        if "raw_record" in self.fields:
            record["raw_record"] = self._rest(row)
        if "channel_id" in self.fields and record.get("channel_id") is None:
            record["channel_id"] = self.spec.channel
        if "landing_url" in self.fields:
            _strip_addresses(record)
        if self.table == "orders":
            is_cancelled = record.get("cancelled_at") is not None
            record["status"] = settle_status(
                record.get("status"), is_test=record.get("is_test"), is_cancelled=is_cancelled
            )

    def _handles(self, row: Row) -> list[dict[str, str]]:
        natives = ((s, self._read_id(row.cells.get(c))) for s, c in self.handles.items())
        return [{"source": s, "key": self.pseudonyms.key(s, n)} for s, n in natives if n]

    def _rest(self, row: Row) -> str | None:
        rest = {
            name: cell
            for name, cell in row.cells.items()
            if name not in self.mapped and cell not in (None, "") and not PERSONAL.search(name)
        }
        return redact(_jsonable(rest)) if rest else None


def nameable(table: str) -> dict[str, pa.Field]:
    """Return the columns of a table that a map may name, by the name that it has for each."""
    hidden = BOOKKEEPING | DERIVED
    return {_own_name(f.name): f for f in TABLES[table] if f.name not in hidden}


def find_mistakes(spec: Import) -> Iterator[Mistake]:
    """Yield what no file could make right: columns of ours that there are not, or that lack."""
    table = str(spec.table)
    fields, known = TABLES[table].names, nameable(table)
    for group, names in (("columns", spec.columns), ("constants", spec.constants)):
        for name in names:
            if _own_name(name) not in known:
                said = f"{table} has no {name}; expected one of {', '.join(sorted(known))}"
                yield Mistake((group, name), said)
    kind = spec.constants.get("kind")
    if table == "posts" and kind is not None and kind not in POST_KINDS:
        said = f"expected one of {', '.join(POST_KINDS)}, found {kind!r}"
        yield Mistake(("constants", "kind"), said)
    for group in ("counters", "handles"):
        if getattr(spec, group) and group not in fields:
            yield Mistake((group,), f"{table} has no {group}")
    given = {_own_name(name) for name in (*spec.columns, *spec.constants)}
    missing = [name for name in NEEDED[table] if name not in given]
    if "channel_id" in known and not spec.channel and "channel_id" not in given:
        missing.append("channel_id (or `channel:` for the whole import)")
    if spec.line_items and table != "orders":
        yield Mistake(("line_items",), f"orders have line items, {table} have none")
    if missing:
        yield Mistake(
            ("columns",),
            f"{table} needs {', '.join(missing)}; name the file's column under `columns`, or "
            "a value for every row under `constants`",
        )


def needed_columns(spec: Import) -> dict[str, str]:
    """Map names under `columns` to columns that a file must have, as `normalise` writes them.

    A JSON object may leave out what is empty, so of JSON only the key column is asked for.
    """
    table = str(spec.table)
    needed = [KEYS[table]] if spec.format in ("jsonl", "parquet") else NEEDED[table]
    return {
        name: normalise(column)
        for name, column in spec.columns.items()
        if _own_name(name) in needed and name not in spec.constants
    }


def _own_name(name: str) -> str:
    return name.removesuffix("_key") if name.removesuffix("_key") in PEOPLE else name


def _timed(name: str, value: Instant, fields: Mapping[str, Any]) -> dict[str, Any]:
    stem = name.removesuffix("_at")
    more = {f"{stem}_precision": str(value.precision), f"{stem}_raw": value.raw}
    return {name: value.at, **{k: v for k, v in more.items() if k in fields}}


def _counter(name: str, cell: Any, cap: int | None) -> dict[str, Any]:
    try:
        return dict(parse_counter(name, cell, cap=cap))
    except CounterFormatError as error:
        raise ParsingFailedError("counter_format", str(error)) from None


def _strip_addresses(record: dict[str, Any]) -> None:
    """Keep addresses without their query; its utm fields stand in for those not given."""
    record["landing_url"], utm = without_query(record.get("landing_url"))
    record["referrer"], _ = without_query(record.get("referrer"))
    for name in UTM:
        if name in utm and not record.get(name):
            record[name] = utm[name]


def _jsonable(cells: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(cells, default=str, ensure_ascii=False))
