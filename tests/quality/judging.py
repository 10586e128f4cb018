"""A gate's verdict without Great Expectations: our own counts alone, in milliseconds.

That the two agree is tested once, on every kind of rule (`test_expectations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quality.counts import count_breaches
from quality.rules import Rule
from quality.verdict import Outcome, Verdict


def judge_by_counts(gate: str, database: Path, rules: Sequence[Rule], folder: Path) -> Verdict:
    """Stand in for `tingchao.steps.gate.judge`."""
    counts = count_breaches(database, rules)
    return Verdict(gate, tuple(_outcome(rule, counts[rule.id]) for rule in rules))


def _outcome(rule: Rule, count: int | str) -> Outcome:
    if isinstance(count, str):
        return Outcome.of(rule, expected=False, measured=None, error=count)
    return Outcome.of(rule, expected=rule.holds(count), measured=count)
