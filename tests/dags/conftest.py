"""DAGs as Airflow sees them, from configurations written for the test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"

CONFIG = """\
version: 1
data_dir: data
reporting:
  time_zone: Asia/Taipei
channels:
  - {id: drinks, source: ptt, address: Drink}
  - {id: talk, source: ptt, address: TownTalk}
  - {id: blog, source: feed, address: "https://blog.example/feed"}
  - {id: elsewhere, source: unheard-of, address: somewhere}
sources:
  ptt: {schedule: "30 3 * * *"}
imports:
  - {id: orders, table: orders, source: shop, format: csv, path: o.csv, columns: {order_id: id}}
  - {id: members, table: members, source: crm, format: csv, path: m.csv, columns: {member: id}}
  - {id: visits, table: visits, source: web, format: jsonl, path: v.jsonl, columns: {visit_id: id},
     schedule: "@hourly"}
"""
REPLAY = CONFIG.replace("data_dir: data", "data_dir: data\nclock: logical")


@pytest.fixture(scope="session", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Airflow's own, before anything imports it."""
    home = tmp_path_factory.mktemp("airflow")
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    return home


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Load dags/ under a configuration; the answer has `.dags` by id and `.import_errors`."""
    monkeypatch.syspath_prepend(str(DAGS))

    def load_dags(text: str) -> Any:
        from airflow.dag_processing.dagbag import DagBag

        file = tmp_path / "tingchao.yml"
        file.write_text(dedent(text), encoding="utf-8")
        monkeypatch.setenv("TINGCHAO_CONFIG", str(file))
        return DagBag(dag_folder=str(DAGS))

    return load_dags
