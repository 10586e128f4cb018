"""A Spark session from the environment: on this machine, on a cluster, or over Spark Connect.

| variable | meaning | when absent |
|---|---|---|
| `TINGCHAO_SPARK_REMOTE` | Spark Connect server, `sc://host:15002` | no Connect |
| `TINGCHAO_SPARK_MASTER` | `local[2]`, `spark://host:7077`, `yarn` … | `local[*]` |
| `TINGCHAO_SPARK_DRIVER_HOST` | address at which executors reach this process | `127.0.0.1` |
| `TINGCHAO_SPARK_DRIVER_MEMORY` | memory of this process's JVM | `2g` |
| `TINGCHAO_SPARK_EXECUTOR_MEMORY` | memory of each executor | `1g` |
| `TINGCHAO_SPARK_SHUFFLE_PARTITIONS` | most pieces that a shuffle is cut into | `32` |
| `TINGCHAO_SPARK_SCRATCH` | folder for what does not fit into memory | the system's |

Anything else of Spark goes into `spark-defaults.conf` of `SPARK_CONF_DIR`. Nothing is fetched: the
jars are those of the pyspark wheel. Numbers never depend on the machine: the zone is UTC, a cast
that fails is an error (ANSI), an instant without a zone is a UTC one.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Final

from tingchao.errors import TingchaoError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REMOTE: Final = "TINGCHAO_SPARK_REMOTE"
MASTER: Final = "TINGCHAO_SPARK_MASTER"
DRIVER_HOST: Final = "TINGCHAO_SPARK_DRIVER_HOST"
DRIVER_MEMORY: Final = "TINGCHAO_SPARK_DRIVER_MEMORY"
EXECUTOR_MEMORY: Final = "TINGCHAO_SPARK_EXECUTOR_MEMORY"
SHUFFLE_PARTITIONS: Final = "TINGCHAO_SPARK_SHUFFLE_PARTITIONS"
SCRATCH: Final = "TINGCHAO_SPARK_SCRATCH"
LOOPBACK: Final = "127.0.0.1"

SESSION: Final = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",  # as in DuckDB, a timestamp is naive
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.hive.manageFilesourcePartitions": "false",  # partitions are the folders there are
    "spark.sql.parquet.mergeSchema": "true",  # files of several versions are one table
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""What every session of ours says, whoever opened it; all of it may be set on a running server."""

APPLICATION: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",  # no metastore: tables are files in a folder
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.driver.defaultJavaOptions": "-Duser.timezone=UTC",
    "spark.executor.defaultJavaOptions": "-Duser.timezone=UTC",
}


def why_unavailable(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return why Spark cannot run here and what to type; None when it can."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: make spark, or pip install 'tingchao[spark]'"
    if not environment.get(REMOTE) and _java(environment) is None:
        return (
            "no Java: expected Java 17 or later in JAVA_HOME or on PATH, found none; install one "
            "(apt-get install openjdk-17-jre-headless, brew install openjdk@17), or name a Spark "
            f"Connect server in {REMOTE}"
        )
    return None


def open_session(application: str, environment: Mapping[str, str] = os.environ) -> SparkSession:
    """Open the process's one Spark session, or return the one that is open.

    `TingchaoError` says what to type when Spark cannot run here, or cannot be reached.
    """
    unavailable = why_unavailable(environment)
    if unavailable:
        raise TingchaoError(f"spark: {unavailable}")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", environment.get(DRIVER_HOST, LOOPBACK))
    builder = SparkSession.builder.appName(application)
    remote = environment.get(REMOTE)
    if remote:
        os.environ["SPARK_REMOTE"] = remote  # dbt asks for a session of its own, which must be this
    builder = builder.remote(remote) if remote else builder.master(_master(environment))
    for name, value in session_settings(environment).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise TingchaoError(
            f"spark: {remote or _master(environment)} gave no session: "
            f"{str(error).strip().splitlines()[0] if str(error) else type(error).__name__}; "
            f"expected a running Spark there. Set {REMOTE} or {MASTER}: docs/scale.md"
        ) from error


def session_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return every Spark setting that a session is opened with."""
    settings = {
        **SESSION,
        "spark.sql.shuffle.partitions": environment.get(SHUFFLE_PARTITIONS, "32"),
    }
    if environment.get(REMOTE):
        return settings
    settings |= {
        **APPLICATION,
        "spark.sql.warehouse.dir": str(Path(gettempdir()) / "tingchao-spark-unused"),
        **_addresses(environment.get(DRIVER_HOST, LOOPBACK)),
        "spark.driver.memory": environment.get(DRIVER_MEMORY, "2g"),
        "spark.executor.memory": environment.get(EXECUTOR_MEMORY, "1g"),
    }
    if environment.get(SCRATCH):
        settings["spark.local.dir"] = environment[SCRATCH]
    return settings


def _addresses(host: str) -> dict[str, str]:
    """Listen on loopback alone, unless executors must come from elsewhere."""
    return {
        "spark.driver.host": host,
        "spark.driver.bindAddress": LOOPBACK if host == LOOPBACK else "0.0.0.0",  # noqa: S104
    }


def _master(environment: Mapping[str, str]) -> str:
    return environment.get(MASTER) or "local[*]"


def _java(environment: Mapping[str, str]) -> str | None:
    home = environment.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return home
    return shutil.which("java", path=environment.get("PATH"))
