"""`manifest.json`: what a published version holds, so that anybody can check it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from reports.errors import PublicationError
from reports.marts_file import Facts

SCHEMA_VERSION = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class Table:
    """Rows of one table and the digest over them (`reports.digests.digest_of_table`)."""

    file: str
    rows: int
    digest: str
    key: tuple[str, ...]
    suppressed_rows: int = 0


@dataclass(frozen=True)
class StoredFile:
    """Size in bytes and SHA-256 of one file of the version."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One published version; instants are ISO 8601 with an offset."""

    version: str
    published_at: str
    as_of_at: str
    facts: dict[str, Any]
    tables: dict[str, Table]
    files: dict[str, StoredFile] = field(default_factory=dict)
    gate: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def mart_rows(self) -> dict[str, int]:
        """Row count per mart, what the next publication is measured against."""
        return {n: t.rows for n, t in self.tables.items() if t.file == "marts.duckdb"}

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, default=str)
        (folder / NAME).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a version's manifest; `PublicationError` when it is missing or not one."""
        path = folder / NAME
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"schema version {data['schema_version']}")
            tables = {n: Table(**{**t, "key": tuple(t["key"])}) for n, t in data["tables"].items()}
            files = {n: StoredFile(**f) for n, f in data["files"].items()}
            return cls(**{**data, "tables": tables, "files": files})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PublicationError(
                f"{path}: expected a manifest of schema version {SCHEMA_VERSION}, found: {error}; "
                "run `tingchao publish`, which writes the version anew"
            ) from None


def name_version(facts: Facts, tables: Mapping[str, Table], labels: Mapping[str, str]) -> str:
    """Name a version after its instant and its content: equal content, equal name.

    `labels` are the names that the report prints beside the numbers.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "facts": asdict(facts),
        "tables": {name: (table.rows, table.digest) for name, table in tables.items()},
        "labels": dict(labels),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return f"{facts.as_of_at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
