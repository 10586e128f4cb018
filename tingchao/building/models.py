"""One `dbt build` in a process of its own, and what it says of itself afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tingchao.config import Engine
from tingchao.errors import TingchaoError
from tingchao.fence import run_child
from tingchao.marts import PROJECT

KEPT_VARIABLES: Final = (
    "HOME",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "TINGCHAO_DBT_THREADS",
    "TINGCHAO_MEMORY_LIMIT",
    "TINGCHAO_THREADS",
    "TMPDIR",
)
"""Nothing else of our environment reaches dbt: no secrets, no options, no locale, no time zone."""

KEPT_FOR_SPARK: Final = ("JAVA_HOME", "SPARK_CONF_DIR", "SPARK_HOME", "TINGCHAO_SPARK_")
"""Beginnings of further names that reach dbt when it works on Spark."""

DATABASE: Final = "work.duckdb"
WITHOUT: Final = ("--exclude-resource-type", "unit_test")
"""Unit tests are for whoever changes a model, not for every build."""

PROGRAMS: Final = {
    Engine.DUCKDB: ("-c", "from dbt.cli.main import cli; cli()"),
    Engine.SPARK: ("-m", "tingchao.building.on_spark"),
}
PARTS: Final = ("dbt_project.yml", "profiles.yml", "macros", "models", "seeds", "tests")
CODE: Final = ("dbt_project.yml", "models/**/*.sql", "macros/**/*.sql", "seeds/*.csv")


@dataclass(frozen=True)
class Workshop:
    """A folder in which dbt finds everything under one relative name, whatever build it is.

    It is a dbt project by links, with the lake, the texts, the inputs and the database beside. So
    no path is part of any SQL, and what dbt parsed for one build is good for the next.
    """

    folder: Path
    target: Path
    logs: Path
    time_zone: str
    engine: Engine = Engine.DUCKDB

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def tables(self) -> Path:
        """Where Spark keeps its tables."""
        return self.folder / "tables"

    def lay_out(self) -> None:
        """Make the folders, and the links that make a dbt project of this one."""
        for folder in (self.inputs, self.target, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            (self.folder / part).symlink_to(PROJECT / part)

    def link(self, name: str, files: Iterable[Path], below: Path) -> None:
        """Link files into the folder `name`, each under its path `below`."""
        for file in files:
            link = self.folder / name / file.relative_to(below)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.absolute())


def digest_code() -> str:
    """Name the models, macros and seeds by their content."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in PROJECT.glob(pattern)):
        digest.update(f"{path.relative_to(PROJECT).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def run_models(workshop: Workshop) -> dict[str, float]:
    """Build and test every model; return the seconds that each took, by name.

    `TingchaoError` says what failed and how to look at it; the database is then good for nothing.
    """
    results = workshop.target / "run_results.json"
    results.unlink(missing_ok=True)
    environment = dbt_environment(workshop)
    child = run_child(dbt_command(workshop), env=environment, cwd=workshop.folder)
    if results.exists():
        shutil.copy(results, workshop.logs)
    entries = _entries(results)
    if child.returncode != 0:
        raise TingchaoError(_explain(workshop, entries, child.stdout + child.stderr))
    return {
        entry["unique_id"].split(".")[2]: entry["execution_time"]
        for entry in entries
        if entry["unique_id"].startswith(("model.", "seed."))
    }


def dbt_command(workshop: Workshop) -> list[str]:
    """Return the command line."""
    program = [sys.executable, *PROGRAMS[workshop.engine], "--quiet", "--no-use-colors", "build"]
    folders = ["--target-path", str(workshop.target), "--log-path", str(workshop.logs)]
    return [*program, *folders, "--target", workshop.engine.value, *WITHOUT]


def dbt_environment(workshop: Workshop) -> dict[str, str]:
    """Return the whole environment of the child: the same numbers on any machine, in any locale."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    if workshop.engine is Engine.SPARK:
        kept |= _for_spark(os.environ)
        kept["TINGCHAO_WORKSHOP"] = str(workshop.folder.absolute())  # executors work elsewhere
    return {
        **kept,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TINGCHAO_TIME_ZONE": workshop.time_zone,
    }


def _for_spark(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in environment if name.startswith(KEPT_FOR_SPARK)}


def _entries(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    entries: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))["results"]
    return entries


def _explain(workshop: Workshop, entries: list[dict[str, Any]], output: str) -> str:
    failed = [entry for entry in entries if entry["status"] in ("error", "fail", "runtime error")]
    said = [line for entry in failed for line in _complain(workshop, entry)]
    if not said:
        said = [f"dbt ended without results: {output.strip()[-2000:] or 'it said nothing'}"]
    return "\n".join(
        [
            "build: models or tests failed; the marts of the last build stay as they are",
            *said,
            f"dbt's log: {workshop.logs / 'dbt.log'}",
        ]
    )


def _complain(workshop: Workshop, entry: dict[str, Any]) -> Iterator[str]:
    kind, _, *rest = entry["unique_id"].split(".")
    name = rest[0] if kind == "test" else ".".join(rest)
    if kind != "test" or entry["status"] != "fail":
        yield f"- {kind} {name}: {' '.join((entry['message'] or '').split())}"
        return
    query = workshop.logs / f"{name}.sql"
    query.write_text(entry["compiled_code"], encoding="utf-8")
    models = ", ".join(_tested_by(workshop, entry["unique_id"]))
    yield f"- {models}: test {name} found {entry['failures']:,} rows that must not be; see them:"
    yield f"  {_look_at(workshop, query)}"


def _tested_by(workshop: Workshop, test_id: str) -> list[str]:
    manifest = json.loads((workshop.target / "manifest.json").read_text(encoding="utf-8"))
    tested = manifest["nodes"][test_id]["depends_on"]["nodes"]
    return [node.split(".")[2] for node in tested]


def _look_at(workshop: Workshop, query: Path) -> str:
    if workshop.engine is Engine.SPARK:
        return f"{query} finds them; its tables lie as Parquet in {workshop.tables}"
    program = (
        f"import duckdb; duckdb.connect({DATABASE!r}, read_only=True)"
        f".sql(open({str(query)!r}).read()).show()"
    )
    return f"cd {shlex.quote(str(workshop.folder))} && {sys.executable} -c {shlex.quote(program)}"
