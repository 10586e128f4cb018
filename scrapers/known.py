"""What the lake knows of a channel already: enough to tell a revisit from a find."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake import Lake

COLUMNS = [
    "channel_id",
    "post_id",
    "root_id",
    "kind",
    "published_at",
    "published_precision",
    "published_raw",
    "text_hash",
    "is_deleted",
    "counters",
]


@dataclass(frozen=True, slots=True)
class KnownPost:
    """The last observation of a post, as far as a spider needs it."""

    kind: str
    published_at: datetime | None
    text_hash: str | None
    is_deleted: bool
    counters: tuple[Mapping[str, Any], ...]
    root_id: str | None = None
    published_precision: str | None = None
    published_raw: str | None = None

    def counter(self, name: str) -> Mapping[str, Any] | None:
        return next((c for c in self.counters if c["name"] == name), None)


def read_refused(lake: Lake, source: str, channel_ids: Collection[str]) -> dict[str, set[str]]:
    """Return what the latest crawls of each channel refused, by its id: it is looked at again.

    Rows that were refused after landing are not among it: they had come in order.
    """
    histories = lake.histories(source)
    crawls = {channel_id: histories[channel_id].latest_crawls() for channel_id in channel_ids}
    refused: dict[str, set[str]] = {channel_id: set() for channel_id in channel_ids}
    columns = ["channel_id", "crawl_id", "record_id", "of_segment_id"]
    for row in lake.read("quarantine", columns=columns, source=source).to_pylist():
        is_latest = row["crawl_id"] in crawls.get(row["channel_id"], ())
        if is_latest and row["record_id"] and row["of_segment_id"] is None:
            refused[row["channel_id"]].add(row["record_id"])
    return refused


def read_known(
    lake: Lake, source: str, channel_ids: Collection[str]
) -> dict[str, dict[str, KnownPost]]:
    """Return the known posts by channel and id; pushes are left out, for nothing asks for them."""
    rows = lake.read("posts", columns=COLUMNS, source=source)
    wanted = pc.is_in(rows["channel_id"], pa.array(list(channel_ids), pa.string()))
    rows = rows.filter(pc.and_(wanted, pc.not_equal(rows["kind"], "push")))
    known: dict[str, dict[str, KnownPost]] = {channel_id: {} for channel_id in channel_ids}
    for batch in rows.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            known[row["channel_id"]][row["post_id"]] = KnownPost(
                kind=row["kind"],
                published_at=row["published_at"],
                text_hash=row["text_hash"],
                is_deleted=row["is_deleted"],
                counters=tuple(row["counters"] or ()),
                root_id=row["root_id"],
                published_precision=row["published_precision"],
                published_raw=row["published_raw"],
            )
    return known
