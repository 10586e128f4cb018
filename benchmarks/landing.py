"""How fast the lake lands and reads, against plain pyarrow writing the same rows.

    python benchmarks/landing.py [--posts 200000] [--segments 5000]

Writes one line per figure; nothing is asserted, for a figure depends on the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow.parquet as pq

from lake import Lake, LogicalRun, Window
from lake.pseudonyms import Pseudonyms
from lake.records import to_arrow
from lake.schemas import CRAWLS, LEDGER
from lake.store import encode

NOW = datetime(2026, 10, 9, 1, tzinfo=UTC)
DAY = Window(datetime(2026, 10, 8, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC))
TEXT_LENGTH = 36
LETTERS = "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動"


def main() -> None:
    options = _options()
    with _folder() as folder:
        posts = list(_posts(options.posts))
        lake = Lake.open(folder / "landing")
        _report("land", len(posts), _land(lake, "r1", posts))
        _report("see again, unchanged", len(posts), _land(lake, "r2", posts))
        rows = lake.read("posts").to_pylist()
        _report("plain write_table, no checks", len(rows), _write_plainly(folder, rows))
        _report("read back", len(rows), _time(lambda: lake.read("posts")))
    with _folder() as folder:
        _fill_ledger(folder, options.segments)
        lake = Lake.open(folder)
        _report("ledger, first look", options.segments, _time(lake.ledger))
        _report("ledger, second look", options.segments, _time(lake.ledger))
        lake.write(LogicalRun("ptt", "phone", "next"), now=lambda: NOW)  # leaves a summary
        _report("ledger, from the summary", options.segments, _time(Lake.open(folder).ledger))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--segments", type=int, default=5_000)
    return parser.parse_args()


def _report(what: str, count: int, seconds: float) -> None:
    rate = count / seconds
    sys.stdout.write(f"{what:32} {count:>9,} rows {seconds:8.2f} s {rate:>12,.0f} rows/s\n")


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="landing-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _posts(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)  # noqa: S311 - a fixed seed, not a secret
    keys = [Pseudonyms(bytes(32)).key("ptt", f"author{n}") for n in range(2000)]
    for number in range(count):
        yield {
            "post_id": f"M.{1_760_000_000 + number}.A.1B2",
            "kind": "push",
            "parent_id": f"M.{1_760_000_000 + number // 20}.A.1B2",
            "author_key": chance.choice(keys),
            "body_text": "".join(chance.choices(LETTERS, k=TEXT_LENGTH)),
            "published_at": DAY.start + timedelta(seconds=number % 86_400),
            "published_precision": "minute",
            "counters": [{"name": "push", "lo": number % 90, "hi": number % 90, "how": "exact"}],
        }


def _land(lake: Lake, crawl_id: str, posts: list[dict[str, Any]]) -> float:
    def land() -> None:
        run = LogicalRun("ptt", "phone", crawl_id, window=DAY)
        with lake.write(run, now=lambda: NOW) as out:
            for post in posts:
                out.add("posts", post)
            out.finish("exhausted", covered=DAY)

    return _time(land)


def _write_plainly(folder: Path, rows: list[dict[str, Any]]) -> float:
    def write() -> None:
        pq.write_table(to_arrow("posts", rows), folder / "plain.parquet", compression="zstd")

    return _time(write)


def _fill_ledger(folder: Path, count: int) -> None:
    run = LogicalRun("ptt", "phone", "daily", window=DAY)
    row = dict.fromkeys(CRAWLS.names) | {
        "source": "ptt",
        "channel_id": "phone",
        "crawl_id": "daily",
        "route": "crawl",
        "is_last": True,
        "stop_reason": "exhausted",
        "started_at": NOW,
        "committed_at": NOW,
        "code_version": "benchmark",
    }
    row |= {name: 1 for name in CRAWLS.names if name.endswith("_count")}
    for ordinal in range(count):
        day = DAY.start + timedelta(days=ordinal % 365)
        path = folder / f"{LEDGER}/source=ptt/collected_date={day:%Y-%m-%d}"
        path.mkdir(parents=True, exist_ok=True)
        segment = {"segment_id": run.segment_id(ordinal), "ordinal": ordinal}
        data = encode(to_arrow(LEDGER, [{**row, **segment}]))
        (path / f"{segment['segment_id']}.parquet").write_bytes(data)


if __name__ == "__main__":
    main()
