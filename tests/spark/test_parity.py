"""One town, one history of mishaps, two engines: the same marts on every day, however built."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.dbt.comparing import read
from tests.dbt.conftest import Installation
from tests.dbt.history import History
from tests.dbt.killing import kill_build_at
from tests.dbt.landing import instant, post
from tests.spark.comparing import differences, row_counts
from tests.spark.town import Settling, town_configuration
from tingchao.config import Engine
from tingchao.steps.build import BuildSummary, Mode
from tingchao.steps.enrich import enrich
from tingchao.steps.publish import publish

DAYS = (
    "2026-02-20 09:00",
    "2026-03-01 00:00",  # closes February at the very instant
    "2026-03-03 09:00",  # its build on Spark is killed once first
)
LONELY = dict(zip(DAYS, ("2025-11-05 10:00", "2026-02-25 10:00", None), strict=True))
"""When a post says that it was written: at first it is alone in its month, then it is not."""
UNDERSTOOD = (DAYS[0], DAYS[2])  # what lands on the other day waits for its texts
LONELY_ROWS = "select count(*) from channel_activity where period_end_date < date '2025-12-01'"
SEED = 20260302
KILLED_AT = "incremental model tingchao.int_posts"


@dataclass
class Pair:
    """The same lake built by either engine, and what became of it day by day."""

    duckdb: Installation
    spark: Installation
    summaries: dict[str, BuildSummary] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)
    lonely_rows: dict[str, int] = field(default_factory=dict)
    left_by_the_killed: dict[str, str] = field(default_factory=dict)
    left_by_the_last: dict[str, str] = field(default_factory=dict)

    def build(self, name: str, **options: Any) -> None:
        with ThreadPoolExecutor() as both:
            on_duckdb = both.submit(self.duckdb.build, **options)
            on_spark = both.submit(self.spark.build, engine=Engine.SPARK, **options)
        here, there = on_duckdb.result(), on_spark.result()
        self.summaries[name] = there
        self.differences[name] = differences(here.database, there.database)
        [(self.lonely_rows[name],)] = read(there.database, LONELY_ROWS)

    def copy_lake(self) -> None:
        for part in ("landing", "enriched"):
            source, target = (home.context.data / part for home in (self.duckdb, self.spark))
            shutil.copytree(source, target, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def pair(warm_spark: None, install: Callable[..., Installation]) -> Pair:
    configuration = town_configuration()
    pair = Pair(install(configuration), install(configuration))
    town = Settling(pair.duckdb.context, pair.duckdb.landing)
    history = History(pair.duckdb.landing, Random(SEED))
    for day in DAYS:
        town.land(day)
        history.tell(day)
        pair.duckdb.landing.land(day, "file", posts=[post("lonely", LONELY[day], "ann")])
        if day in UNDERSTOOD:
            enrich(pair.duckdb.context)
        pair.copy_lake()
        if day == DAYS[-1]:
            _kill_a_build(pair)
        pair.build(day)
    return pair


def _kill_a_build(pair: Pair) -> None:
    pair.left_by_the_last = _digests(pair.spark)
    runs = pair.spark.context.data / "runs"
    configuration = pair.spark.home / "tingchao.yml"
    configuration.write_text(configuration.read_text("utf-8") + "engine: spark\n", "utf-8")
    kill_build_at(KILLED_AT, configuration, runs)
    pair.left_by_the_killed = _digests(pair.spark)


def _digests(installation: Installation) -> dict[str, str]:
    """Return every file that the next build goes on from, with its content."""
    warehouse = installation.context.data / "warehouse"
    files = [installation.database, *(warehouse / "spark").rglob("*.parquet")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_history_says_something_in_every_mart(pair: Pair) -> None:
    assert min(row_counts(pair.spark.database).values()) > 2


@pytest.mark.parametrize("day", DAYS)
def test_every_mart_is_the_same_on_both_engines(pair: Pair, day: str) -> None:
    assert pair.differences[day] == []


def test_later_days_add_to_what_is_there(pair: Pair) -> None:
    assert [pair.summaries[day].mode for day in DAYS] == [
        Mode.FULL,
        Mode.INCREMENTAL,
        Mode.INCREMENTAL,
    ]


def test_a_killed_build_changes_nothing(pair: Pair) -> None:
    assert len(pair.left_by_the_killed) > 10
    assert pair.left_by_the_killed == pair.left_by_the_last


def test_increments_rewrite_only_the_parts_they_touch(pair: Pair) -> None:
    """A month that nothing new concerns keeps its very files."""
    tables = next((pair.spark.context.data / "warehouse" / "spark").iterdir())
    files = list((tables / "stg_posts__rows").rglob("*.parquet"))
    before = {Path(path).name for path in pair.left_by_the_last}
    assert {path.parent.name: path.name in before for path in files} == {
        "in_part=2026-02": True,
        "in_part=2026-03": False,
    }


def test_a_month_that_loses_its_last_row_is_empty(pair: Pair) -> None:
    assert [pair.lonely_rows[day] > 0 for day in DAYS] == [True, False, False]


def test_as_of_then_gives_the_numbers_of_then(pair: Pair) -> None:
    before = _digests(pair.spark)
    pair.build("as_of", as_of=instant(DAYS[1]))
    assert pair.differences["as_of"] == []
    assert pair.summaries["as_of"].database.parent.name == "as_of"
    assert _digests(pair.spark) == before


def test_what_spark_built_passes_the_same_gate_and_is_published(pair: Pair) -> None:
    summary = publish(pair.spark.context)
    assert summary.rows > 0


def test_a_full_refresh_equals_the_increments(pair: Pair) -> None:
    summary = pair.spark.build(engine=Engine.SPARK, full_refresh=True)
    assert summary.mode is Mode.FULL
    assert differences(pair.duckdb.database, summary.database) == []
    assert len(list((pair.spark.context.data / "warehouse" / "spark").iterdir())) == 1
