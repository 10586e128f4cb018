"""A small town and its whole pipeline, run by the commands that a person types."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from demo.configuration import configuration
from demo.exports import write_exports
from demo.keys import KEYS
from demo.server import HOST, PORT, TownServer, serving
from demo.town import Town
from tingchao.marts import load_marts

PATIENCE_SECONDS = 240


@dataclass
class Pipeline:
    """One installation: a configuration, its data, and the world it listens to."""

    folder: Path
    town: Town
    server: TownServer

    @property
    def config(self) -> Path:
        return self.folder / "demo.yml"

    def show_world(self, now: datetime) -> None:
        self.server.set_now(now)
        write_exports(self.town, self.folder, now)

    def start(self, *command: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start one command in a group of its own, as a scheduler would."""
        return subprocess.Popen(
            [sys.executable, "-m", "tingchao.cli", "--config", str(self.config), *command],
            env={**os.environ, **KEYS, "TINGCHAO_PSEUDONYM_KEY": "5e" * 32, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, *command: str, env: dict[str, str] | None = None, expect: int = 0) -> str:
        """Run one command to its end and return what it said."""
        process = self.start(*command, env=env)
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == expect, said
        return said

    def asked(self, run_id: str, since: datetime, until: datetime) -> list[str]:
        """`tingchao run` for one stretch of the town's life."""
        window = ["--since", since.isoformat(), "--until", until.isoformat()]
        return ["--now", until.isoformat(), "run", "--run", run_id, *window]

    def marts(self) -> dict[str, list[tuple[object, ...]]]:
        """Every published mart, row for row."""
        path = self.folder / "published" / "marts.duckdb"
        with duckdb.connect(str(path), read_only=True) as db:
            return {
                mart.name: sorted(db.execute(f"select * from {mart.name}").fetchall(), key=repr)
                for mart in load_marts()
            }


@pytest.fixture(scope="session")
def town() -> Town:
    return Town(people=150, days=24)


@pytest.fixture(scope="module")
def new_pipeline(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[object]:
    """Make installations, each in a folder and with a server of its own."""
    servers = []

    def make() -> Pipeline:
        folder = tmp_path_factory.mktemp("pipeline")
        context = serving(town)
        server = context.__enter__()
        servers.append(context)
        text = configuration().replace("../var/demo", ".")
        text = text.replace(f"{HOST}:{PORT}", server.url.removeprefix("http://"))
        text = text.replace(Town().start_date.isoformat(), town.start_date.isoformat())
        (folder / "demo.yml").write_text(text, "utf-8")
        return Pipeline(folder, town, server)

    yield make
    for context in servers:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def days(town: Town) -> tuple[datetime, datetime, datetime]:
    """Start of the town's life, the eve of its last day, and its end."""
    day = timedelta(days=1)
    return town.closes_at - town.days * day, town.closes_at - day, town.closes_at
