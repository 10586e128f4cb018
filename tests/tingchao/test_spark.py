"""What a Spark session is opened with, and what is said where there can be none."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tingchao import spark
from tingchao.errors import TingchaoError
from tingchao.spark import open_session, session_settings, why_unavailable


@pytest.fixture
def with_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _name: object())


@pytest.fixture
def without_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _name: None)


def test_without_pyspark_one_is_told_what_to_type(without_pyspark: None) -> None:
    with pytest.raises(TingchaoError, match=r"pyspark is not installed: make spark.*pip install"):
        open_session("test")


def test_without_java_one_is_told_what_to_install(with_pyspark: None, tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    with pytest.raises(TingchaoError, match=r"no Java: expected Java 17.*openjdk-17"):
        open_session("test", nowhere)


def test_java_is_found_in_java_home_or_on_the_path(with_pyspark: None, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch(mode=0o755)
    assert why_unavailable({"JAVA_HOME": str(tmp_path), "PATH": ""}) is None
    assert why_unavailable({"PATH": str(java.parent)}) is None


def test_a_remote_session_needs_no_java(with_pyspark: None, tmp_path: Path) -> None:
    assert why_unavailable({"PATH": str(tmp_path), spark.REMOTE: "sc://spark:15002"}) is None


def test_no_number_depends_on_the_machine() -> None:
    settings = session_settings({})
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings["spark.sql.ansi.enabled"] == "true"
    assert settings["spark.sql.timestampType"] == "TIMESTAMP_NTZ"


def test_nobody_but_this_machine_is_listened_to() -> None:
    settings = session_settings({})
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings["spark.ui.enabled"] == "false"


def test_executors_elsewhere_reach_the_host_that_is_named() -> None:
    settings = session_settings({spark.DRIVER_HOST: "worker-7"})
    assert settings["spark.driver.host"] == "worker-7"
    assert settings["spark.driver.bindAddress"] == "0.0.0.0"


def test_sizes_come_from_the_environment() -> None:
    sizes = {
        spark.DRIVER_MEMORY: "4g",
        spark.EXECUTOR_MEMORY: "8g",
        spark.SHUFFLE_PARTITIONS: "400",
        spark.SCRATCH: "/scratch",
    }
    settings = session_settings(sizes)
    assert settings["spark.driver.memory"] == "4g"
    assert settings["spark.executor.memory"] == "8g"
    assert settings["spark.sql.shuffle.partitions"] == "400"
    assert settings["spark.local.dir"] == "/scratch"


def test_a_server_is_only_asked_for_what_a_session_may_set() -> None:
    settings = session_settings({spark.REMOTE: "sc://spark:15002"})
    assert {name.split(".")[1] for name in settings} == {"sql"}
    assert settings.keys() == {*spark.SESSION, "spark.sql.shuffle.partitions"}


@pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark is not installed: make spark")
def test_dbt_gets_the_remote_session_that_we_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setenv("SPARK_REMOTE", "")
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", lambda _builder: None)
    open_session("test", {spark.REMOTE: "sc://spark:15002"})
    assert os.environ["SPARK_REMOTE"] == "sc://spark:15002"
