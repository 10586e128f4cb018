"""What the gate's process is asked: which file, which rules. JSON, so that nothing is imported."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from quality.rules import Rule, Severity


@dataclass(frozen=True)
class Request:
    """A gate's name, the DuckDB file it judges, and its rules."""

    gate: str
    database: Path
    rules: tuple[Rule, ...]

    def to_json(self) -> str:
        rules = [asdict(rule) for rule in self.rules]
        return json.dumps({"gate": self.gate, "database": str(self.database), "rules": rules})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a request back; `ValueError`, `KeyError` or `TypeError` when it is not one."""
        data = json.loads(text)
        rules = tuple(
            Rule(**{**rule, "severity": Severity(rule["severity"])}) for rule in data["rules"]
        )
        return cls(data["gate"], Path(data["database"]), rules)
