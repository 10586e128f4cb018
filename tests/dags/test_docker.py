"""There is no Docker here; what can be checked of its files without it is checked."""

from __future__ import annotations

import re

import yaml

from tests.dags.conftest import PROJECT
from tests.dags.test_dags import parse
from tingchao.airflow import environment
from tingchao.config import load_config

DOCKER = PROJECT / "docker"


def test_the_image_runs_a_command_that_exists_with_a_python_that_is_meant() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    command = yaml.safe_load(re.findall(r"^CMD (.*)$", text, re.M)[0])
    assert parse(command).params["port"] == 8080
    assert re.search(r"^FROM python:3\.1[123]-", text, re.M)
    for copied in re.findall(r"^COPY (?:--\S+ )*(\S+) ", text, re.M):
        assert (PROJECT / copied).exists()


def test_no_secret_can_get_into_the_image() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "*.key", "data", "var", ".git", "config/tingchao.yml"} <= set(ignored)


def test_both_variants_start_the_same_service_on_loopback_alone() -> None:
    plain, postgres = (
        yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))["services"]
        for name in ("compose.yml", "compose.postgres.yml")
    )
    assert set(plain) == {"tingchao"}
    assert set(postgres) == {"tingchao", "postgres"}
    assert all(port.startswith("127.0.0.1:") for port in plain["tingchao"]["ports"])
    assert "ports" not in postgres["postgres"]


def test_what_the_containers_set_is_not_overruled() -> None:
    config = load_config(PROJECT / "config" / "example.yml")
    said = {"AIRFLOW__API__HOST": "0.0.0.0", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://"}
    env = environment(config, config.data / "airflow", 8080, said)
    assert {name: env[name] for name in said} == said
    assert env["TINGCHAO_CONFIG"] == str(config.path)
