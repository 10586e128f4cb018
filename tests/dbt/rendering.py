"""The project's SQL as either engine gets it, rendered without dbt and in milliseconds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from tingchao.marts import PROJECT

ENGINES = ("duckdb", "spark")
_MATERIALIZATION = re.compile(r"\{% materialization .*?\{% endmaterialization %\}", re.DOTALL)


class Relation(str):
    """A relation that is only its name."""

    def include(self, **_parts: bool) -> Relation:
        return self


class _Adapter:
    """Chooses macros as dbt does, and knows of nothing that was built before."""

    def __init__(self, engine: str, macros: dict[str, Any]) -> None:
        self._engine, self._macros = engine, macros

    def dispatch(self, name: str, *_namespace: str) -> Any:
        candidates = (f"{self._engine}__{name}", f"default__{name}", name)
        return next(self._macros[one] for one in candidates if one in self._macros)

    def get_relation(self, **_where: object) -> None:
        return None


def render(source: str, engine: str) -> str:
    """Return a model's or a test's SQL as `engine` gets it."""
    environment, macros = _project(engine)
    return environment.from_string(source).render(macros)


def sql_files() -> list[Path]:
    """Return every model and every test that both engines run."""
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "tests").glob("*.sql")]
    return sorted(files)


@cache
def _project(engine: str) -> tuple[Environment, dict[str, Any]]:
    environment = Environment(extensions=["jinja2.ext.do"])
    macros: dict[str, Any] = {}
    environment.globals |= {
        "adapter": _Adapter(engine, macros),
        "builtins": {"ref": lambda name: Relation(name)},
        "config": lambda **_settings: "",
        "env_var": lambda _name, default: default,
        "execute": True,
        "flags": {"FULL_REFRESH": False},
        "return": lambda value: value,
        "target": {"database": None, "schema": "main"},
    }
    files = sorted((PROJECT / "macros").rglob("*.sql"))
    text = "\n".join(_MATERIALIZATION.sub("", path.read_text("utf-8")) for path in files)
    module = environment.from_string(text).module
    macros |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return environment, macros
