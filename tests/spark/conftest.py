"""What needs Spark runs where Spark can run, and says why where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.conftest import Installation, install, parsed, pseudonym_key
from tingchao.building import models
from tingchao.spark import why_unavailable

__all__ = ["Installation", "install", "parsed", "pseudonym_key"]  # fixtures of tests/dbt

SMALL = {
    "SPARK_CONF_DIR": str(Path(__file__).with_name("conf")),
    "TINGCHAO_SPARK_DRIVER_MEMORY": "1g",
    "TINGCHAO_SPARK_MASTER": "local[2]",
    "TINGCHAO_SPARK_SHUFFLE_PARTITIONS": "1",
}
PROGRAM = "tingchao.building.on_spark"


@pytest.fixture(scope="session")
def spark_here() -> Iterator[None]:
    """Skip where Spark cannot run; make it a small one where it can."""
    reason = why_unavailable()
    if reason:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def warm_spark(spark_here: None) -> Iterator[None]:
    """Let every build of this process share one Spark session, in a process of its own."""
    builder = subprocess.Popen(
        [sys.executable, "-m", "tests.spark.warm_builder"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "run_child", _in(builder, models.run_child))
        yield
    builder.communicate()


def _in(builder: subprocess.Popen[str], elsewhere: Callable[..., Any]) -> Callable[..., Any]:
    def run_child(
        argv: list[str], *, env: dict[str, str], cwd: Path
    ) -> subprocess.CompletedProcess[str]:
        if PROGRAM not in argv:
            return elsewhere(argv, env=env, cwd=cwd)
        assert builder.stdin and builder.stdout
        arguments = argv[argv.index(PROGRAM) + 1 :]
        asked = {"arguments": arguments, "environment": env, "folder": os.fspath(cwd)}
        builder.stdin.write(json.dumps(asked) + "\n")
        builder.stdin.flush()
        answer = json.loads(builder.stdout.readline() or '{"code": -1}')
        return subprocess.CompletedProcess(argv, answer["code"], "", "")

    return run_child
