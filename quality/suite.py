"""Rules as Great Expectations suites, one per table, judged on a DuckDB file without loading it.

Results are `BOOLEAN_ONLY`: anything richer copies values of the checked rows into the result.
"""

from __future__ import annotations

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read while great_expectations is imported

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from quality.duckdb_dialect import SCHEME, register
from quality.rules import Rule
from quality.verdict import Outcome, Verdict

CONNECT: dict[str, Any] = {
    "read_only": True,
    "config": {
        "memory_limit": "1GB",
        "threads": 2,
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
    },
}


def judge(gate: str, database: Path, rules: Sequence[Rule]) -> Verdict:
    """Check every rule on a DuckDB file; what cannot be checked is an outcome with an error."""
    found = _count_breaches(database, rules)
    context = _open_context()
    source = _open_source(context, database)
    outcomes: list[Outcome] = []
    by_table = groupby(sorted(rules, key=lambda rule: rule.table), key=lambda rule: rule.table)
    for table, group in by_table:
        outcomes.extend(_judge_table(context, source, table, list(group), found))
    return Verdict(gate, tuple(outcomes))


def _count_breaches(database: Path, rules: Iterable[Rule]) -> dict[str, int | str]:
    """Run each rule's own count: a number, or the text of what went wrong."""
    counts: dict[str, int | str] = {}
    with duckdb.connect(str(database), **CONNECT) as connection:
        for rule in rules:
            try:
                row = connection.execute(rule.measure).fetchone()
                counts[rule.id] = int(row[0]) if row else "the count gave no row"
            except duckdb.Error as error:
                counts[rule.id] = _first_line(error)
    return counts


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


def _judge_table(
    context: Any, source: Any, table: str, rules: list[Rule], found: dict[str, int | str]
) -> Iterator[Outcome]:
    try:
        expected = _validate(context, source, table, rules)
    except Exception as error:  # whatever it is, a gate that errors is a gate that failed
        expected = {rule.id: _first_line(error) for rule in rules}
    for rule in rules:
        yield _combine(rule, expected.get(rule.id, "the expectation gave no result"), found)


def _combine(rule: Rule, expected: bool | str, found: dict[str, int | str]) -> Outcome:
    measured = found[rule.id]
    errors = [part for part in (measured, expected) if isinstance(part, str)]
    return Outcome.of(
        rule,
        expected=expected is True,
        measured=measured if isinstance(measured, int) else None,
        error=errors[0] if errors else None,
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
            return _first_line(detail.get("exception_message") or "the expectation raised")
    return bool(result.success)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return f"could not be checked: {lines[0] if lines else type(error).__name__}"
