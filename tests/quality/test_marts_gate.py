"""The marts gate: every rule holds for good marts and refuses the one row that breaks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from quality.counts import count_breaches
from quality.marts import Expected, TextLimits, rules_for_marts
from quality.rules import Rule
from tests.quality.breaches import breach
from tests.reports.candidate import write_candidate
from tingchao.marts import load_marts

MARTS = {mart.name: mart for mart in load_marts()}
FIRST = Expected(suppress_below=5, max_row_drop=0.2, last_counts={})
ROWS_EVERYWHERE = dict.fromkeys(MARTS, 1)
RULES = {
    rule.id: rule
    for rule in rules_for_marts(
        MARTS.values(),
        Expected(
            suppress_below=5,
            max_row_drop=0.2,
            last_counts=ROWS_EVERYWHERE,
            texts=TextLimits(last_noisy_share=0.12),
        ),
    )
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candidate(tmp_path_factory.mktemp("gate") / "marts.duckdb")


@pytest.fixture(scope="module")
def spoiled(good: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy in which every test may change what it likes, for it is rolled back."""
    copy = good.with_name("spoiled.duckdb")
    shutil.copyfile(good, copy)
    with duckdb.connect(str(copy)) as connection:
        yield connection


def test_every_rule_holds_for_good_marts(good: Path) -> None:
    counts = count_breaches(good, RULES.values())
    broken = {name: count for name, count in counts.items() if not holds(RULES[name], count)}
    assert len(counts) > 150
    assert broken == {}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_refuses_one_bad_row(spoiled: duckdb.DuckDBPyConnection, name: str) -> None:
    rule = RULES[name]
    spoiled.execute("begin")
    try:
        spoiled.execute(breach(rule, MARTS.get(rule.table)))
        row = spoiled.execute(rule.measure).fetchone()
        assert row and not rule.holds(row[0]), f"{rule.says}: found {row}"
    finally:
        spoiled.execute("rollback")


def test_row_43_a_mart_may_not_lose_rows_unseen() -> None:
    last = {"coverage": 1000, "mentions": 3}
    rules = rules_for_marts(
        MARTS.values(), Expected(suppress_below=5, max_row_drop=0.2, last_counts=last)
    )
    least = {rule.table: rule.at_least for rule in rules if rule.name == "row_count"}
    assert least["coverage"] == 800
    assert least["mentions"] == 3
    assert least["conversions"] == 0
    assert least["channel_activity"] == 1


def test_row_43_a_loss_that_a_person_accepted_is_no_reason() -> None:
    expected = Expected(5, 0.2, {"coverage": 1000, "mentions": 30}, {"coverage", "mentions"})
    rules = rules_for_marts(MARTS.values(), expected)
    least = {rule.table: rule.at_least for rule in rules if rule.name == "row_count"}
    assert (least["coverage"], least["mentions"]) == (1, 0)


def test_no_two_rules_share_a_name() -> None:
    rules = rules_for_marts(MARTS.values(), FIRST)
    assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("column", "value"), [("coverage_rate", 1.01), ("activity_rate", -0.01), ("fan_count", -1)]
)
def test_ends_of_ranges(spoiled: duckdb.DuckDBPyConnection, column: str, value: float) -> None:
    rule = RULES[f"channel_activity.between({column})"]
    spoiled.execute("begin")
    try:
        spoiled.execute(f"update channel_activity set {column} = {value} where rowid = 0")
        assert spoiled.execute(rule.measure).fetchone() == (1,)
    finally:
        spoiled.execute("rollback")


def test_more_people_may_be_active_than_are_fans(spoiled: duckdb.DuckDBPyConnection) -> None:
    rule = RULES["channel_activity.between(activity_rate)"]
    spoiled.execute("begin")
    try:
        spoiled.execute("update channel_activity set activity_rate = 1.5 where rowid = 0")
        assert spoiled.execute(rule.measure).fetchone() == (0,)
    finally:
        spoiled.execute("rollback")


def holds(rule: Rule, count: int | str) -> bool:
    return isinstance(count, int) and rule.holds(count)


def test_few_texts_or_none_are_not_judged(spoiled: duckdb.DuckDBPyConnection) -> None:
    about_texts = ["noise_budget", "moods_known", "words_there", "scripts_read_alike"]
    for texts in ("199", "null"):
        spoiled.execute("begin")
        counted = ", ".join(
            f"{name} = {texts}" for name in ("text_count", "noisy_text_count", "turned_text_count")
        )
        spoiled.execute(f"update publication set {counted}, same_text_count = 0")
        for name in about_texts:
            row = spoiled.execute(RULES[f"publication.{name}"].measure).fetchone()
            assert row == (0,), name
        spoiled.execute("rollback")


def test_noise_is_held_against_what_was_published_last_and_only_then() -> None:
    first = {rule.name for rule in rules_for_marts(MARTS.values(), FIRST)}
    assert "noise_budget" not in first
    assert "moods_known" in first
