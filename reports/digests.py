"""Digests: of a file's bytes, and of a table's rows whatever the bytes that hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from tingchao.identifiers import quote

FETCHED_ROWS = 10_000


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_table(
    connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]
) -> tuple[int, str]:
    """Row count and SHA-256 over the columns' names, types and rows in key order.

    Reads every value once, so a table whose digest comes out right is whole.
    """
    digest = hashlib.sha256()
    described = connection.execute(f"describe {quote(table)}").fetchall()
    digest.update(repr([row[:2] for row in described]).encode())
    order = ", ".join(map(quote, key))
    rows = connection.execute(f"select to_json(t)::varchar from {quote(table)} t order by {order}")
    count = 0
    while batch := rows.fetchmany(FETCHED_ROWS):
        for (row,) in batch:
            digest.update(row.encode() + b"\n")
        count += len(batch)
    return count, digest.hexdigest()
