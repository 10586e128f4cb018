"""A gate's verdict without Great Expectations: our own counts alone, in milliseconds.

That the two agree is tested once, on every kind of rule (`test_expectations`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from quality.counts import count_breaches
from quality.rules import Rule
from quality.verdict import Outcome, Verdict


@dataclass(frozen=True)
class CountingJudge:
    """Stand in for `tingchao.judge.Judge`."""

    gate: str

    def judge(self, database: Path, rules: Sequence[Rule]) -> Verdict:
        counts = count_breaches(database, rules)
        return Verdict(self.gate, tuple(_outcome(rule, counts[rule.id]) for rule in rules))


@contextmanager
def hire_counting_judge(gate: str) -> Iterator[CountingJudge]:
    """Stand in for `tingchao.judge.hire_judge`."""
    yield CountingJudge(gate)


def count_instead(patch: pytest.MonkeyPatch) -> None:
    """Let the counting judge sit in every gate."""
    for step in ("gate", "publish"):
        patch.setattr(f"tingchao.steps.{step}.hire_judge", hire_counting_judge)


def _outcome(rule: Rule, count: int | str) -> Outcome:
    if isinstance(count, str):
        return Outcome.of(rule, expected=False, measured=None, error=count)
    return Outcome.of(rule, expected=rule.holds(count), measured=count)
