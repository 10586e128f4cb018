"""Which export formats have a name, and what they bring, told without importing what reads them.

A named format is a module and a description of the same name in `scrapers/importers/formats/`. The
configuration and the DAGs need only the description.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

MAPPED = ("csv", "jsonl", "parquet", "xlsx")  # read by a column map of the configuration
AUTO = "auto"


def named_formats() -> tuple[str, ...]:
    """List the formats that need no column map."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yml")))


def sources_of_format(name: str) -> tuple[str, ...]:
    """Return the sources that files of a named format can land; `auto` can be any of them."""
    names = named_formats() if name == AUTO else (name,)
    return tuple(sorted({source for one in names for source in describe_format(one)["sources"]}))


@cache
def describe_format(name: str) -> dict[str, Any]:
    """Return the description of a named format as it stands in its file."""
    described = yaml.safe_load((_folder() / f"{name}.yml").read_text(encoding="utf-8"))
    return dict(described)


@cache
def _folder() -> Path:
    """Found without importing anything of the scrapers."""
    package = find_spec("scrapers")
    folders = (package.submodule_search_locations if package else None) or []
    return Path(next(iter(folders), "scrapers")) / "importers" / "formats"
