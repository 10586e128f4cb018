"""Every model runs on both engines: it parses in both, and calls only what both have."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from tests.dbt.rendering import ENGINES, render, sql_files

SPARK_FUNCTIONS = Path(__file__).with_name("spark_functions.txt")

# Both engines have a function of this name, and it is not the same one.
OTHER_MEANING = {
    "any_value": "Spark may give NULL where DuckDB gives the first value that is none",
    "array_agg": "Spark leaves NULLs out",
    "concat": "with a NULL among them DuckDB gives the others, Spark NULL: write ||",
    "date_add": "DuckDB adds an interval, Spark a number of days",
    "date_diff": "DuckDB takes a unit first, Spark the later day first",
    "date_part": "the parts are numbered otherwise: write extract",
    "date_sub": "DuckDB counts units between two dates, Spark takes days off one",
    "date_trunc": "Spark gives a timestamp for a date",
    "datediff": "DuckDB takes a unit first, Spark the later day first",
    "dayofweek": "Sunday is 0 in DuckDB, 1 in Spark",
    "first": "the first of several rows is another one on every engine",
    "hash": "other bits",
    "last": "the last of several rows is another one on every engine",
    "log": "DuckDB's is to the base of 10, Spark's is natural: write ln or log10",
    "mode": "of several most frequent values each engine picks its own",
    "regexp_replace": "DuckDB replaces the first match, Spark all",
    "split": "Spark splits by a regular expression",
    "to_timestamp": "DuckDB takes seconds, Spark text",
    "weekday": "Monday is 1 in DuckDB, 0 in Spark",
}
# Part of the language, and so in no engine's list of functions.
FORMS = {"cast", "coalesce", "decimal", "extract", "try_cast"}
FORMS_OF = {"duckdb": FORMS, "spark": {*FORMS, "timestampadd", "timestampdiff"}}
BEFORE_A_LIST = {
    *("all", "and", "any", "as", "between", "by", "case", "distinct", "else", "except", "exists"),
    *("from", "having", "in", "interval", "is", "join", "like", "not", "on", "or", "over"),
    *("partition", "rows", "select", "then", "union", "values", "when", "where", "with"),
}
FILES = sql_files()


@cache
def functions_of(engine: str) -> frozenset[str]:
    """Return the names of all functions that an engine has."""
    if engine == "spark":
        names = SPARK_FUNCTIONS.read_text(encoding="utf-8").split()
    else:
        with duckdb.connect() as connection:
            listed = connection.execute("select distinct function_name from duckdb_functions()")
            names = [row[0].lower() for row in listed.fetchall()]
    return frozenset(names) | FORMS_OF[engine]


def functions_called(sql: str) -> set[str]:
    """Return the names that stand before a parenthesis as a function's does."""
    tokens = sqlglot.tokenize(sql, read="spark")
    return {
        token.text.lower()
        for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False)
        if after.token_type is TokenType.L_PAREN
        and re.fullmatch(r"\w+", token.text)
        and token.text.lower() not in BEFORE_A_LIST
        and not (before is not None and before.text.lower() in ("as", "with"))
    }


def faults(source: str) -> list[str]:
    """Say why a model cannot run on one of the engines; nothing when it can."""
    found = []
    called = functions_called(_outside_jinja(source))
    for name in sorted(called & OTHER_MEANING.keys()):
        found.append(f"{name}: {OTHER_MEANING[name]}")
    for engine in ENGINES:
        sql = render(source, engine)
        lacking = functions_called(sql) - functions_of(engine)
        found += [f"{name}: {engine} has no such function" for name in sorted(lacking)]
        found += [
            f"{name}: {engine} has no such function, and no macro stands before it"
            for name in sorted(called - functions_of(engine) - lacking)
        ]
        found += _parse_faults(sql, engine)
    return found


def _parse_faults(sql: str, engine: str) -> list[str]:
    try:
        if engine == "duckdb":
            with duckdb.connect() as connection:
                connection.extract_statements(sql)
        else:
            sqlglot.parse_one(sql, read="spark")
    except (SqlglotError, duckdb.Error) as error:
        return [f"{engine} cannot read it: {str(error).splitlines()[0]}"]
    return []


def _outside_jinja(source: str) -> str:
    return re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", source, flags=re.DOTALL)


def test_there_are_models_to_look_at() -> None:
    assert len(FILES) > 40
    assert len(functions_of("spark")) > 400
    assert len(functions_of("duckdb")) > 400


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_model_runs_on_both_engines(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == [], (
        "write it with what both engines have, or put both ways into macros/ behind "
        "adapter.dispatch: docs/decisions/0008-two-engines.md"
    )


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select list_transform(tags, x -> x) as tags from posts", "list_transform: spark has no"),
        ("select strftime(day, '%Y') as year from posts", "strftime: spark has no"),
        ("select date_diff('day', since, until) as days from posts", "date_diff: DuckDB takes"),
        ("select date_format(day, 'yyyy') as year from posts", "date_format: duckdb has no"),
        ("select epoch_ms (at) as ms from posts", "epoch_ms: spark has no"),
        ("select concat(a, b) as c from posts", "concat: with a NULL"),
        ("select count(*) as rows frm posts where", "cannot read it"),
        ("select {'day': 1} as day from posts", "spark cannot read it"),
    ],
)
def test_what_one_engine_lacks_is_refused(sql: str, fault: str) -> None:
    assert any(fault in found for found in faults(f"-- One row per post.\n{sql}"))


def test_a_macro_for_both_engines_is_let_through() -> None:
    days = "select {{ day_count('since', 'until') }} as day_count from {{ ref('stg_posts') }}"
    assert faults(days) == []
    assert "date_diff" in render(days, "duckdb") and "datediff" in render(days, "spark")
