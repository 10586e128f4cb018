"""Exports of shops, analytics and advertising in their true formats: what lands, and what must not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import Lake
from lake.pseudonyms import Pseudonyms
from lake.schemas import TABLES
from scrapers.importers.detect import detect_format
from scrapers.importers.head import look_at
from scrapers.importers.land import FileOutcome
from scrapers.importers.named import NamedFile, land_named
from tests.scrapers.golden import FIXTURES, compare
from tingchao.config import Import

NOW = datetime(2026, 10, 20, tzinfo=UTC)
KEYS = Pseudonyms(b"k" * 32)
BOOKKEEPING = {"collected_at", "crawl_id", "segment_id", "content_hash"}
FILES = {
    "shopify_csv": ("orders_export.csv",),
    "shopify_graphql": ("answer.json", "bulk.jsonl"),
    "shopify_rest": ("orders.json",),
    "woocommerce": ("orders.json",),
    "shopline": ("orders.json",),
    "ga4": ("events_20261008.jsonl",),
    "meta_ads": ("report.csv",),
    "google_ads": ("report.csv",),
}
CASES = [(form, name) for form, names in FILES.items() for name in names]
# What stands in the fixtures of people, and may stand nowhere in what lands.
PEOPLE = (
    "amy",
    "王小明",
    "0900",
    "192.0.2.1",
    "測試路",
    "陳店員",
    "1234567890.179",
    "770000000",
    "Mozilla",
)


class Counter:
    """A lake, and exports to land in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake.open(folder / "landing")
        self.runs = 0

    def land(self, path: Path, **options: Any) -> FileOutcome:
        """Land a file as `tingchao import auto` would."""
        self.runs += 1
        head = look_at(path)
        form, _ = detect_format(head)
        spec = Import(id="files", format=form.name, path=path.name, **options)
        file = NamedFile(form=form, head=head, spec=spec, channels=())
        run_id, at = f"run-{self.runs}", NOW.replace(hour=self.runs)
        return land_named(self.lake, file, KEYS, crawl_id=run_id, now=lambda: at)

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All that landed, without what the lake adds and what says nothing."""
        return {
            table: [
                {k: v for k, v in row.items() if k not in BOOKKEEPING and v is not None}
                for row in self.rows(table)
            ]
            for table in TABLES
            if table != "crawls" and self.rows(table)
        }


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_golden_what_an_export_says(form: str, name: str, counter: Counter) -> None:
    outcome = counter.land(FIXTURES / form / name)
    told = {
        "format": outcome.format_name,
        "rows": outcome.rows,
        "skipped": outcome.skipped,
        "unknown keys": dict(outcome.unknown_keys),
        "covered": outcome.covered and [outcome.covered.start, outcome.covered.end],
    }
    said = {"outcome": told, **counter.everything()}
    compare(FIXTURES / form / f"{Path(name).stem}.golden.json", said)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_nobody_is_named_in_what_landed(form: str, name: str, counter: Counter) -> None:
    counter.land(FIXTURES / form / name)
    landed = {table: counter.rows(table) for table in TABLES}
    written = json.dumps(landed, ensure_ascii=False, default=str)
    assert sum(len(rows) for rows in landed.values()) > 1
    assert [word for word in PEOPLE if word in written] == []


@pytest.mark.parametrize(("form", "name"), CASES)
def test_the_same_file_twice_adds_nothing(form: str, name: str, counter: Counter) -> None:
    counter.land(FIXTURES / form / name)
    before = counter.everything()
    again = counter.folder / f"again-{name}"
    shutil.copy(FIXTURES / form / name, again)
    assert counter.land(again).is_known
    assert counter.everything() == before
