"""Builds run in temporary folders; dbt's parsed project is shared, it costs seconds to make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.dbt.landing import Landing
from tingchao.config import load_config
from tingchao.context import Context
from tingchao.steps.build import BuildSummary, build

NOW = datetime(2027, 1, 1, tzinfo=UTC)  # far behind every test's ledger: it must not matter
KEY = "00" * 32

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
