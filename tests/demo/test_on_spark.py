"""The demo on Spark: whose rows are compared how, and with what configuration."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from demo.configuration import configuration
from demo.on_spark import configure, is_same, report, run_on_spark
from tingchao.config import Engine, load_config
from tingchao.errors import TingchaoError
from tingchao.marts import load_marts
from tingchao.spark_cluster import Size


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ([(1, 0.1 + 0.2, "a", None)], True),
        ([(1, 0.3001, "a", None)], False),
        ([(1, 0.3, "a", 0)], False),
        ([(1, 0.3, "b", None)], False),
        ([(1, 0.3, "a", None), (2, 0.3, "a", None)], False),
        ([], False),
    ],
)
def test_rows_are_the_same_but_for_the_last_digits_of_floats(
    other: list[tuple[object, ...]], same: bool
) -> None:
    assert is_same([(1, 0.3, "a", None)], other) is same


def test_a_mart_that_differs_is_named_and_fails(tmp_path: Path) -> None:
    said: list[str] = []
    for home, day in ((tmp_path, 1), (tmp_path / "spark", 1)):
        publish(home, day)
    assert report(tmp_path, tmp_path / "spark", said.append) == 0
    assert said[0].endswith("every row is the same")
    (tmp_path / "spark/published/marts.duckdb").unlink()
    publish(tmp_path / "spark", 2)
    assert report(tmp_path, tmp_path / "spark", said.append) == 1
    assert "channel_scorecard" in said[2]


def publish(home: Path, day: int) -> None:
    """Put marts of one row each where `tingchao publish` puts them."""
    (home / "published").mkdir(parents=True, exist_ok=True)
    with duckdb.connect(home / "published" / "marts.duckdb") as connection:
        for mart in load_marts():
            value = date(2026, 1, day if mart.name == "channel_scorecard" else 1)
            connection.execute(f"create table {mart.name} as select ? as act_date", [value])


@pytest.mark.parametrize("written", [False, True])
def test_its_configuration_reads_the_demos_landing_and_writes_elsewhere(
    tmp_path: Path, written: bool
) -> None:
    if written:  # a demo elsewhere has its own copy
        (tmp_path / "demo.yml").write_text(configuration().replace("../var/demo", "."), "utf-8")
    config = load_config(configure(tmp_path, tmp_path / "spark"))
    assert config.engine is Engine.SPARK
    assert config.data == tmp_path / "spark"
    assert config.landing_uri == str(tmp_path / "landing")


def test_without_a_demo_it_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(TingchaoError, match="run `make demo` first"):
        run_on_spark(tmp_path, Size(), echo=print)
