"""A judge for a gate: Great Expectations in a short process of its own.

Its seconds of import and its hold on the file end with it. It is hired before the file is made, so
that the import costs nobody's time. Whatever keeps it from a verdict counts as a refusal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quality.request import Request
from quality.rules import Rule
from quality.verdict import RUNBOOK, Verdict
from tingchao.errors import GateRefusedError
from tingchao.fence import end_group, ending_on_signals, start_child

TIMEOUT = 1800.0  # seconds; a gate that takes longer is stuck


@dataclass(frozen=True)
class Judge:
    """Waits for one request; `judge` gives its verdict."""

    gate: str
    process: subprocess.Popen[str]
    answer: Path

    def judge(self, database: Path, rules: Sequence[Rule]) -> Verdict:
        """Judge a DuckDB file, once; `GateRefusedError` when no verdict comes of it."""
        request = Request(self.gate, database, tuple(rules)).to_json()
        try:
            _, complaints = self.process.communicate(request, timeout=TIMEOUT)
            if self.process.returncode != 0:
                raise ValueError(f"exit code {self.process.returncode}: {_last_line(complaints)}")
            return Verdict.from_json(self.answer.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
            raise GateRefusedError(
                f"gate {self.gate}: no verdict on {database.name} ({error}); a gate that errors "
                f"refuses. Nothing was changed: {RUNBOOK}"
            ) from None


@contextmanager
def hire_judge(gate: str) -> Iterator[Judge]:
    """A judge that makes itself ready while its file is made; it is gone when the context ends."""
    with tempfile.TemporaryDirectory(prefix=f"tingchao-{gate}-") as scratch:
        answer = Path(scratch) / "verdict.json"
        argv = [sys.executable, "-m", "quality.run", str(answer)]
        process = start_child(argv, env=_environment(scratch), stdin=subprocess.PIPE)
        try:
            with ending_on_signals():
                yield Judge(gate, process, answer)
        finally:
            if process.poll() is None:
                end_group(process)


def _environment(scratch: str) -> dict[str, str]:
    """Ours without secrets; compiled modules are kept, they halve the child's start."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TINGCHAO_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    return kept | {"GX_ANALYTICS_ENABLED": "false", "PYTHONUTF8": "1", "TMPDIR": scratch}


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
