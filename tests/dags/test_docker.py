"""There is no Docker here; what can be checked of its files without it is checked."""

from __future__ import annotations

import base64
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.dags.conftest import PROJECT
from tests.dags.test_dags import parse
from tingchao.airflow import environment
from tingchao.config import load_config
from tingchao.spark import MASTER
from tingchao.spark_cluster import MASTER_CLASS, WORKER_CLASS

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


CLUSTER = "compose.cluster.yml"
SECRETS = {"cluster.env", "postgres.password", "redis.password", "spark-defaults.conf"}


def services(name: str) -> dict[str, dict[str, Any]]:
    return yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))["services"]


def test_the_cluster_has_airflow_on_celery_and_spark_in_a_profile() -> None:
    cluster = services(CLUSTER)
    airflow = {"airflow", "worker", "postgres", "redis"}
    spark = {"spark-master", "spark-worker"}
    assert set(cluster) == airflow | spark
    assert {name for name, one in cluster.items() if one.get("profiles") == ["spark"]} == spark
    for one in cluster.values():
        assert one["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert one.get("restart") == "unless-stopped"
        assert set(one.get("depends_on", {})) <= set(cluster)
        for waited_for in one.get("depends_on", {}).values():
            assert waited_for == {"condition": "service_healthy"}
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
    for name in ("airflow", "worker"):
        assert cluster[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_whoever_computes_sees_the_same_folder_under_the_same_path() -> None:
    cluster = services(CLUSTER)
    for name in ("airflow", "worker", "spark-worker"):
        assert "../data:/srv/tingchao/data" in cluster[name]["volumes"]
        assert cluster[name]["image"] == cluster["spark-master"]["image"]


def test_the_cluster_starts_what_the_command_starts() -> None:
    cluster = services(CLUSTER)
    master, worker = (
        " ".join(cluster[f"spark-{name}"]["command"]) for name in ("master", "worker")
    )
    assert MASTER_CLASS in master
    assert WORKER_CLASS in worker
    address = re.findall(r"--host (\S+) --port (\d+)", master)[0]
    assert "spark://{}:{}".format(*address) in worker
    assert cluster["worker"]["environment"][MASTER] == "spark://{}:{}".format(*address)


def test_no_secret_stands_in_a_compose_file_and_none_gets_into_the_image() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept_out = (DOCKER / ".gitignore").read_text(encoding="utf-8").splitlines()
    for secret in SECRETS:
        assert any(fnmatch(f"docker/{secret}", pattern) for pattern in ignored), secret
        assert any(fnmatch(secret, pattern) for pattern in kept_out), secret
    for file in DOCKER.glob("compose*.yml"):
        for name, one in services(file.name).items():
            said = one.get("environment", {})
            inline = [key for key in said if re.search("PASSWORD|SECRET|KEY|CONN|URL", key)]
            assert all(key.endswith(("_FILE", "_API_SERVER_URL")) for key in inline), (file, name)


def test_the_passwords_are_drawn_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DOCKER / "make-secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True)
    made = {path for path in tmp_path.iterdir() if path != script}
    assert {path.name for path in made} == SECRETS
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
    variables = dict(line.split("=", 1) for line in (tmp_path / "cluster.env").open())
    assert len(base64.urlsafe_b64decode(variables["AIRFLOW__CORE__FERNET_KEY"])) == 32
    password = (tmp_path / "postgres.password").read_text().strip()
    assert f":{password}@postgres/" in variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    before = {path: path.read_bytes() for path in made}
    assert subprocess.run(["sh", str(script)], stderr=subprocess.DEVNULL).returncode == 1
    assert {path: path.read_bytes() for path in made} == before


def test_what_the_containers_set_is_not_overruled() -> None:
    config = load_config(PROJECT / "config" / "example.yml")
    said = {"AIRFLOW__API__HOST": "0.0.0.0", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://"}
    env = environment(config, config.data / "airflow", 8080, said)
    assert {name: env[name] for name in said} == said
    assert env["TINGCHAO_CONFIG"] == str(config.path)
