"""Builds run in temporary folders; dbt's parsed project is shared, it costs seconds to make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import Any

import pytest

from tests.dbt.comparing import read_marts
from tests.dbt.history import SECOND_THOUGHTS, TEXTS, History
from tests.dbt.killing import MOMENTS, kill_build_at
from tests.dbt.landing import Landing
from tingchao.config import load_config
from tingchao.context import Context
from tingchao.steps.build import BuildSummary, build

NOW = datetime(2027, 1, 1, tzinfo=UTC)  # far behind every test's ledger: it must not matter
KEY = "00" * 32

SEED = 20260301
DAYS = (
    "2026-01-20 09:00",
    "2026-01-31 23:59",
    "2026-02-01 00:00",  # closes January at the very instant
    "2026-03-02 09:00",
    "2026-03-02 21:00",  # the same open day once more; its build is killed three times first
)
RELEXED = DAYS[3]

CONFIGURATION = """
    version: 1
    data_dir: data
    reporting: {time_zone: Asia/Taipei}
    brands:
      - {id: tea, name: 霧嶼, is_own: true}
      - {id: milk, name: 穗光}
    channels:
      - {id: board, source: ptt, address: Tea, brand: tea, official_accounts: [shop]}
      - {id: blog, source: blog, address: tea.example, author_identity: false}
      - {id: file, source: ptt, address: File}
    attribution:
      lookback_days: 30
      rules:
        - {channel: board, utm_source: ptt}
        - {channel: blog, referrer_host: tea.example}
"""


class Installation:
    """One configuration, its lake and its warehouse in a folder of their own."""

    def __init__(self, home: Path, parsed: Path, configuration: str = CONFIGURATION) -> None:
        self.home, self._parsed = home, parsed
        self.configure(configuration)
        self.landing = Landing(self.context.data)
        target = self.context.data / "warehouse" / "dbt"
        target.mkdir(parents=True)
        if parsed.exists():
            shutil.copy(parsed, target / parsed.name)

    def configure(self, configuration: str) -> None:
        path = self.home / "tingchao.yml"
        path.write_text(dedent(configuration), encoding="utf-8")
        self.context = Context(load_config(path), now=lambda: NOW)

    @property
    def database(self) -> Path:
        return self.context.data / "warehouse" / "work.duckdb"

    def build(self, **options: Any) -> BuildSummary:
        context = Context(self.context.config, now=lambda: NOW)  # a lake without memory
        summary = build(context, **options)
        parsed = self.context.data / "warehouse" / "dbt" / self._parsed.name
        if not self._parsed.exists() and parsed.exists():
            shutil.copy(parsed, self._parsed)
        return summary


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt") / "partial_parse.msgpack"


@pytest.fixture(autouse=True, scope="session")
def pseudonym_key() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINGCHAO_PSEUDONYM_KEY", KEY)
        patch.delenv("TINGCHAO_PSEUDONYM_KEY_FILE", raising=False)
        yield


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory, parsed: Path) -> Callable[..., Installation]:
    def make(configuration: str = CONFIGURATION) -> Installation:
        return Installation(tmp_path_factory.mktemp("home"), parsed, configuration)

    return make


@dataclass
class Told:
    """A history, and what the marts said on each of its days."""

    installation: Installation
    marts: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    summaries: dict[str, BuildSummary] = field(default_factory=dict)
    left_unchanged_by_kills: dict[str, bool] = field(default_factory=dict)


@pytest.fixture(scope="session")
def told(install: Callable[..., Installation]) -> Told:
    told = Told(install())
    landing = told.installation.landing
    history = History(landing, Random(SEED))
    for number, at in enumerate(DAYS):
        history.tell(at)
        if at < RELEXED:  # some texts a day are understood: some posts wait for it
            texts = sorted(TEXTS)[number::4]
            landing.understand("v1", DAYS[0], {text: TEXTS[text] for text in texts})
        elif at == RELEXED:
            landing.understand("v2", RELEXED, SECOND_THOUGHTS)
        if at == DAYS[-1]:
            _kill_builds(told)
        told.summaries[at] = told.installation.build()
        told.marts[at] = read_marts(told.installation.database)
    return told


def _kill_builds(told: Told) -> None:
    installation = told.installation
    before = installation.database.read_bytes()
    for moment in MOMENTS:
        runs = installation.context.data / "runs"
        kill_build_at(moment, installation.home / "tingchao.yml", runs)
        told.left_unchanged_by_kills[moment] = installation.database.read_bytes() == before
