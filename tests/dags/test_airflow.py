"""Starting and stopping Airflow, as far as it can be seen without starting it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.dags.conftest import CONFIG
from tingchao.airflow import (
    DATABASE,
    RunningAirflow,
    end_leftovers,
    environment,
    last_error,
    running_airflow,
    stop_tree,
)
from tingchao.airflow_api import AirflowApi
from tingchao.config import load_config
from tingchao.errors import BusyError, ConfigurationError, TingchaoError
from tingchao.fence import exclusive

WORKER = "import setproctitle, time; setproctitle.setproctitle('airflow worker -- idle'); "
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'
child = [sys.executable, '-c', code]
subprocess.Popen(child, start_new_session=True)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.fixture
def config(tmp_path: Path) -> Any:
    (tmp_path / "tingchao.yml").write_text(CONFIG, encoding="utf-8")
    return load_config(tmp_path / "tingchao.yml")


def test_the_environment_does_not_depend_on_the_machine(config: Any) -> None:
    home = config.data / "airflow"
    odd = {"TZ": "America/St_Johns", "LC_ALL": "tr_TR", "PYTHONDONTWRITEBYTECODE": "1"}
    plain, there = environment(config, home, 8080, {}), environment(config, home, 8080, odd)
    assert plain == there
    assert (plain["TZ"], plain["LC_ALL"], plain["PYTHONUTF8"]) == ("UTC", "C.UTF-8", "1")


def test_the_port_is_the_same_wherever_airflow_looks_for_it(config: Any) -> None:
    env = environment(config, config.data / "airflow", 8123, {"AIRFLOW__API__PORT": "1"})
    assert env["AIRFLOW__API__PORT"] == "8123"
    assert env["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8123"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_secrets_reach_the_tasks_by_the_environment_alone(config: Any) -> None:
    env = environment(config, config.data / "airflow", 8080, {"TINGCHAO_PSEUDONYM_KEY": "canary"})
    assert env["TINGCHAO_PSEUDONYM_KEY"] == "canary"


def test_row_6_a_second_start_on_the_same_data_is_refused(config: Any) -> None:
    home = config.data / "airflow"
    with (
        exclusive(home / "airflow.lock"),
        pytest.raises(BusyError),
        running_airflow(config, port=0, echo=print),
    ):
        pytest.fail("it started")


def test_a_taken_port_is_named(config: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port} .*--port"),
            running_airflow(config, port=port, echo=print),
        ):
            pytest.fail("it started")


def test_what_ignores_sigterm_is_killed_with_its_children() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    child = psutil.Process(process.pid).children()[0]
    stop_tree([process], patience=0.5)
    assert process.returncode is not None
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_row_5_workers_left_by_a_killed_launcher_are_ended_at_the_next_start(
    tmp_path: Path,
) -> None:
    def start(folder: Path) -> subprocess.Popen[bytes]:
        folder.mkdir()
        code = f"{WORKER}print('ready', flush=True); time.sleep(60)"
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, env={**os.environ}
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    ours, of_another = start(tmp_path / "home"), start(tmp_path / "elsewhere")
    try:
        end_leftovers(tmp_path / "home")
        assert ours.wait(5) == -9
        assert of_another.poll() is None
    finally:
        of_another.kill()
        of_another.wait()


def test_a_component_that_ends_by_itself_is_started_again_but_not_for_ever(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tingchao.airflow.COMPONENTS", {"scheduler": ["version"]})
    monkeypatch.setattr("tingchao.airflow.MAX_RESTARTS", 1)
    said: list[str] = []
    env = {"AIRFLOW_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    airflow = RunningAirflow(AirflowApi(1, "u", "p"), tmp_path, env, said.append)
    airflow.start("scheduler")
    airflow.processes["scheduler"].wait(60)
    airflow.check()
    airflow.processes["scheduler"].wait(60)
    with pytest.raises(TingchaoError, match="scheduler ended with exit code 0; the end of"):
        airflow.check()
    assert len(said) == 1
    assert "started again" in said[0]


def test_only_the_api_server_gives_up_early_on_the_lock(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is its own rival; and a database of the user's own is left as it is."""
    started: list[str] = []

    def start(log: Path, words: list[str], env: Mapping[str, str]) -> None:
        started.append(env[DATABASE])

    monkeypatch.setattr("tingchao.airflow._start", start)
    for base in ({}, {DATABASE: "postgresql://elsewhere"}):
        env = environment(config, tmp_path, 8080, base)
        airflow = RunningAirflow(AirflowApi(8080, "u", "p"), tmp_path, env, print)
        for name in ("scheduler", "api-server"):
            airflow.start(name)
    file = f"sqlite:///{tmp_path}/airflow.db"
    own = 2 * ["postgresql://elsewhere"]
    assert started == [f"{file}?timeout=60", f"{file}?timeout=5", *own]


def test_an_import_error_is_shown_by_its_message() -> None:
    trace = 'Traceback (most recent call last):\n  File "x", line 1\nerrors.E: a.yml:4: zone: bad\n'
    assert last_error({"stack_trace": trace}) == "errors.E: a.yml:4: zone: bad"
