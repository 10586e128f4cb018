"""A lake written by hand: rows as tests say them, filled up to the landing schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import ENRICHED_FILE
from lake import Lake
from lake.schemas import TABLES
from lake.text import text_hash

Row = dict[str, Any]
Brands = list[tuple[str, str]]
Understood = tuple[str, Brands] | tuple[str, Brands, Row]
"""Mood, (brand, alias) of each mention, and what else is told: columns, `is_quoted` of all."""

_FILL: dict[pa.DataType, Any] = {
    pa.string(): "",
    pa.bool_(): False,
    pa.int64(): 0,
    pa.int32(): 0,
    pa.float64(): 0.0,
}


def instant(text: str) -> datetime:
    """Read `2026-03-01 10:00` (Taipei) as an aware instant."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def post(post_id: str, at: str | None, author: str | None = None, **rest: Any) -> Row:
    """Say a post; `text` becomes its body, `kind` is article unless said."""
    text = rest.pop("text", None)
    said = {
        "kind": "article",
        "post_id": post_id,
        "published_at": instant(at) if at else None,
        "author_key": author,
        "body_text": text,
        "text_hash": text_hash(None, text),
    }
    return {**said, **rest}


def tombstone(post_id: str) -> Row:
    return post(post_id, None, is_deleted=True)


def reaction(post_id: str, at: str | None, actor: str | None, kind: str = "like") -> Row:
    occurred_at = instant(at) if at else None
    return {"post_id": post_id, "actor_key": actor, "kind": kind, "occurred_at": occurred_at}


def visit(visit_id: str, at: str, visitor: str | None, **rest: Any) -> Row:
    return {"visit_id": visit_id, "occurred_at": instant(at), "visitor_key": visitor, **rest}


def order(order_id: str, at: str, amount: str, **rest: Any) -> Row:
    """Say an order; amounts are text, so that cents are exact."""
    if rest.get("refund_amount") is not None:
        rest["refund_amount"] = Decimal(rest["refund_amount"])
    said = {
        "order_id": order_id,
        "ordered_at": instant(at),
        "amount": Decimal(amount),
        "status": "paid",
        "currency": "TWD",
    }
    return {**said, **rest}


def member(member_key: str, at: str, handles: Iterable[tuple[str, str]]) -> Row:
    named = [{"source": source, "key": key} for source, key in handles]
    return {"member_key": member_key, "observed_at": instant(at), "handles": named}


@dataclass
class Landing:
    """The folders of one installation, as the stages before the marts leave them."""

    data: Path
    count: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        Lake.open(self.data / "landing")

    def land(
        self,
        at: str,
        channel_id: str,
        *,
        source: str = "ptt",
        covered: tuple[str, str] | None = None,
        window: tuple[str, str] | None = None,
        stop_reason: str | None = "exhausted",
        route: str = "crawl",
        collected: str | None = None,
        is_judged: bool = True,
        **tables: list[Row],
    ) -> str:
        """Commit one segment, and a gate's verdict on it; return the segment's id."""
        self.count += 1
        segment_id = hashlib.sha256(str(self.count).encode()).hexdigest()[:32]
        common = {
            "source": source,
            "channel_id": channel_id,
            "collected_at": instant(collected or at),
            "crawl_id": f"run-{at}",
            "segment_id": segment_id,
        }
        for table, rows in tables.items():
            if rows:
                self._write(table, segment_id, [{**common, **row} for row in rows])
        ledger = {
            **common,
            "route": route,
            "is_last": stop_reason is not None,
            "stop_reason": stop_reason,
            "started_at": instant(at),
            "committed_at": instant(at),
            **_interval("covered", covered),
            **_interval("window", window),
        }
        self._write("crawls", segment_id, [ledger])
        if is_judged and route in ("crawl", "import"):
            self.judge(ledger)
        return segment_id

    def judge(self, ledger: Row, at: str | None = None) -> None:
        """Commit the verdict that a segment may be counted; at the very instant of its commit."""
        times = ("collected_at", "started_at", "committed_at")
        segment_id = hashlib.sha256(f"gate:{ledger['segment_id']}".encode()).hexdigest()[:32]
        verdict = {
            **{name: ledger[name] for name in ("source", "channel_id")},
            **{name: instant(at) if at else ledger[name] for name in times},
            "crawl_id": f"gate:{ledger['crawl_id']}",
            "segment_id": segment_id,
            "route": "gate",
            "is_last": True,
            "stop_reason": "exhausted",
            "query": ledger["segment_id"],
        }
        self._write("crawls", segment_id, [verdict])

    def withdraw(self, segment_id: str) -> None:
        """Take a segment's ledger row away, as if it had never been committed."""
        next((self.data / "landing" / "crawls").rglob(f"{segment_id}.parquet")).unlink()

    def understand(self, version: str, activated: str, texts: Mapping[str, Understood]) -> None:
        """Enrich texts; the version is in use from `activated`."""
        rows = [_enriched(version, text, *said) for text, said in texts.items()]
        name = hashlib.sha256("".join(sorted(texts)).encode()).hexdigest()[:32]
        path = self.data / "enriched" / "texts" / f"version={version}" / f"{name}.parquet"
        _put(path, pa.Table.from_pylist(rows, schema=ENRICHED_FILE))
        told = self.data / "enriched" / "versions" / f"{version}.json"
        told.parent.mkdir(parents=True, exist_ok=True)
        if not told.exists():
            content = {"version": version, "activated_at": instant(activated).isoformat()}
            told.write_text(json.dumps(content), encoding="utf-8")

    def _write(self, table: str, segment_id: str, rows: list[Row]) -> None:
        schema = TABLES[table]
        filled = [_filled(schema, row) for row in rows]
        first = filled[0]
        at = first["committed_at" if table == "crawls" else "collected_at"]
        folder = f"source={first['source']}/collected_date={at:%Y-%m-%d}"
        path = self.data / "landing" / table / folder / f"{segment_id}.parquet"
        _put(path, pa.Table.from_pylist(filled, schema=schema))


def _interval(name: str, ends: tuple[str, str] | None) -> Row:
    start, end = (instant(e) for e in ends) if ends else (None, None)
    return {f"{name}_start_at": start, f"{name}_end_at": end}


def _filled(schema: pa.Schema, row: Row) -> Row:
    unknown = set(row) - set(schema.names) - {"channel_id", "collected_at"}
    assert not unknown, f"no such column: {sorted(unknown)}"
    said = {**row, "content_hash": hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()}
    return {f.name: _value(f, said.get(f.name)) for f in schema}


def _value(column: pa.Field, value: Any) -> Any:
    return _FILL.get(column.type) if value is None and not column.nullable else value


def _enriched(version: str, text: str, mood: str, brands: Brands, rest: Row | None = None) -> Row:
    told = {"is_quoted": False, **(rest or {})}
    is_quoted = told.pop("is_quoted")
    mentions = [
        {"brand_id": brand, "alias": alias, "rule": "word", "is_quoted": is_quoted}
        for brand, alias in brands
    ]
    said = {
        "text_hash": text_hash(None, text),
        "sentiment": mood,
        "mentions": _spread(mentions, text),
        "version": version,
        "enriched_at": datetime(2026, 1, 1, tzinfo=UTC),
        **told,
    }
    return {f.name: _value(f, said.get(f.name, _empty(f))) for f in ENRICHED_FILE}


def _empty(column: pa.Field) -> Any:
    return [] if pa.types.is_list(column.type) else None


def _spread(mentions: list[Row], text: str) -> list[Row]:
    """Give repeated aliases their own places, left to right."""
    position: dict[str, int] = {}
    for mention in mentions:
        start = text.index(mention["alias"], position.get(mention["alias"], 0))
        position[mention["alias"]] = start + len(mention["alias"])
        mention.update(start=start, end=start + len(mention["alias"]))
    return mentions


def _put(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
