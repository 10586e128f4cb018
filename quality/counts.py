"""Our own half of a gate: how many rows break each rule, counted by DuckDB."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from quality.rules import Rule

# A gate only reads its one file, and stays small beside whatever else runs.
CONNECT: dict[str, Any] = {
    "read_only": True,
    "config": {
        "memory_limit": "1GB",
        "threads": 2,
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
    },
}


def count_breaches(database: Path, rules: Iterable[Rule]) -> dict[str, int | str]:
    """Run each rule's count: per rule a number, or the text of why there is none."""
    counts: dict[str, int | str] = {}
    with duckdb.connect(str(database), **CONNECT) as connection:
        for rule in rules:
            try:
                row = connection.execute(rule.measure).fetchone()
                counts[rule.id] = int(row[0]) if row else "the count gave no row"
            except duckdb.Error as error:
                counts[rule.id] = explain(error)
    return counts


def explain(error: object) -> str:
    """Why a rule could not be checked, in one short line."""
    lines = str(error).strip().splitlines()
    return f"could not be checked: {lines[0] if lines else type(error).__name__:.200}"
