"""What marts there are, read from the yml beside each model: keys, columns, who may see what.

dbt is not needed for it: who publishes, shows or compares marts reads them here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

PROJECT: Final = Path(__file__).resolve().parent.parent / "dbt_project"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NUMERIC: Final = ("bigint", "double", "decimal")


@dataclass(frozen=True)
class Column:
    """One column; `data_type` as DuckDB writes it, in lower case."""

    name: str
    data_type: str
    description: str

    @property
    def is_numeric(self) -> bool:
        return self.data_type.startswith(NUMERIC)


@dataclass(frozen=True)
class Mart:
    """One mart. `folder` is '' for the ones on top.

    `hides` has every column that counts distinct people; where it is above 0 and below the
    reporting threshold, the published copy of the row has NULL in the columns it is mapped to.
    `wholes` maps a count of people to the one it is part of: few left over hide it just so.
    """

    name: str
    folder: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    hides: Mapping[str, tuple[str, ...]]
    wholes: Mapping[str, str]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def types(self) -> dict[str, str]:
        """Columns with their types as DuckDB reports them."""
        return {column.name: column.data_type.upper() for column in self.columns}

    @property
    def people_columns(self) -> tuple[str, ...]:
        return tuple(self.hides)

    @property
    def suppress_columns(self) -> tuple[str, ...]:
        """Every column that may be emptied, each once."""
        return tuple(dict.fromkeys(name for hidden in self.hides.values() for name in hidden))


@cache
def load_marts(project: Path = PROJECT) -> tuple[Mart, ...]:
    """Return every mart, the ones on top first, then by folder and name."""
    models = project / "models" / "marts"
    found = [
        _mart(entry, path.parent.relative_to(models))
        for path in models.rglob("*.yml")
        for entry in _read(path).get("models", [])
    ]
    found += [
        _mart(entry, Path())
        for path in (project / "seeds").glob("*.yml")
        for entry in _read(path).get("seeds", [])
    ]
    return tuple(sorted(found, key=lambda mart: (mart.folder, mart.name)))


def mart_named(name: str) -> Mart:
    """Return one mart; `KeyError` names the ones there are."""
    marts = {mart.name: mart for mart in load_marts()}
    if name not in marts:
        raise KeyError(f"no mart {name!r}; marts: {', '.join(marts)}")
    return marts[name]


def _read(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        content: dict[str, Any] = yaml.load(file, Loader=_LOADER)  # noqa: S506 (safe, in C)
    return content


def _mart(entry: dict[str, Any], folder: Path) -> Mart:
    meta = entry["config"]["meta"]
    return Mart(
        name=entry["name"],
        folder="" if folder == Path() else folder.as_posix(),
        description=" ".join(entry["description"].split()),
        key=tuple(meta["key"]),
        columns=tuple(
            Column(c["name"], c["data_type"], " ".join(c["description"].split()))
            for c in entry["columns"]
        ),
        hides=dict(_hidden(meta["people_columns"], meta["suppress_columns"])),
        wholes=meta.get("people_remainders", {}),
    )


def _hidden(
    people_columns: list[str], suppress_columns: list[str] | dict[str, list[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what each people column hides; one list is for all of them."""
    for people in people_columns:
        hidden = (
            suppress_columns if isinstance(suppress_columns, list) else suppress_columns[people]
        )
        yield people, tuple(dict.fromkeys((people, *hidden)))
