"""A real Spark cluster on one machine: a standalone master and its workers, on loopback.

They come from the pyspark wheel; nothing is fetched. Ports are free ones, every connection must
know a secret that is drawn for this cluster alone, and what a worker inherits of the environment is
named below. Master and workers die with this process however it ends, executors with their worker.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tingchao.children import start_logged, stop_tree, tail
from tingchao.context import Context
from tingchao.errors import TingchaoError
from tingchao.fence import ending_on_signals, exclusive, run_child
from tingchao.spark import EXECUTOR_MEMORY, LOOPBACK, MASTER, REMOTE, why_unavailable

MASTER_CLASS: Final = "org.apache.spark.deploy.master.Master"
WORKER_CLASS: Final = "org.apache.spark.deploy.worker.Worker"
START_SECONDS: Final = 300.0
KEPT_VARIABLES: Final = ("HOME", "JAVA_HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR")
"""Nothing else of our environment reaches a worker: no key, no contact, no locale, no time zone."""

LOGGING: Final = """\
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.master.name = org.apache.spark.deploy.master
logger.master.level = info
logger.worker.name = org.apache.spark.deploy.worker
logger.worker.level = info
"""
"""What master and workers did is told; whoever computes here is told of errors alone."""

Echo = Callable[[str], object]


@dataclass(frozen=True)
class Size:
    """How large a cluster is: workers, cores and memory (as Spark writes it) of each."""

    workers: int = 2
    cores: int = 1
    memory: str = "2g"


@dataclass
class Cluster:
    """A running cluster and what a program must be told to use it."""

    folder: Path
    address: str = ""
    web_page: str = ""
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def conf(self) -> Path:
        return self.folder / "conf"

    def variables(self, size: Size) -> dict[str, str]:
        """Environment of whoever is to compute here."""
        return {
            MASTER: self.address,
            EXECUTOR_MEMORY: os.environ.get(EXECUTOR_MEMORY, size.memory),
            "SPARK_CONF_DIR": str(self.conf),
        }

    def start(self, name: str, class_name: str, *words: str) -> None:
        """Start a master or a worker; its log is `<name>.log`."""
        argv = [str(spark_home() / "bin" / "spark-class"), class_name, "--host", LOOPBACK, *words]
        environment = daemon_environment(self.folder, os.environ)
        log = self.log(name)
        self.processes[name] = start_logged(argv, log=log, env=environment, cwd=self.folder)

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def ended(self) -> list[str]:
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def wait_for(self, what: str, found: Callable[[], bool]) -> None:
        """Return when it is found; `TingchaoError` when a part ends first, or after 5 minutes."""
        deadline = time.monotonic() + START_SECONDS
        while not found():
            for name in self.ended():
                raise TingchaoError(
                    f"spark-cluster: the {name} ended with exit code "
                    f"{self.processes[name].returncode}; the end of {self.log(name)}:\n"
                    f"{tail(self.log(name))}"
                )
            if time.monotonic() > deadline:
                raise TingchaoError(
                    f"spark-cluster: expected {what} within {START_SECONDS:.0f} s, found none; "
                    f"see {self.folder / 'logs'}"
                )
            time.sleep(0.2)


@contextmanager
def running_cluster(folder: Path, size: Size) -> Iterator[Cluster]:
    """A master and its workers, ready, for as long as the context lasts; nothing stays behind.

    `folder` keeps their logs and the secret, for its owner alone. `BusyError` when a cluster runs
    there already; `TingchaoError` when Spark cannot run here or a part of it does not start.
    """
    unavailable = why_unavailable(_without_remote(os.environ))
    if unavailable:
        raise TingchaoError(f"spark-cluster: {unavailable}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusive(folder / "cluster.lock"), ending_on_signals():
        _lay_out(folder)
        cluster = Cluster(folder)
        try:
            _start_master(cluster)
            _start_workers(cluster, size)
            yield cluster
        finally:
            stop_tree(list(cluster.processes.values()))
            for scratch in ("work", "local"):
                shutil.rmtree(folder / scratch, ignore_errors=True)


def compute_on_cluster(context: Context, size: Size, command: Sequence[str], *, echo: Echo) -> int:
    """Start a cluster and run a command on it; return its exit code. Without one, wait for Ctrl-C.

    The command finds the configuration and the cluster in its environment.
    """
    with running_cluster(context.data / "spark" / "cluster", size) as cluster:
        variables = cluster.variables(size)
        echo(
            f"Spark: {cluster.address}, {size.workers} workers of {size.cores} cores and "
            f"{size.memory}; web page {cluster.web_page}"
        )
        if command:
            environment = _environment_of(context, os.environ) | variables
            return run_child(command, env=environment, capture=False).returncode
        echo("elsewhere: export " + " ".join(f"{k}={v}" for k, v in variables.items()))
        echo("Ctrl-C stops everything.")
        _watch(cluster, echo)
        return 0


def _environment_of(context: Context, base: Mapping[str, str]) -> dict[str, str]:
    """Our environment, in which `tingchao` is this one and means this configuration."""
    path = os.pathsep.join([str(Path(sys.executable).parent), base.get("PATH", os.defpath)])
    return {
        **_without_remote(base),
        "PATH": path,
        "TINGCHAO_CONFIG": str(context.config.path),
    }


def _without_remote(base: Mapping[str, str]) -> dict[str, str]:
    """An environment that means no cluster elsewhere."""
    return {name: value for name, value in base.items() if name != REMOTE}


def daemon_environment(folder: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Environment of master, workers and executors."""
    return {
        **{name: base[name] for name in KEPT_VARIABLES if name in base},
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_PUBLIC_DNS": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "256m",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }


def spark_home() -> Path:
    """Return the folder of the installed pyspark, which holds all of Spark."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise TingchaoError(f"spark-cluster: {why_unavailable()}")
    return Path(spec.origin).parent


def _lay_out(folder: Path) -> None:
    """Start with empty logs, and with a secret that only our own may read."""
    for part in ("conf", "local", "logs", "work"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(mode=0o700)
    settings = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secrets.token_hex(32),
        "spark.master.rest.enabled": "false",
        "spark.ui.killEnabled": "false",
    }
    (folder / "conf" / "log4j2.properties").write_text(LOGGING, "ascii")
    file = folder / "conf" / "spark-defaults.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), "ascii")


def _start_master(cluster: Cluster) -> None:
    cluster.start("master", MASTER_CLASS, "--port", "0", "--webui-port", "0")
    cluster.wait_for("a master's address in its log", lambda: _read_addresses(cluster))


def _read_addresses(cluster: Cluster) -> bool:
    said = cluster.log("master").read_text(encoding="utf-8", errors="replace")
    master = re.search(r"Starting Spark master at (spark://\S+)", said)
    web_page = re.search(r"MasterWebUI.* started at (http://\S+)", said)
    if master and web_page:
        cluster.address, cluster.web_page = master[1], web_page[1]
    return bool(master and web_page)


def _start_workers(cluster: Cluster, size: Size) -> None:
    words = ["--port", "0", "--webui-port", "0", "--work-dir", str(cluster.folder / "work")]
    words += ["--cores", str(size.cores), "--memory", size.memory, cluster.address]
    for number in range(1, size.workers + 1):
        cluster.start(f"worker-{number}", WORKER_CLASS, *words)
    cluster.wait_for(f"{size.workers} workers", lambda: _count_workers(cluster) == size.workers)


def _count_workers(cluster: Cluster) -> int:
    with urllib.request.urlopen(f"{cluster.web_page}/json/", timeout=10) as page:  # noqa: S310
        return int(json.load(page)["aliveworkers"])


def _watch(cluster: Cluster, echo: Echo) -> None:
    """Wait for a signal; say which part ends before, and give up without master or workers."""
    told: set[str] = set()
    while "master" not in told and len(told) < len(cluster.processes) - 1:
        for name in sorted(set(cluster.ended()) - told):
            echo(f"the {name} ended; see {cluster.log(name)}")
            told.add(name)
        time.sleep(1)
    raise TingchaoError(f"spark-cluster: nothing is left to compute on; see {cluster.folder}/logs")
