"""What a gate found: one `Outcome` per rule, one `Verdict` per gate; kept as JSON, counts only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from quality.rules import Rule, Severity

NAMED = 12  # as many broken rules as a message names
RUNBOOK = "docs/runbook.md#gate-refused"


@dataclass(frozen=True)
class Outcome:
    """How one rule came out; `found` is NULL when it could not be counted, `error` says why."""

    rule: str
    table: str
    says: str
    severity: Severity
    holds: bool
    found: int | None
    error: str | None = None

    @classmethod
    def of(
        cls, rule: Rule, *, expected: bool, measured: int | None, error: str | None = None
    ) -> Self:
        """Judge a rule: the expectation and our own count must both be content."""
        content = expected and error is None and measured is not None and rule.holds(measured)
        return cls(rule.name, rule.table, rule.says, rule.severity, content, measured, error)

    def __str__(self) -> str:
        found = self.error or (f"found {self.found:,}" if self.found is not None else "not counted")
        return f"{self.table}: {self.rule}: expected {self.says}; {found}"


@dataclass(frozen=True)
class Verdict:
    """Everything a gate found in one file; `waived` names what a person has accepted."""

    gate: str
    outcomes: tuple[Outcome, ...]
    waived: tuple[str, ...] = ()

    @property
    def stopping(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if not o.holds and self._stops(o))

    @property
    def quarantining(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if not o.holds and not self._stops(o))

    @property
    def passed(self) -> bool:
        """Nothing stops; a gate that asked nothing has not passed."""
        return bool(self.outcomes) and not self.stopping

    @staticmethod
    def _stops(outcome: Outcome) -> bool:
        return outcome.severity is Severity.STOP or outcome.error is not None

    def explain(self) -> str:
        """Say in one paragraph which rules refused, where, how often, and what to do next."""
        if not self.outcomes:
            return f"gate {self.gate}: asked nothing, so it vouches for nothing; {RUNBOOK}"
        shown, hidden = self.stopping[:NAMED], self.stopping[NAMED:]
        lines = [
            f"gate {self.gate}: {len(self.stopping)} of {len(self.outcomes)} rules refused:",
            *(f"  {outcome}" for outcome in shown),
            *([f"  and {len(hidden)} more"] if hidden else []),
        ]
        return "\n".join(lines)

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "passed": self.passed}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a verdict back; `ValueError` or `KeyError` when it is not one."""
        data = json.loads(text)
        return cls(data["gate"], tuple(_outcomes(data["outcomes"])), tuple(data["waived"]))


def _outcomes(rows: Iterable[dict[str, object]]) -> Iterator[Outcome]:
    for row in rows:
        yield Outcome(**{**row, "severity": Severity(str(row["severity"]))})  # type: ignore[arg-type]


def write_verdict(verdict: Verdict, folder: Path) -> Path:
    """Keep a verdict as `<folder>/<gate>.json`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{verdict.gate}.json"
    path.write_text(verdict.to_json() + "\n", encoding="utf-8")
    return path
