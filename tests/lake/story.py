"""One logical run that every landing test tells: ten posts, three reactions, one bad record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lake import Lake, LogicalRun, Window
from lake.pseudonyms import Pseudonyms

NOW = datetime(2026, 10, 9, 1, 2, 3, tzinfo=UTC)
DAY = Window(datetime(2026, 10, 8, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC))
RUN = LogicalRun("ptt", "phone", "daily-2026-10-08", window=DAY)
PSEUDONYMS = Pseudonyms(b"a key for tests, of no other use")
POST_COUNT = 10


def clock(at: datetime = NOW) -> Callable[[], datetime]:
    return lambda: at


def ticking(
    start: datetime = NOW, step: timedelta = timedelta(seconds=1)
) -> Callable[[], datetime]:
    at = [start - step]

    def now() -> datetime:
        at[0] += step
        return at[0]

    return now


def person(name: str, source: str = "ptt") -> str:
    return PSEUDONYMS.key(source, name)


def post(number: int, **columns: Any) -> dict[str, Any]:
    return {
        "post_id": f"M.{number}",
        "kind": "article",
        "author_key": person(f"author{number}"),
        "title_text": f"[心得] 手機 {number}",
        "body_text": "螢幕不錯，續航一般 😀",
        "published_at": DAY.start + timedelta(minutes=number),
        "published_precision": "minute",
        **columns,
    }


def tell(lake: Lake, attempt: int = 0, at: datetime = NOW, max_rows: int = 8) -> None:
    """Land the story; every attempt sees other push counts, as a live site shows them."""
    with lake.write(RUN, now=clock(at), max_rows=max_rows) as out:
        for number in range(POST_COUNT):
            pushes = {"name": "push", "lo": attempt, "hi": attempt, "how": "exact"}
            out.add("posts", post(number, counters=[pushes]))
        for number in range(3):
            reaction = {"post_id": f"M.{number}", "kind": "like", "actor_key": person("fan")}
            out.add("reactions", reaction)
        out.add("posts", {"post_id": "M.bad", "kind": 7.5})
        out.count_page(1000)
        out.finish("exhausted", covered=DAY)


def check_never_wrong(root: Path) -> None:
    """What must hold at every instant, however many attempts died."""
    lake = Lake.open(root)
    for path in root.glob("*/source=ptt/*/*.parquet"):
        pq.ParquetFile(path).read()  # no torn file in any glob
    ledger = lake.ledger()
    landed: Counter[str] = Counter()
    for table in ("posts", "reactions"):
        rows = lake.read(table, columns=["post_id", "segment_id"])
        assert max(Counter(rows["post_id"].to_pylist()).values(), default=1) == 1
        landed.update(rows["segment_id"].to_pylist())
    said = dict(
        zip(ledger["segment_id"].to_pylist(), ledger["landed_count"].to_pylist(), strict=True)
    )
    assert landed == Counter({segment: count for segment, count in said.items() if count})


def check_complete(root: Path) -> None:
    """What must hold once an attempt has come to its end."""
    check_never_wrong(root)
    lake = Lake.open(root)
    posts = lake.read("posts", columns=["post_id"])["post_id"].to_pylist()
    assert sorted(posts) == [f"M.{n}" for n in range(POST_COUNT)]
    assert lake.read("reactions", columns=["kind"]).num_rows == 3
    assert lake.read("quarantine", columns=["rule"]).num_rows == 1
    ledger = lake.ledger()
    assert sorted(ledger["ordinal"].to_pylist()) == list(range(len(ledger)))
    assert ledger["is_last"].to_pylist().count(True) == 1
    for table in ("posts", "reactions"):
        in_glob = sorted(str(path) for path in root.glob(f"{table}/source=ptt/*/*.parquet"))
        assert in_glob == sorted(lake.segments(table)), "a glob that knows no ledger sees the same"
