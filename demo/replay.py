"""Run the real DAGs over stretches of the town's life, and tell what happens as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tingchao.airflow import RunningAirflow
from tingchao.airflow_api import AirflowApiError
from tingchao.errors import TingchaoError

MARTS = "marts"
POLL_SECONDS = 1.0
LOAD_SECONDS = 60.0
PATIENCE_SECONDS = 1800.0
MARKS = {"success": "✓", "failed": "✗", "upstream_failed": "✗", "up_for_retry": "↻", "skipped": "-"}
AT_WORK = {"queued", "running"}
LOG_LINES = 15

Echo = Callable[[str], object]


class TaskFailedError(TingchaoError):
    """A task failed for good; the end of its log was shown."""


@dataclass(frozen=True)
class Stretch:
    """A part of the town's life that every source is asked for in one run."""

    run_id: str
    start: datetime
    end: datetime

    def as_run(self) -> dict[str, str]:
        return {
            "dag_run_id": self.run_id,
            "logical_date": self.start.isoformat(),
            "data_interval_start": self.start.isoformat(),
            "data_interval_end": self.end.isoformat(),
        }


@dataclass
class Replay:
    """Starts runs through the API and waits for them; each task's end is one line."""

    airflow: RunningAirflow
    echo: Echo
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _seen: dict[tuple[str, ...], str] = field(default_factory=dict)

    def await_dags(self, dag_ids: Iterable[str]) -> None:
        """Return when these DAGs are loaded; `TingchaoError` says which file did not load."""
        wanted = set(dag_ids)
        deadline = time.monotonic() + LOAD_SECONDS
        while missing := wanted - set(self._get_dag_ids()):
            self.airflow.check()
            errors = self.airflow.api.get("importErrors")["import_errors"]
            if errors or time.monotonic() > deadline:
                lines = "\n".join(self.airflow.loaded_dags())
                raise TingchaoError(f"DAGs {sorted(missing)} did not load:\n{lines}")
            time.sleep(POLL_SECONDS)

    def switch(self, dag_ids: Iterable[str], *, on: bool) -> None:
        """Unpause or pause DAGs."""
        for dag_id in dag_ids:
            self.airflow.api.patch("dags", dag_id, body={"is_paused": not on})

    def run(self, dag_ids: Iterable[str], stretch: Stretch) -> None:
        """Run these DAGs over a stretch and wait for them and for what they set off."""
        for dag_id in dag_ids:
            self.start(dag_id, stretch)
        self.await_quiet()

    def is_done(self, dag_ids: Iterable[str], stretch: Stretch) -> bool:
        """Whether all of these DAGs have been run over a stretch."""
        return all(self.state_of(dag_id, stretch) == "success" for dag_id in dag_ids)

    def start(self, dag_id: str, stretch: Stretch) -> None:
        """Start the run of a stretch, or start it anew when there is one already."""
        if self.state_of(dag_id, stretch) is None:
            self.airflow.api.post("dags", dag_id, "dagRuns", body=stretch.as_run())
        else:
            again = {"dry_run": False, "only_failed": False}
            self.airflow.api.post("dags", dag_id, "dagRuns", stretch.run_id, "clear", body=again)

    def state_of(self, dag_id: str, stretch: Stretch) -> str | None:
        """State of the run of a stretch; None when there is none."""
        try:
            return str(self.airflow.api.get("dags", dag_id, "dagRuns", stretch.run_id)["state"])
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise

    def await_quiet(self) -> None:
        """Tell each task's end until no run is under way and no landing waits to be built.

        `TaskFailedError` when a task fails for good.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.airflow.check()
            if not self._tell_tasks() and not self._is_anything_coming():
                self._tell_tasks()
                return
            time.sleep(POLL_SECONDS)
        raise TingchaoError(
            f"the DAGs did not come to rest in {PATIENCE_SECONDS:.0f} s; see {self.airflow.home}"
        )

    def _is_anything_coming(self) -> bool:
        """Whether a landing waits or a run goes on; the landing first, for it turns into a run."""
        waiting = self._is_landing_waiting()
        return waiting or bool(self._get_runs("queued") or self._get_runs("running"))

    def _tell_tasks(self) -> bool:
        """Tell what ended since the last look; return whether a task is at work."""
        tasks = self._get_tasks()
        for task in tasks:
            key = (task["dag_id"], task["dag_run_id"], task["task_id"], str(task["try_number"]))
            state = task["state"] or "none"
            if self._seen.get(key) == state:
                continue
            self._seen[key] = state
            if state in MARKS:
                self._tell(task, state)
        return any(task["state"] in AT_WORK for task in tasks)

    def _tell(self, task: dict[str, Any], state: str) -> None:
        name = f"{task['dag_id']}.{task['task_id']}"
        seconds = f"{task['duration']:.1f} s" if task["duration"] else ""
        self.echo(f"  {MARKS[state]} {name:32} {state:12} {seconds}")
        if state in ("failed", "up_for_retry"):
            for line in self._read_log(task)[-LOG_LINES:]:
                self.echo(f"    │ {line}")
        if state == "failed":
            raise TaskFailedError(f"{name} failed; its log ends as shown above")

    def _read_log(self, task: dict[str, Any]) -> list[str]:
        """What the task's command printed in this try, and its exit code."""
        where = ("dags", task["dag_id"], "dagRuns", task["dag_run_id"], "taskInstances")
        asked = (*where, task["task_id"], "logs", str(task["try_number"]))
        content = self.airflow.api.get(*asked, full_content="true")["content"]
        lines = [e["event"] for e in content if "SubprocessHook" in str(e.get("logger"))]
        return lines[lines.index("Output:") + 1 :] if "Output:" in lines else lines

    def _get_dag_ids(self) -> list[str]:
        return [dag["dag_id"] for dag in self.airflow.api.get("dags", limit=100)["dags"]]

    def _get_runs(self, state: str) -> list[dict[str, Any]]:
        return list(self.airflow.api.get("dags", "~", "dagRuns", state=state)["dag_runs"])

    def _get_tasks(self) -> list[dict[str, Any]]:
        query = {"updated_at_gte": self.began.isoformat(), "limit": 100, "order_by": "end_date"}
        found = self.airflow.api.get("dags", "~", "dagRuns", "~", "taskInstances", **query)
        return list(found["task_instances"])

    def _is_landing_waiting(self) -> bool:
        try:
            events = self.airflow.api.get("dags", MARTS, "assets", "queuedEvents")
        except AirflowApiError as error:
            if error.status == 404:
                return False
            raise
        return bool(events["total_entries"])
