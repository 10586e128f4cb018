"""What a gate demands, as plain data: one `Rule` is one expectation and how to count its breaches.

Every rule says the same thing twice, on purpose: once as the Great Expectations expectation that
judges it, once as the SQL that counts what broke it, because `BOOLEAN_ONLY` results carry no
numbers and anything more would carry scraped text. A rule holds only when both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tingchao.identifiers import quote


class Severity(StrEnum):
    """What a broken rule leads to."""

    STOP = "stop"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Rule:
    """One demand on one table; `measure` counts rows and must come out in [at_least, at_most]."""

    name: str
    table: str
    says: str
    expectation: str
    arguments: dict[str, Any]
    measure: str
    at_least: int = 0
    at_most: int | None = 0
    severity: Severity = Severity.STOP
    breaches: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        return f"{self.table}.{self.name}"

    def holds(self, measured: int) -> bool:
        return measured >= self.at_least and (self.at_most is None or measured <= self.at_most)


def literal(value: str) -> str:
    """Quote a string for DuckDB."""
    return "'" + value.replace("'", "''") + "'"


def row_count(table: str, *, at_least: int, name: str = "row_count", says: str = "") -> Rule:
    """Demand that a table has `at_least` rows."""
    return Rule(
        name=name,
        table=table,
        says=says or f"at least {at_least:,} rows",
        expectation="expect_table_row_count_to_be_between",
        arguments={"min_value": at_least},
        measure=f"select count(*) from {quote(table)}",
        at_least=at_least,
        at_most=None,
    )


def columns(table: str, types: dict[str, str]) -> tuple[Rule, Rule]:
    """Demand exactly these columns in this order, and exactly these DuckDB types."""
    wanted = ", ".join(
        f"({place}, {literal(name)}, {literal(kind)})"
        for place, (name, kind) in enumerate(types.items(), start=1)
    )
    found = (
        "select column_index as place, column_name, data_type from duckdb_columns() "
        f"where table_name = {literal(table)} and not internal"
    )
    declared = f"(values {wanted}) as wanted(place, column_name, data_type)"
    names = Rule(
        name="columns",
        table=table,
        says="the columns of its contract, in their order",
        expectation="expect_table_columns_to_match_ordered_list",
        arguments={"column_list": list(types)},
        measure=(
            f"select count(*) from {declared} full join ({found}) as found "
            "using (place, column_name) "
            "where wanted.place is null or found.place is null"
        ),
    )
    kinds = never(
        table,
        "column_types",
        f"select column_name from {declared} join ({found}) as found using (column_name) "
        "where wanted.data_type <> found.data_type",
        says="the column types of its contract",
    )
    return names, kinds


def complete(table: str, names: Iterable[str]) -> Rule:
    """Demand that none of these columns is ever NULL."""
    columns = list(dict.fromkeys(names))
    return never(
        table,
        "complete",
        f"select * from {quote(table)} where "
        + " or ".join(f"{quote(column)} is null" for column in columns),
        says=f"no NULL in {', '.join(columns)}",
    )


def unique(table: str, key: Sequence[str]) -> Rule:
    """Demand that no two rows share a key; counts the rows that do."""
    names = ", ".join(map(quote, key))
    single = len(key) == 1
    return Rule(
        name=f"unique({', '.join(key)})",
        table=table,
        says=f"one row per {', '.join(key)}",
        expectation=(
            "expect_column_values_to_be_unique"
            if single
            else "expect_compound_columns_to_be_unique"
        ),
        arguments={"column": key[0]} if single else {"column_list": list(key)},
        measure=_count(
            f"select {names} from {quote(table)} qualify count(*) over (partition by {names}) > 1"
        ),
    )


def between(table: str, column: str, low: float, high: float | None = None) -> Rule:
    """Demand that a column, where it is known, lies in [low, high]; no upper end when None."""
    above = f" or {quote(column)} > {high}" if high is not None else ""
    limits = {"min_value": low} | ({"max_value": high} if high is not None else {})
    breaches = f"select * from {quote(table)} where {quote(column)} < {low}{above}"
    return Rule(
        name=f"between({column})",
        table=table,
        says=f"{column} is at least {low}" + (f" and at most {high}" if high is not None else ""),
        expectation="expect_column_values_to_be_between",
        arguments={"column": column, **limits},
        measure=_count(breaches),
        breaches=breaches,
    )


def never(
    table: str, name: str, breaches: str, *, says: str, severity: Severity = Severity.STOP
) -> Rule:
    """Demand that a query over the database finds no row."""
    return Rule(
        name=name,
        table=table,
        says=says,
        expectation="unexpected_rows_expectation",
        arguments={"unexpected_rows_query": breaches.replace("{", "{{").replace("}", "}}")},
        measure=_count(breaches),
        severity=severity,
        breaches=breaches,
    )


def _count(query: str) -> str:
    return f"select count(*) from ({query})"
