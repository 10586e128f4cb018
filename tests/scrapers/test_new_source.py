"""`tingchao new-source`: what it writes is clean, fails first, and is found by itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from lake import Lake
from scrapers.errors import SourceError
from scrapers.new_source import LONGEST, TARGETS, Base, write_new_source
from scrapers.plan import Request, plan_crawl, unread_terms
from scrapers.source import load_source
from tingchao.cli import BASES, cli
from tingchao.config import Channel, Config

REPOSITORY = Path(__file__).parents[2]
TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
PARTS = ("scrapers", "lake", "tingchao", "enrichment", "dags", "pyproject.toml")
TESTS = ("__init__.py", "scrapers/__init__.py", "scrapers/golden.py", "scrapers/stage.py")
LOOK = """
import json, sys
from pathlib import Path
import pytest
sys.path.insert(0, "dags")
for turn in "12":
    print("turn", turn, flush=True)
    pytest.main(["-p", "no:xdist", "-p", "no:cacheprovider", "-q", *sys.argv[1:]])
from configured import crawled_sources
from tingchao.building.inputs import describe_configuration
from tingchao.config import load_config
from tingchao.context import Context
from tingchao.steps.check_config import check_config
context = Context(load_config(Path("tingchao.yml")))
rows = describe_configuration(context, "1")["source_capabilities"]
print(json.dumps({
    "check": str(check_config(context)),
    "dags": crawled_sources(context.config),
    "matrix": {row["source"]: row["is_computable"] for row in rows if row["kpi_id"] == "mentions"},
}))
"""


@dataclass(frozen=True)
class Grown:
    """A copy of the project with one new source of each base, of the shortest and longest name."""

    home: Path
    names: dict[str, Base]

    @property
    def crawled(self) -> list[str]:
        return sorted(name for name, base in self.names.items() if base is not Base.FILE)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = {"PYTHONPATH": str(self.home), "TINGCHAO_CONFIG": str(self.home / "tingchao.yml")}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.home,
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    home = copy_project(tmp_path_factory.mktemp("project"))
    names = {f"x{number}": base for number, base in enumerate(Base)}
    for name, base in names.items():
        write_new_source(name, base, TODAY, home)
    return Grown(home, names)


@pytest.fixture(scope="module")
def looked(grown: Grown) -> tuple[str, str, dict[str, Any]]:
    """What its tests said, twice, and what the copy then knows of its new sources."""
    addresses = {Base.BOARD: "demo", Base.CURSOR: "7", Base.FEED: "news"}
    channels = [
        {"id": name, "source": name, "address": addresses[grown.names[name]]}
        for name in grown.crawled
    ]
    config = {"version": 1, "data_dir": "data", "channels": channels}
    (grown.home / "tingchao.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = grown.run("-c", LOOK, *(f"tests/scrapers/test_{name}.py" for name in grown.names))
    assert done.returncode == 0, done.stdout + done.stderr
    *said, found = done.stdout.splitlines()
    _, first, second = "\n".join(said).split("turn ")
    return first, second, json.loads(found)


def copy_project(home: Path) -> Path:
    for part in PARTS:
        source = REPOSITORY / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, home / part)
    (home / "tests" / "scrapers" / "fixtures").mkdir(parents=True)
    for file in (*TESTS, "scrapers/test_formats.py"):
        shutil.copy(REPOSITORY / "tests" / file, home / "tests" / file)
    return home


def test_what_is_written_is_clean_however_long_its_name(grown: Grown) -> None:
    for base in Base:
        write_new_source(f"a_{base}".ljust(LONGEST, "x"), base, TODAY, grown.home)
    for command in (["check"], ["format", "--check"]):
        done = grown.run("-m", "ruff", *command, "--no-cache", "scrapers", "tests")
        assert done.returncode == 0, done.stdout


def test_its_test_fails_first_and_passes_once_somebody_looked(
    looked: tuple[str, str, Any], grown: Grown
) -> None:
    first, second, _ = looked
    assert f"{len(grown.names)} failed" in first, first
    assert first.count("review it before proceeding") >= len(grown.names)
    assert f"{len(grown.names)} passed" in second, second
    for name in grown.names:
        (golden,) = (grown.home / "tests/scrapers/fixtures" / name).glob("*.golden.json")
        records = json.loads(golden.read_text(encoding="utf-8"))
        assert len(records) in (1, 2)
        assert not any(record.get("unread") for record in records)


def test_it_is_found_without_any_other_edit(looked: tuple[str, str, Any], grown: Grown) -> None:
    _, _, found = looked
    assert "tingchao.yml: valid" in found["check"]
    assert found["dags"] == grown.crawled
    matrix = {name: found["matrix"].get(name) for name in grown.names}
    assert matrix == dict.fromkeys(grown.names, True)
    for name in grown.crawled:
        assert unread_terms(load_source(name, grown.home / "scrapers/sources")) in found["check"]


def test_nothing_is_crawled_before_somebody_read_the_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (REPOSITORY / "scrapers/sources/ptt.yml").read_text(encoding="utf-8")
    unread = re.sub(r"(terms:\n.*\n  checked_on: ).*", r"\1null", text)
    (tmp_path / "ptt.yml").write_text(unread, encoding="utf-8")
    monkeypatch.setattr("scrapers.plan.load_source", lambda name: load_source(name, tmp_path))
    channel = Channel(id="demo", source="ptt", address="Demo")
    config = Config(version=1, channels=(channel,), path=tmp_path / "config.yml")
    asked = Request("run-1", None, NOW)
    with pytest.raises(SourceError, match="nobody has read the terms yet, so nothing is crawled"):
        plan_crawl(config, Lake.open(tmp_path / "lake"), "ptt", asked, now=NOW, log_folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../x", "expected a name of a-z"),
        ("/etc/passwd", "expected a name of a-z"),
        ("a/b", "expected a name of a-z"),
        ("Ptt", "expected a name of a-z"),
        ("9gag", "expected a name of a-z"),
        ("_x", "expected a name of a-z"),
        ("x__y", "expected a name of a-z"),
        ("x\n", "expected a name of a-z"),
        ("x" * (LONGEST + 1), "expected a name of a-z"),
        ("", "expected a name of a-z"),
        ("論壇", "expected a name of a-z"),
        ("class", "means something else"),
        ("match", "means something else"),
        ("csv", "means something else"),
        ("auto", "means something else"),
        ("ptt", "is there already"),
        ("dcard", "is there already"),
        ("boards", "test_boards.py is there already"),
    ],
)
@pytest.mark.parametrize("base", Base)
def test_a_name_that_is_no_good_is_refused_and_nothing_written(
    name: str, said: str, base: Base
) -> None:
    before = sorted(REPOSITORY.glob("scrapers/**/*"))
    with pytest.raises(SourceError, match=f"new-source: .*{said}"):
        write_new_source(name, base, TODAY)
    assert sorted(REPOSITORY.glob("scrapers/**/*")) == before


def test_an_installed_package_cannot_grow(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a checkout of the project"):
        write_new_source("shop", Base.FEED, TODAY, tmp_path)


def test_the_command_says_what_it_refuses() -> None:
    assert list(BASES) == [base.value for base in Base] == [base.value for base in TARGETS]
    result = CliRunner().invoke(cli, ["new-source", "../x", "--base", "board"])
    assert result.exit_code != 0
    assert "expected a name" in str(result.exception)
