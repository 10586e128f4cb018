"""Airflow on one machine: prepared, started, watched and stopped as one.

`airflow standalone` is not used: SIGTERM leaves its children behind, and it starts a triggerer that
no DAG here needs. Everything it keeps (database, logs, the generated password) lies in
`<data>/airflow`; secrets reach the tasks through the environment alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]

from tingchao.airflow_api import AirflowApi, AirflowApiError
from tingchao.children import send_signal, start_logged, stop_tree, tail
from tingchao.config import Config
from tingchao.errors import ConfigurationError, TingchaoError
from tingchao.fence import exclusive

USER = "tingchao"
POOL = {"name": "warehouse", "slots": 1, "description": "DuckDB allows one writing process"}
COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
WATCHED = ("metadatabase", "scheduler", "dag_processor")
LOCK_SECONDS = 60
"""How long a component waits for SQLite's one writer, which waits for nobody but itself."""
API_LOCK_SECONDS = 5
"""The API server is its own rival: a request that waits for the lock stops its event loop, and with
it the one that holds the lock, so this is how long both stand still. Who asks, asks again."""
START_SECONDS = 300.0
MAX_RESTARTS = 5
LOAD_SECONDS = 60.0
DAGS = Path(__file__).resolve().parent.parent / "dags"

Echo = Callable[[str], object]


def serve(config: Config, *, port: int, echo: Echo) -> None:
    """Run Airflow until SIGINT or SIGTERM; `TingchaoError` when a part of it keeps ending."""
    with (
        suppress(KeyboardInterrupt),
        _signals(_interrupt),
        running_airflow(config, port=port, echo=echo) as airflow,
    ):
        echo(f"Airflow is ready: {airflow.api.url}  user {USER}  password {airflow.api.password}")
        for line in airflow.loaded_dags():
            echo(line)
        echo("DAGs start paused: switch them on there. Ctrl-C stops everything.")
        while True:
            airflow.check()
            time.sleep(1)


@contextmanager
def running_airflow(
    config: Config, *, port: int, echo: Echo, base: Mapping[str, str] = os.environ
) -> Iterator[RunningAirflow]:
    """Airflow, healthy, for as long as the context lasts; nothing of it is left afterwards.

    `base` is the environment its tasks inherit. `BusyError` when it already runs on this data.
    """
    home = config.data / "airflow"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusive(home / "airflow.lock"):
        end_leftovers(home)
        _require_free(port)
        api = AirflowApi(port, USER, _keep_password(home))
        env = environment(config, home, port, base)
        _migrate(home, env, echo)
        airflow = RunningAirflow(api, home, env, echo)
        try:
            echo("starting Airflow")
            for name in COMPONENTS:
                airflow.start(name)
            airflow.wait_until_healthy()
            _make_pool(api)
            yield airflow
        finally:
            with _signals(signal.SIG_IGN):  # a second Ctrl-C does not leave half of it running
                echo("stopping Airflow")
                stop_tree(list(airflow.processes.values()))


@dataclass(frozen=True)
class RunningAirflow:
    """The started components and the way to ask them."""

    api: AirflowApi
    home: Path
    environment: Mapping[str, str]
    echo: Echo
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> None:
        environment = self.environment
        if name == "api-server" and environment.get(DATABASE) == _sqlite(self.home, LOCK_SECONDS):
            environment = {**environment, DATABASE: _sqlite(self.home, API_LOCK_SECONDS)}
        self.processes[name] = _start(self._log(name), COMPONENTS[name], environment)

    def check(self) -> None:
        """Start a component anew that has ended; `TingchaoError` when it keeps ending.

        Airflow's scheduler ends itself on some races on its database and is made to be restarted.
        """
        for name in self._ended():
            if self.restarts[name] == MAX_RESTARTS:
                raise self._failure(name)
            self.restarts[name] += 1
            self.echo(f"airflow {name} ended by itself and is started again; see {self._log(name)}")
            end_leftovers(self.home)
            self.start(name)

    def wait_until_healthy(self) -> None:
        """Return when every component says it is well; `TingchaoError` after five minutes."""
        deadline = time.monotonic() + START_SECONDS
        while unhealthy := self.api.unhealthy_parts(WATCHED):
            for name in self._ended():
                raise self._failure(name)
            if time.monotonic() > deadline:
                raise TingchaoError(
                    f"Airflow did not become healthy in {START_SECONDS:.0f} s: {unhealthy}; "
                    f"see {self.home / 'logs'}"
                )
            time.sleep(0.3)

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _ended(self) -> list[str]:
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def _failure(self, name: str) -> TingchaoError:
        return TingchaoError(
            f"airflow {name} ended with exit code {self.processes[name].returncode}; "
            f"the end of {self._log(name)}:\n{tail(self._log(name))}"
        )

    def loaded_dags(self) -> list[str]:
        """One line per DAG that loaded and per file that did not, once they no longer change."""
        deadline = time.monotonic() + LOAD_SECONDS
        seen: list[list[str]] = []
        while time.monotonic() < deadline:
            seen.append(self._dag_lines())
            if seen[-1] and seen[-3:] == [seen[-1]] * 3:
                break
            self.check()
            time.sleep(2)
        return seen[-1] or [f"no DAG was found in {DAGS}; see {self.home / 'logs'}"]

    def _dag_lines(self) -> list[str]:
        dags = self.api.get("dags", limit=100)["dags"]
        errors = self.api.get("importErrors", limit=100)["import_errors"]
        loaded = [f"  {dag['dag_id']}{' (paused)' * dag['is_paused']}" for dag in dags]
        return loaded + [f"  {e['filename']} did not load: {last_error(e)}" for e in errors]


def last_error(import_error: Mapping[str, str]) -> str:
    """The message at the end of a traceback that Airflow shows for a DAG file."""
    lines = import_error["stack_trace"].strip().splitlines()
    raised = [i for i, line in enumerate(lines) if line and not line[0].isspace()]
    return "\n".join(lines[raised[-1] :]) if raised else "\n".join(lines)


def environment(config: Config, home: Path, port: int, base: Mapping[str, str]) -> dict[str, str]:
    """Environment of Airflow and its tasks, the same whatever the machine's zone and locale.

    AIRFLOW__* variables of `base` win over those that tune (a Postgres connection, the address to
    bind inside a container), never over those that must agree with each other.
    """
    if not DAGS.is_dir():
        raise ConfigurationError(f"{DAGS}: no such folder; Airflow is started from a checkout")
    url = f"http://127.0.0.1:{port}"
    tuned = {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__INSTANCE_NAME": "Tingchao 聽潮",
        DATABASE: _sqlite(home, LOCK_SECONDS),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }
    fixed = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "utc",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "TINGCHAO_CONFIG": str(config.path),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), base.get("PATH", os.defpath)]),
        "NO_PROXY": "127.0.0.1",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    inherited = {k: v for k, v in base.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**tuned, **inherited, **fixed}


def _sqlite(home: Path, lock_seconds: int) -> str:
    return f"sqlite:///{home}/airflow.db?timeout={lock_seconds}"


def end_leftovers(home: Path) -> None:
    """Kill the workers that outlive their scheduler, or a launcher that was itself killed.

    They are known by their title and by the folder they run in: the title overwrote the rest.
    """
    for process in psutil.process_iter(["cmdline", "cwd"]):
        title = (process.info["cmdline"] or [""])[0]
        if title.startswith("airflow worker") and process.info["cwd"] == str(home):
            send_signal(process, signal.SIGKILL)


def _start(log: Path, words: list[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a component; not in our own folder, which `-m` would put on its path."""
    argv = [sys.executable, "-m", "airflow", *words]
    return start_logged(argv, log=log, env=env, cwd=Path(env["AIRFLOW_HOME"]))


def _migrate(home: Path, env: Mapping[str, str], echo: Echo) -> None:
    """Bring Airflow's own database to this version of Airflow, once per version."""
    mark = home / "migrated"
    database = env[DATABASE]  # may hold a password: only its digest
    wanted = f"{version('apache-airflow')} {hashlib.sha256(database.encode()).hexdigest()}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    echo("preparing Airflow's database")
    log = home / "logs" / "migrate.log"
    process = _start(log, ["db", "migrate"], env)
    try:
        code = process.wait()
    finally:
        stop_tree([process])
    if code != 0:
        raise TingchaoError(f"airflow db migrate failed; the end of {log}:\n{tail(log)}")
    mark.write_text(wanted, encoding="utf-8")


def _make_pool(api: AirflowApi) -> None:
    try:
        api.post("pools", body=POOL)
    except AirflowApiError as error:
        if error.status != 409:
            raise


def _keep_password(home: Path) -> str:
    """The generated password of our user, in a file that nobody else may read."""
    file = home / "passwords.json"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump({USER: secrets.token_urlsafe(12)}, out)
    return str(json.loads(file.read_text(encoding="utf-8"))[USER])


def _require_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); give another with "
                "`tingchao airflow --port`"
            ) from None


@contextmanager
def _signals(action: Callable[[int, FrameType | None], object] | int) -> Iterator[None]:
    """SIGINT and SIGTERM do `action` inside the block."""
    previous = {sign: signal.signal(sign, action) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in previous.items():
            signal.signal(sign, handler)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
