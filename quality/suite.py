"""Rules as Great Expectations suites, one per table, judged on a DuckDB file without loading it.

Results are `BOOLEAN_ONLY`: anything richer copies values of the checked rows into the result.
"""

from __future__ import annotations

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read while great_expectations is imported

import tempfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from quality.counts import CONNECT, count_breaches, explain
from quality.duckdb_dialect import SCHEME, register
from quality.rules import Rule
from quality.verdict import Outcome, Verdict


def judge(gate: str, database: Path, rules: Sequence[Rule]) -> Verdict:
    """Check every rule on a DuckDB file; what cannot be checked is an outcome with an error."""
    found = count_breaches(database, rules)
    expected = check_expectations(database, rules)
    return Verdict(gate, tuple(_combine(rule, expected[rule.id], found[rule.id]) for rule in rules))


def check_expectations(database: Path, rules: Iterable[Rule]) -> dict[str, bool | str]:
    """Run the suites: per rule whether it is met, or the text of why nobody can tell."""
    with tempfile.TemporaryDirectory(prefix="tingchao-suite-") as folder:
        link = Path(folder) / "gated.duckdb"  # `$` in a path would mean a variable
        link.symlink_to(database.absolute())
        return _check(link, rules)


def _check(database: Path, rules: Iterable[Rule]) -> dict[str, bool | str]:
    context = _open_context()
    source = _open_source(context, database)
    met: dict[str, bool | str] = {}
    by_table = groupby(sorted(rules, key=lambda rule: rule.table), key=lambda rule: rule.table)
    for table, group in by_table:
        suite = list(group)
        try:
            results = _validate(context, source, table, suite)
        except Exception as error:  # whatever it is, a gate that errors is a gate that failed
            results = {rule.id: explain(error) for rule in suite}
        met |= {rule.id: results.get(rule.id, "the suite left it out") for rule in suite}
    return met


def _combine(rule: Rule, expected: bool | str, measured: int | str) -> Outcome:
    errors = [part for part in (measured, expected) if isinstance(part, str)]
    return Outcome.of(
        rule,
        expected=expected is True,
        measured=measured if isinstance(measured, int) else None,
        error=errors[0] if errors else None,
    )


def _open_context() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _open_source(context: Any, database: Path) -> Any:
    register()
    return context.data_sources.add_sql(
        name="gated",
        connection_string=f"{SCHEME}:///{database}",
        create_temp_table=False,
        kwargs={"connect_args": CONNECT},
    )


def _validate(context: Any, source: Any, table: str, rules: list[Rule]) -> dict[str, bool | str]:
    """Run one table's suite: per rule whether its expectation is met, or why it could not tell."""
    batch = source.add_table_asset(name=table, table_name=table).add_batch_definition_whole_table(
        "whole"
    )
    suite = context.suites.add(
        gx.ExpectationSuite(name=table, expectations=[_configure(rule) for rule in rules])
    )
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=suite)
    )
    results = validation.run(result_format="BOOLEAN_ONLY").results
    return {r.expectation_config.meta["rule"]: _met(r) for r in results}


def _configure(rule: Rule) -> Any:
    return ExpectationConfiguration(
        type=rule.expectation, kwargs=rule.arguments, meta={"rule": rule.id}
    )


def _met(result: Any) -> bool | str:
    """Whether an expectation is met; the reason when it could not be computed."""
    info = result.exception_info or {}
    details = [info] if "raised_exception" in info else list(info.values())
    for detail in details:
        if detail.get("raised_exception"):
            return explain(detail.get("exception_message") or "the expectation raised")
    return bool(result.success)
