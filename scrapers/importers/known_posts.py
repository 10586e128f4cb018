"""What was observed of a post last, for files that tell nothing but new counters of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lake import Lake
from lake.schemas import TABLES
from scrapers.importers.format import Found

# Said anew by every observation, or by the lake itself.
NEW = {
    *("source", "collected_at", "crawl_id", "segment_id", "content_hash", "text_hash"),
    *("raw_record", "counters", "is_deleted"),
}
OLD = [name for name in TABLES["posts"].names if name not in NEW]


class KnownPosts:
    """The last observation of every post of a source, read when it is asked for first."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._posts: dict[str, dict[str, dict[str, Any]]] = {}

    def complete(self, source: str, found: Found) -> Found | None:
        """Return the record with all that was known of its post; None when nothing was."""
        if source not in self._posts:
            rows = self.lake.read("posts", columns=[*OLD, "counters", "is_deleted"], source=source)
            seen = (row for batch in rows.to_batches() for row in batch.to_pylist())
            self._posts[source] = {row["post_id"]: row for row in seen if not row["is_deleted"]}
        known = self._posts[source].get(found.record["post_id"])
        if known is None:
            return None
        counters = _merge(known["counters"], found.record.get("counters"))
        old = {name: known[name] for name in OLD if known[name] is not None}
        return replace(found, record={**old, **found.record, "counters": counters})


def _merge(
    old: list[Mapping[str, Any]] | None, new: list[Mapping[str, Any]] | None
) -> list[Mapping[str, Any]]:
    by_name = {counter["name"]: counter for counter in (*(old or ()), *(new or ()))}
    return list(by_name.values())
