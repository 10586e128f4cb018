"""Who may import whom, and what every file of the project must be."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
OURS = {"dags", "demo", "enrichment", "lake", "quality", "reports", "scrapers", "tingchao"}

# stage: what of ours it may import, as module prefixes
ALLOWED = {
    "lake": {"lake"},
    "enrichment": {"enrichment"},
    "scrapers": {"scrapers", "lake", "tingchao"},
    "quality": {"quality", "tingchao"},
    "reports": {"reports", "tingchao"},
    "dags": {"dags", "tingchao.config", "tingchao.errors"},
    "tingchao": OURS - {"demo", "dags"},
}
HEAVY = {
    *("dbt", "duckdb", "great_expectations", "jieba", "opencc"),
    *("pandas", "pyarrow", "pyspark", "scrapy"),
}


def python_files(folder: str) -> list[Path]:
    return sorted((REPOSITORY / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def is_within(module: str, prefixes: set[str]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize("stage", ALLOWED)
def test_a_stage_imports_only_what_it_may(stage: str) -> None:
    files = python_files(stage)
    assert files
    strangers = {
        (str(path.relative_to(REPOSITORY)), module)
        for path in files
        for module in imported(path)
        if module.split(".")[0] in OURS and not is_within(module, ALLOWED[stage])
    }
    assert strangers <= {("tingchao/cli.py", "demo.main_job")}


def test_a_dag_file_imports_nothing_heavy() -> None:
    loaded = {module.split(".")[0] for path in python_files("dags") for module in imported(path)}
    assert "airflow" in loaded
    assert not loaded & HEAVY


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def test_no_machine_path_and_no_registry_address_is_written_down() -> None:
    forbidden = re.compile(r"/(?:root|home/\w+|work)/|index-url\s*=|pypi\.org/simple")
    me = Path(__file__)
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in tracked_files()
        if path != me and path.suffix not in {".png", ".parquet"} and path.is_file()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-spark.lock"])
def test_a_lock_names_no_address_and_hashes_everything(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE | re.IGNORECASE)
    assert len(pinned) > 100
    assert text.count("--hash=sha256:") >= len(pinned)


def test_spark_is_an_extra_that_changes_nothing_of_the_default_environment() -> None:
    default, with_spark = (_pins(name) for name in ("requirements.lock", "requirements-spark.lock"))
    assert {"pyspark", "dbt-spark"} <= with_spark.keys() - default.keys()
    shared = with_spark.keys() & default.keys()
    assert {name: with_spark[name] for name in shared} == {name: default[name] for name in shared}


def _pins(lock: str) -> dict[str, str]:
    text = (REPOSITORY / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE | re.IGNORECASE))


def test_dbt_keeps_its_two_rules() -> None:
    assert not [p for folder in OURS for p in python_files(folder) if p.name.startswith("dbt_")]
    assert not list((REPOSITORY / "dbt_project").rglob("__init__.py"))


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common.py", "misc.py"])
def test_modules_are_named_after_what_they_do(name: str) -> None:
    assert not [path for folder in OURS for path in python_files(folder) if path.name == name]


def test_text_files_are_utf8_and_end_with_a_newline() -> None:
    suffixes = {".py", ".sql", ".yml", ".md", ".toml", ".j2", ".csv", ".tsv", ".css"}
    ours = [p for p in tracked_files() if p.suffix in suffixes and "fixtures" not in p.parts]
    assert ours
    wrong = [str(p.relative_to(REPOSITORY)) for p in ours if p.is_file() and not _is_tidy(p)]
    assert not wrong


def _is_tidy(path: Path) -> bool:
    raw = path.read_bytes()
    raw.decode("utf-8")
    return not raw or (raw.endswith(b"\n") and b"\r" not in raw)
