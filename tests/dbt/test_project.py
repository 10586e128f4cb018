"""What holds of the dbt project as it is written, without running it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tingchao.marts import PROJECT, Column, load_marts, mart_named
from tingchao.marts_page import PAGE, render_page

MODELS = sorted((PROJECT / "models").rglob("*.sql"))

CONTRACT = {
    "coverage": ("channel_id", "coverage_date"),
    "channel_activity": ("channel_id", "period_type", "period_start_date"),
    "fan_lifecycle": ("channel_id", "period_start_date"),
    "conversions": ("brand_id", "channel_id", "attribution_model", "currency", "conversion_date"),
    "channel_conversion": ("channel_id", "period_start_date"),
    "mentions": ("brand_id", "channel_id", "mention_date"),
    "left_out_mentions": ("brand_id", "channel_id", "mention_date", "reason"),
    "noise_acts": ("channel_id", "act_date", "reason"),
    "share_of_voice": ("brand_id", "period_type", "period_start_date"),
    "sentiment_daily": ("brand_id", "channel_id", "sentiment_date"),
    "channel_scorecard": ("channel_id", "period_start_date"),
    "source_capabilities": ("source", "kpi_id"),
    "metric_definitions": ("metric_id", "valid_from_date"),
}
WORDS = {"metric_definitions", "source_capabilities"}  # nobody listens to them

# What DuckDB understands and Spark SQL does not, or understands differently. It belongs in macros/.
NOT_PORTABLE = (
    r"::",
    r"\bqualify\b",
    r"\bgroup by all\b",
    r"\border by all\b",
    r"\bexclude\s*\(",
    r"\breplace\s*\(",
    r"\basof\b",
    r"\bdistinct on\b",
    r"\bpositional join\b",
    r"\busing\s*\(",
    r"\bilike\b",
    r"\bat time zone\b",
    r"\bread_parquet\b",
    r"\bunnest\b",
    r"\bgenerate_series\b",
    r"\blist_\w+\(",
    r"\barg_m(in|ax)\b",
    r"\bdate_trunc\b",
    r"\bdate_diff\b",
    r"\bdatediff\b",
    r"\bstrftime\b",
    r"\bepoch\w*\(",
    r"\bto_days\b",
    r"\bvarchar\b",
    r"\bhugeint\b",
    r"->",
    r"\[",
    r"\bconcat\(",
)
CLOCKS = (r"\bnow\(", r"\bcurrent_", r"\btoday\(", r"\brun_started_at\b", r"\blocaltimestamp\b")


def test_there_are_models() -> None:
    assert len(MODELS) > 30


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_says_its_grain_and_has_its_yml(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("-- One row"), "open with '-- One row per …'"
    assert path.with_suffix(".yml").exists()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_stays_within_what_duckdb_and_spark_share(path: Path) -> None:
    sql = _without_comments(path.read_text(encoding="utf-8")).lower()
    outside_jinja = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", sql, flags=re.DOTALL)
    assert [word for word in NOT_PORTABLE if re.search(word, outside_jinja)] == []


def test_25_no_clock_in_any_model_or_macro() -> None:
    for path in [*MODELS, *(PROJECT / "macros").rglob("*.sql")]:
        sql = _without_comments(path.read_text(encoding="utf-8")).lower()
        assert [word for word in CLOCKS if re.search(word, sql)] == [], path


def test_34_no_model_appends() -> None:
    for path in [*MODELS, PROJECT / "dbt_project.yml"]:
        strategies = re.findall(
            r"incremental_strategy\W+(\w+)", path.read_text(encoding="utf-8"), re.IGNORECASE
        )
        assert set(strategies) <= {"replace_changed"}, path


def test_35_nothing_retries_dbt() -> None:
    root = PROJECT.parent
    folders = ("tingchao", "dags", "docker")
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    files = [path for path in [*files, root / "Makefile"] if path.suffix != ".pyc"]
    assert files
    for path in files:
        assert "dbt retry" not in path.read_text(encoding="utf-8", errors="replace"), path


def test_project_holds_nothing_that_dbt_would_take_for_a_plugin() -> None:
    assert not list(PROJECT.rglob("__init__.py"))
    ours = [p for p in PROJECT.parent.iterdir() if p.suffix == ".py" or p.is_dir()]
    assert [p.name for p in ours if p.name.startswith("dbt_")] == ["dbt_project"]


def test_marts_are_those_of_the_contract() -> None:
    assert {mart.name: mart.key for mart in load_marts()} == CONTRACT


@pytest.mark.parametrize("name", CONTRACT)
def test_mart_ends_with_its_coverage_and_its_definitions(name: str) -> None:
    columns = mart_named(name).column_names
    expected = ("definition_version",)
    if name not in WORDS:
        expected = ("coverage_rate", "definition_version")
    assert columns[-len(expected) :] == expected


@pytest.mark.parametrize("name", CONTRACT)
def test_suppression_names_columns_that_there_are(name: str) -> None:
    mart = mart_named(name)
    assert set(mart.key) <= set(mart.column_names)
    assert set(mart.people_columns) <= set(mart.suppress_columns) <= set(mart.column_names)
    assert not set(mart.suppress_columns) & set(mart.key)


RATES = [
    (mart.name, column)
    for mart in load_marts()
    for column in mart.columns
    if column.name.endswith(("_rate", "_lo", "_hi")) and column.name != "coverage_rate"
]


@pytest.mark.parametrize(("name", "rate"), RATES, ids=lambda part: getattr(part, "name", part))
def test_a_rate_of_people_is_hidden_with_every_count_it_is_made_from(
    name: str, rate: Column
) -> None:
    mart = mart_named(name)
    formula = rate.description.partition(";")[0]
    _, slash, denominator = formula.partition(" / ")
    made_from = set(re.findall(r"\b[a-z_]+_count\b", formula))
    assert slash and re.search(r"\b[a-z_]+_count\b", denominator), "expected 'a_count / b_count'"
    assert made_from <= set(mart.column_names), "what it is made from must stand in its row"
    for people in made_from & set(mart.people_columns):
        assert rate.name in mart.hides[people], people


def test_there_are_rates_of_people() -> None:
    assert len(RATES) > 6
    assert {"conversion_rate_hi", "activity_rate"} <= {rate.name for _, rate in RATES}


@pytest.mark.parametrize("name", CONTRACT)
def test_what_is_left_of_a_whole_is_a_count_of_people_too(name: str) -> None:
    mart = mart_named(name)
    for part, whole in mart.wholes.items():
        assert {part, whole} <= set(mart.people_columns)
        assert part in mart.hides[whole], f"few of {whole} give away {part}"


def test_every_count_of_people_is_declared() -> None:
    people = re.compile(
        r"^(active|new|retained|returning|dormant|lost|identified|engaged)_fan_count$|"
        r"^(buyer|visitor|author)_count$"
    )
    for mart in load_marts():
        counting = {name for name in mart.column_names if people.match(name)}
        few_orders = {"order_count"} if mart.name == "channel_conversion" else set()
        assert counting | few_orders == set(mart.people_columns), mart.name


def test_every_number_is_defined_in_two_languages() -> None:
    with (PROJECT / "seeds" / "metric_definitions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {
        f"{mart.name}.{column.name}"
        for mart in load_marts()
        for column in mart.columns
        if column.is_numeric
    }
    assert {row["metric_id"] for row in rows} == numbers
    for row in rows:
        assert row["metric_id"] == f"{row['mart']}.{row['column_name']}"
        assert all(row.values()), row["metric_id"]
        assert re.search("[一-鿿]", row["name_zh"]) and re.search("[一-鿿]", row["formula_zh"])


def test_an_unknown_mart_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no mart 'fans'.*channel_activity"):
        mart_named("fans")


def test_page_of_marts_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == render_page(), f"{PAGE.name} is stale: python -m tingchao.marts_page"


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|\{#.*?#\}", " ", sql, flags=re.DOTALL)
