"""Golden files: written when missing, compared ever after. Review before committing one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from scrapers.records import PostRecord

FIXTURES = Path(__file__).parent / "fixtures"


def compare(path: Path, value: Any) -> None:
    """Compare with the golden file, or write it and fail once: somebody must look at it."""
    written = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=_plain) + "\n"
    if not path.exists():
        path.write_text(written, encoding="utf-8")
        pytest.fail(f"wrote {path.name}; review it before proceeding")
    assert json.loads(written) == json.loads(path.read_text(encoding="utf-8"))


def plain_posts(posts: Iterable[PostRecord], ignored: Collection[str] = ()) -> list[Any]:
    """Return all that posts say, who wrote them and the keys that nobody knows among it."""
    return [
        post.row()
        | {
            "author": post.author,
            "raw": dict(post.raw),
            "unread": sorted(post.unread.difference(ignored)),
        }
        for post in posts
    ]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)
