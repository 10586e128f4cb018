"""Great Expectations on DuckDB: each kind of rule is judged without loading, and as we count."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from quality.counts import count_breaches
from quality.request import Request
from quality.rules import Rule, between, columns, complete, never, row_count, unique
from quality.verdict import Outcome, Verdict

TYPES = {"id": "VARCHAR", "day": "DATE", "share_rate": "DOUBLE"}
RULES: tuple[Rule, ...] = (
    row_count("numbers", at_least=2),
    *columns("numbers", TYPES),
    unique("numbers", ["id"]),
    unique("numbers", ["id", "day"]),
    complete("numbers", ["id"]),
    between("numbers", "share_rate", 0, 1),
    never(
        "numbers",
        "no_brackets",
        "select * from numbers where regexp_matches(id, '[{}]{1,}')",
        says="no curly bracket",
    ),
)
GOOD = """
create table numbers as
select 'a' || i as id, date '2026-01-01' as day, 0.5::double as share_rate from range(3) r (i)
"""
BAD = (
    "create table numbers as select * from (values ('{a', 1.5, 7), ('{a', 0.5, 7), (null, 1, 7)) "
    "v (id, share_rate, day)"
)
EMPTY = "create table numbers (id varchar, day date, share_rate double)"


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / '關卡 $HOME "a' / "gate.duckdb"  # as odd as a folder of somebody's may be
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute(request.param)
    return path


@pytest.mark.parametrize("database", [GOOD, BAD, EMPTY], indirect=True)
def test_expectations_and_counts_agree(database: Path) -> None:
    from quality.suite import check_expectations

    counts = count_breaches(database, RULES)
    met = check_expectations(database, RULES)
    assert met == {
        rule.id: isinstance(count, int) and rule.holds(count)
        for rule, count in zip(RULES, counts.values(), strict=True)
    }


@pytest.mark.parametrize("database", [BAD], indirect=True)
def test_every_kind_of_rule_can_refuse(database: Path) -> None:
    from quality.suite import judge

    verdict = judge("bad", database, [r for r in RULES if r.name != "row_count"])
    assert not verdict.passed
    assert {outcome.rule for outcome in verdict.stopping} == {
        rule.name for rule in RULES if rule.name != "row_count"
    }
    assert all(outcome.error is None for outcome in verdict.outcomes)


@pytest.mark.parametrize("database", [GOOD], indirect=True)
def test_row_41_a_rule_that_cannot_be_checked_refuses(database: Path) -> None:
    from quality.suite import judge

    absent = (row_count("absent", at_least=0), between("numbers", "absent", 0))
    verdict = judge("broken", database, (*absent, RULES[0]))
    assert [outcome.holds for outcome in verdict.outcomes] == [False, False, True]
    assert all(outcome.error for outcome in verdict.stopping)


def test_row_43_a_gate_that_asks_nothing_has_not_passed() -> None:
    assert not Verdict("empty", ()).passed
    assert "asked nothing" in Verdict("empty", ()).explain()


@pytest.mark.parametrize(
    ("expected", "measured", "error"), [(True, 1, None), (False, 0, None), (True, None, "lost")]
)
def test_an_outcome_needs_both_voices(
    expected: bool, measured: int | None, error: str | None
) -> None:
    outcome = Outcome.of(RULES[3], expected=expected, measured=measured, error=error)
    assert not outcome.holds


def test_requests_and_verdicts_survive_their_files() -> None:
    request = Request("marts", Path("/tmp/x.duckdb"), RULES)
    assert Request.from_json(request.to_json()) == request
    verdict = Verdict("marts", (Outcome.of(RULES[0], expected=False, measured=1),), ("mentions",))
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_an_explanation_names_a_dozen_rules_and_counts_the_rest() -> None:
    outcome = Outcome.of(RULES[3], expected=False, measured=1)
    explained = Verdict("marts", (outcome,) * 20).explain()
    assert explained.count("numbers: unique(id)") == 12
    assert "and 8 more" in explained
