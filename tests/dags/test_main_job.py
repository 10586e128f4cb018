"""The main job of `make demo`, piece by piece."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.configuration import TARGET
from demo.main_job import (
    USUAL_FOLDER,
    configure,
    dag_ids,
    environment_of_tasks,
    forget_another_town,
    keep_key,
    stretches,
)
from demo.replay import Replay, Stretch, TaskFailedError
from demo.server import HOST, PORT
from demo.town import Size, Town, prepare
from lake.pseudonyms import Pseudonyms
from tingchao.airflow_api import AirflowApiError
from tingchao.config import load_config


def test_the_stretches_cover_the_towns_life_without_a_hole() -> None:
    town = Town()
    history, last_day = stretches(town)
    assert history.end == last_day.start
    assert last_day.end == town.closes_at
    assert history.start.date() == town.start_date
    assert last_day.end - last_day.start == timedelta(days=1)


def test_the_dags_it_waits_for_are_those_that_are_made(load: Any) -> None:
    bag = load((TARGET).read_text(encoding="utf-8"))
    crawls, imports = dag_ids(load_config(TARGET))
    assert set(bag.dags) == {*crawls, *imports, "marts"}


def test_another_town_has_a_configuration_of_its_own_beside_its_data(tmp_path: Path) -> None:
    town = prepare(tmp_path, Size(50, 14))
    config = load_config(configure(town, tmp_path, "127.0.0.1:5"))
    assert config.path == tmp_path / "demo.yml"
    assert config.data == tmp_path
    assert config.start_date == town.start_date
    assert {channel.since for channel in config.channels} == {town.start_date}
    servers = {urlsplit(source.base_url or "").netloc for source in config.sources.values()}
    assert servers == {"127.0.0.1:5"}
    assert all((tmp_path / one.path).parent == tmp_path / "exports" for one in config.imports)


def test_the_usual_town_is_listened_to_with_the_configuration_that_people_read() -> None:
    assert configure(Town(), USUAL_FOLDER, f"{HOST}:{PORT}") == TARGET


def test_what_was_made_of_another_town_is_forgotten(tmp_path: Path) -> None:
    prepare(tmp_path, Size(50, 14))
    forget_another_town(tmp_path)
    kept = tmp_path / "landing" / "posts"
    kept.mkdir(parents=True)
    forget_another_town(tmp_path)
    assert kept.exists()
    prepare(tmp_path, Size(60, 14))
    forget_another_town(tmp_path)
    assert not kept.exists()


def test_the_key_is_private_and_stays_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://elsewhere")
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "an installation's own")
    first = environment_of_tasks(keep_key(tmp_path))
    assert keep_key(tmp_path).stat().st_mode & 0o077 == 0
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in first
    one, other = (
        Pseudonyms.from_environment(environment_of_tasks(keep_key(tmp_path))) for _ in range(2)
    )
    assert one.key("ptt", "someone") == other.key("ptt", "someone")


class Api:
    """Airflow's answers, told beforehand."""

    def __init__(self, states: list[str]) -> None:
        self.states, self.asked = states, []

    def get(self, *parts: str, **query: Any) -> Any:
        if parts[-1] == "queuedEvents":
            raise AirflowApiError("none", 404)
        if parts[-1] == "dagRuns":
            is_running = query["state"] == "running" and len(self.states) > 1
            return {"dag_runs": [{}] if is_running else []}
        if "logs" in parts:
            said = ["Running command: …", "Output:", "what went wrong"]
            return {"content": [{"logger": "x.SubprocessHook", "event": line} for line in said]}
        if parts[-1] == "taskInstances":
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            task = {"dag_id": "crawl_ptt", "dag_run_id": "r", "task_id": "crawl", "try_number": 1}
            return {"task_instances": [{**task, "state": state, "duration": 1.25}]}
        raise AirflowApiError("not found", 404)

    def post(self, *parts: str, body: Any) -> None:
        self.asked.append((parts, body))


def replay(states: list[str]) -> tuple[Replay, Api, list[str]]:
    api, said = Api(states), []
    airflow = SimpleNamespace(api=api, check=lambda: None, home=Path("home"))
    return Replay(airflow, said.append), api, said  # type: ignore[arg-type]


def test_each_end_of_a_task_is_told_once() -> None:
    watched, _, said = replay(["queued", "running", "running", "success"])
    watched.await_quiet()
    assert said == [f"  ✓ {'crawl_ptt.crawl':32} {'success':12} 1.2 s"]


def test_a_failed_task_shows_the_end_of_its_log() -> None:
    watched, _, said = replay(["running", "up_for_retry", "failed"])
    with pytest.raises(TaskFailedError, match=r"crawl_ptt\.crawl failed"):
        watched.await_quiet()
    assert said[1::2] == ["    │ what went wrong"] * 2


def test_a_run_that_was_never_started_is_started_with_its_interval() -> None:
    watched, api, _ = replay(["success"])
    stretch = Stretch("history", *(instant.start for instant in stretches(Town())))
    watched.start("crawl_ptt", stretch)
    (parts, body) = api.asked[0]
    assert parts == ("dags", "crawl_ptt", "dagRuns")
    assert body["data_interval_end"] == stretch.end.isoformat()
