"""A real cluster on this machine: whoever is killed on it changes no row and leaves nobody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.enrichment import generate_posts
from lake import LogicalRun
from tests.dbt.conftest import Installation
from tests.enrichment.test_enrich_step import DAY, rows_of
from tests.spark.comparing import differences
from tests.spark.town import Settling, town_configuration
from tingchao import spark
from tingchao.config import Engine
from tingchao.context import Context, open_context
from tingchao.errors import TingchaoError
from tingchao.fence import exclusive
from tingchao.spark_cluster import Size, daemon_environment, running_cluster
from tingchao.steps.enrich import enrich

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        spark.why_unavailable() is not None, reason=f"no Spark here: {spark.why_unavailable()}"
    ),
]

POSTS = 6_000
BUILT_IN_THE_MIDDLE = "int_posts__rows"
PATIENCE_SECONDS = 1200
CONFIG = """\
version: 1
engine: spark
brands:
- {id: chaoming, name: 潮鳴茶}
channels: []
"""
MANY_TASKS = "--conf spark.sql.adaptive.coalescePartitions.enabled=false pyspark-shell"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with posts that nobody has read yet."""
    home = tmp_path_factory.mktemp("cluster")
    (home / "config.yml").write_text(CONFIG, "utf-8")
    land_posts(open_context(home / "config.yml", quiet=True), "first", 20)
    return home


def land_posts(context: Context, crawl_id: str, seed: int) -> None:
    run = LogicalRun("ptt", "drink", crawl_id, window=DAY)
    with context.lake.write(run, now=context.now) as out:
        for number, text in enumerate(generate_posts(POSTS, seed)["text"].to_pylist()):
            post = {"post_id": f"{crawl_id}.{number}", "kind": "article", "body_text": text}
            out.add("posts", post)
        out.finish("exhausted", covered=DAY)


@contextmanager
def on_a_cluster(config: Path, *step: str, pieces: int) -> Iterator[psutil.Popen]:
    """`tingchao spark-cluster tingchao STEP`, in so many tasks that one can come between."""
    tingchao = [sys.executable, "-m", "tingchao.cli"]
    argv = [*tingchao, "--config", str(config), "spark-cluster", *tingchao, *step]
    cut = {"PYSPARK_SUBMIT_ARGS": MANY_TASKS, spark.SHUFFLE_PARTITIONS: str(pieces)}
    environment, pipe = {**os.environ, **cut}, subprocess.PIPE
    process = psutil.Popen(argv, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until(happened: Callable[[], object], process: psutil.Popen) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def files_aside(home: Path) -> int:
    return len(list((home / "data/enriched/attempts").glob("*/*.parquet")))


def kill_a_worker(process: psutil.Popen) -> None:
    """Kill one of the two workers that compute, and all that came from it."""
    victim, *others = executors(process)
    assert others, "both workers were computing"
    for member in [victim, *victim.children(recursive=True)]:
        member.kill()


def executors(process: psutil.Popen) -> list[psutil.Process]:
    """The workers that have an executor, which is their child."""
    workers = [c for c in process.children(recursive=True) if "worker.Worker" in command_of(c)]
    return [worker for worker in workers if worker.children()]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_1_a_worker_killed_in_the_middle_changes_no_row(home: Path, tmp_path: Path) -> None:
    with on_a_cluster(home / "config.yml", "enrich", pieces=32) as process:
        wait_until(lambda: files_aside(home) >= 3, process)
        kill_a_worker(process)
        assert files_aside(home) < 32, "and were not done"
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert f"enriched {POSTS:,} new texts" in said
    assert [without_instant(row) for row in rows_of(home)] == rows_of_one_machine(home, tmp_path)


def rows_of_one_machine(home: Path, beside: Path) -> list[dict[str, object]]:
    """What this machine alone makes of the same lake."""
    (beside / "config.yml").write_text(f"{CONFIG}lake_uri: {home / 'data/landing'}\n", "utf-8")
    enrich(open_context(beside / "config.yml", quiet=True), engine=Engine.DUCKDB)
    return [without_instant(row) for row in rows_of(beside)]


def without_instant(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "enriched_at"}


def test_2_killed_itself_it_leaves_no_process_and_no_torn_file(home: Path) -> None:
    land_posts(open_context(home / "config.yml", quiet=True), "second", 21)
    before = rows_of(home)
    with on_a_cluster(home / "config.yml", "enrich", pieces=32) as process:
        wait_until(lambda: files_aside(home) >= 3, process)
        family = process.children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    assert rows_of(home) == before
    enrich(open_context(home / "config.yml", quiet=True), engine=Engine.DUCKDB)
    hashes = [row["text_hash"] for row in rows_of(home)]
    assert len(hashes) == len(set(hashes)) > len(before)


def test_3_a_worker_killed_in_the_middle_of_a_build_changes_no_row(
    install: Callable[..., Installation],
) -> None:
    here = install(town_configuration())
    Settling(here.context, here.landing).land("2026-03-03 09:00")
    enrich(here.context)
    there = install(town_configuration())
    for part in ("landing", "enriched"):
        target = there.context.data / part
        shutil.copytree(here.context.data / part, target, dirs_exist_ok=True)
    attempts = there.context.data / "warehouse/attempts"
    step = ("build", "--engine", "spark")
    with on_a_cluster(there.home / "tingchao.yml", *step, pieces=2) as process:
        wait_until(lambda: [*attempts.glob(f"*/tables/{BUILT_IN_THE_MIDDLE}")], process)
        kill_a_worker(process)
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert differences(here.build().database, there.database) == []


def test_a_second_cluster_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "cluster.lock"),
        pytest.raises(TingchaoError, match="another process"),
        running_cluster(tmp_path, Size()),
    ):
        pass


def test_no_secret_of_ours_reaches_a_worker() -> None:
    base = {"PATH": os.defpath, "TINGCHAO_PSEUDONYM_KEY": "secret", "AWS_SECRET_ACCESS_KEY": "x"}
    environment = daemon_environment(Path("anywhere"), base)
    assert not {name for name in environment if "KEY" in name}
    assert environment["SPARK_LOCAL_IP"] == "127.0.0.1"
