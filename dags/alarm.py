"""When a task has failed for good: one line that says what broke and what to type."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tingchao.errors import EXIT_BUSY, EXIT_GATE_REFUSED, EXIT_USAGE

log = logging.getLogger("tingchao.dags")

MEANING = {
    EXIT_USAGE: "the configuration or the environment is wrong, see `tingchao check-config`",
    EXIT_GATE_REFUSED: "a gate refused the data, what was published stays published",
    EXIT_BUSY: "the same step was still running elsewhere",
}


def report_failure_to(file: Path) -> Callable[[dict[str, Any]], None]:
    """A callback that writes that line to the task's log and appends it to `file`."""

    def report_failure(context: dict[str, Any]) -> None:
        line = describe_failure(context)
        log.error(line)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as failures:
            failures.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n")

    return report_failure


def describe_failure(context: dict[str, Any]) -> str:
    """What broke, in which run, why, and the command that does the step again."""
    ti = context["ti"]
    command = getattr(ti.task, "bash_command", "")
    is_rendered = "{{" not in command
    typed = ", or type: " + command[command.index("tingchao ") :] if is_rendered else ""
    return (
        f"{ti.dag_id}.{ti.task_id} failed in run {ti.run_id}: {explain(context.get('exception'))}; "
        f"its log says more. To go on, clear the task in Airflow{typed}"
    )


def explain(exception: BaseException | None) -> str:
    """An exit code in words, else what was raised, on one line."""
    if exception is None:
        return "its process was killed"
    code = re.search(r"non-zero exit code (-?\d+)", str(exception))
    if code is None:
        return " ".join(f"{type(exception).__name__}: {exception}".split())
    return f"exit code {code[1]}: {MEANING.get(int(code[1]), 'the step failed')}"
