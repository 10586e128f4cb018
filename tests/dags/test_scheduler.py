"""The real scheduler runs the real DAGs; only `tingchao` itself is a stand-in that notes its words.

Rows are those of the fault matrix in reliability: what a kill, a stop and a backfill must leave.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.dags.conftest import CONFIG
from tingchao.airflow_api import AirflowApi, AirflowApiError

pytestmark = pytest.mark.slow

SERVE = """
import sys
from pathlib import Path
import tingchao.airflow as airflow
from tingchao.config import load_config
real = airflow.environment
def with_stand_in(*asked):
    env = real(*asked)
    return {**env, "PATH": sys.argv[3] + ":" + env["PATH"]}
airflow.environment = with_stand_in
config = load_config(Path(sys.argv[1]))
airflow.serve(config, port=int(sys.argv[2]), echo=lambda line: print(line, flush=True))
"""
STAND_IN = """#!{python}
import json, os, sys, time
from pathlib import Path
from tingchao.fence import obey_parent
obey_parent()
here = Path({folder!r})
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([os.getpid(), sys.argv[3:]]) + "\\n")
while any(word.startswith("crawl_feed.held") for word in sys.argv):
    time.sleep(0.1)
"""


@dataclass
class Serving:
    """`tingchao airflow` in a process of its own."""

    process: subprocess.Popen[str]
    api: AirflowApi
    folder: Path

    def calls(self) -> list[tuple[int, list[str]]]:
        file = self.folder / "calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [(pid, words) for pid, words in map(json.loads, lines)]

    def await_call(self, *words: str) -> int:
        """Process id of the first call that has all these words."""

        def found() -> int | None:
            return next((pid for pid, said in self.calls() if set(words) <= set(said)), None)

        return wait_for(found, f"a call with {words}; see {self.folder / 'calls'}")

    def start(self, dag_id: str, run_id: str, start: str, end: str) -> None:
        interval = {"data_interval_start": start, "data_interval_end": end, "logical_date": start}
        self.api.post("dags", dag_id, "dagRuns", body={"dag_run_id": run_id, **interval})


def wait_for(look: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    pytest.fail(f"waited {seconds:.0f} s for {what}")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("serving")
    (folder / "tingchao.yml").write_text(CONFIG, encoding="utf-8")
    stand_in = folder / "bin" / "tingchao"
    stand_in.parent.mkdir()
    stand_in.write_text(
        STAND_IN.format(python=sys.executable, folder=str(folder)), encoding="utf-8"
    )
    stand_in.chmod(0o755)
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(folder / "tingchao.yml"), str(port)]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "TINGCHAO"))}
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [*command, str(stand_in.parent)], env=env, stdout=said, stderr=said, text=True
        )
    try:
        wait_for(lambda: "DAGs start paused" in (folder / "said").read_text(), "Airflow", 120)
        keys = json.loads((folder / "data" / "airflow" / "passwords.json").read_text())
        yield Serving(process, AirflowApi(port, "tingchao", keys["tingchao"]), folder)
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_says_where_it_is_and_what_it_loaded(serving: Serving) -> None:
    said = (serving.folder / "said").read_text(encoding="utf-8")
    assert serving.api.url in said
    for dag_id in ("crawl_ptt", "crawl_feed", "import_files", "import_visits", "marts"):
        assert f"  {dag_id} (paused)" in said
    home = serving.folder / "data" / "airflow"
    assert (home / "passwords.json").stat().st_mode & 0o077 == 0
    pools = {p["name"]: p["slots"] for p in serving.api.get("pools")["pools"]}
    assert pools["warehouse"] == 1
    with pytest.raises(AirflowApiError):
        AirflowApi(serving.api.port, "tingchao", "wrong").get("dags")


def test_backfill_asks_for_each_interval_and_the_marts_follow(serving: Serving) -> None:
    for dag_id in ("crawl_ptt", "marts"):
        serving.api.patch("dags", dag_id, body={"is_paused": False})
    dates = {"from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-02T23:59:59Z"}
    serving.api.post("backfills", body={"dag_id": "crawl_ptt", **dates, "max_active_runs": 1})
    for start, end in (("03-01", "03-02"), ("03-02", "03-03")):
        window = [
            "--since",
            f"2026-{start}T19:30:00+00:00",
            "--until",
            f"2026-{end}T19:30:00+00:00",
        ]
        serving.await_call("crawl", "ptt", *window)
    serving.await_call("publish")
    order = [words[0] for _, words in serving.calls() if words[0] != "crawl"]
    assert sorted(order[:2]) == ["enrich", "gate"]
    assert order[2:4] == ["build", "publish"]


def test_row_3_a_command_dies_with_its_task_runner_and_is_tried_again(serving: Serving) -> None:
    serving.start("crawl_feed", "held-1", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
    serving.api.patch("dags", "crawl_feed", body={"is_paused": False})
    command = psutil.Process(serving.await_call("crawl", "feed", "crawl_feed.held-1"))
    os.kill(command.ppid(), signal.SIGKILL)
    wait_for(lambda: not command.is_running(), "the command's death")

    path = ("dags", "crawl_feed", "dagRuns", "held-1", "taskInstances")
    wait_for(lambda: serving.api.get(*path, "crawl")["state"] == "up_for_retry", "the retry")


def test_a_source_that_failed_for_good_is_red_and_what_landed_is_counted(serving: Serving) -> None:
    path = ("dags", "crawl_feed", "dagRuns", "held-1")
    serving.api.patch(*path, "taskInstances", "crawl", body={"new_state": "failed"})
    landed = (*path, "taskInstances", "landed")
    wait_for(lambda: serving.api.get(*landed)["state"] == "success", "the announcement")
    wait_for(lambda: serving.api.get(*path)["state"] == "failed", "a red run")


def test_row_2_sigterm_stops_everything(serving: Serving) -> None:
    """The last test: a task is under way, and neither it nor any part of Airflow is left."""
    serving.start("crawl_feed", "held-2", "2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z")
    serving.await_call("crawl", "feed", "crawl_feed.held-2")
    everything = psutil.Process(serving.process.pid).children(recursive=True)
    assert len(everything) >= 5
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(90) == 0
    assert [p for p in everything if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
