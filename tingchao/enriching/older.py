"""Texts as an older engine understood them, in the columns of today.

Old files stay as they are: a build `as_of` an instant before the engine was changed reads them.
What an engine did not tell yet is NULL, and a list of it is empty. Engine 1 told words in full and
noise without a score, and did not ask who says a thing: its mentions are own words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from enrichment import ENRICHED_FILE


def _untold_is_null(kind: pa.DataType) -> pa.DataType:
    """The same type, in which every part may be NULL."""
    if pa.types.is_list(kind):
        return pa.list_(_untold_is_null(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(part.name, _untold_is_null(part.type)) for part in kind])
    return kind


CURRENT: Final = pa.schema([(f.name, _untold_is_null(f.type)) for f in ENRICHED_FILE])
_UNTOLD: Final[dict[str, dict[str, Any]]] = {
    "mentions": {"product_id": None, "rule": "word", "is_quoted": False},
    "noise": {"score": None},
    "intents": {"confidence": None, "words": []},
}
_NAMED_BY: Final = {"noise": "rule", "intents": "name"}
"""What a plain text in a list of engine 1 has become."""


def is_current(path: Path) -> bool:
    """Whether a file has every column of today, of today's type; reads its footer only."""
    schema = pq.read_schema(path)
    return all(
        field.name in schema.names and schema.field(field.name).type == field.type
        for field in ENRICHED_FILE
    )


def read_as_of_today(path: Path) -> pa.Table:
    """Return the rows of a file that is not current, in today's columns."""
    old = pq.read_table(path, partitioning=None)
    columns = [_column(old, field) for field in CURRENT]
    return pa.table(columns, schema=CURRENT)


def _column(old: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    name = field.name
    if name == "word_lengths" and "words" in old.column_names:
        return pa.array([_lengths(words) for words in old["words"].to_pylist()], field.type)
    if name not in old.column_names:
        empty: list[Any] | None = [] if pa.types.is_list(field.type) else None
        return pa.array([empty] * old.num_rows, field.type)
    column = old[name]
    if column.type == field.type:
        return column
    if column.type == pa.uint64():  # the same 64 bits, with a sign
        return pa.chunked_array([c.view(field.type) for c in column.chunks], field.type)
    if name in _UNTOLD:
        return pa.array([_told(name, row) for row in column.to_pylist()], field.type)
    return pc.cast(column, field.type)


def _lengths(words: list[str]) -> list[int]:
    return [len(word) for word in words]


def _told(name: str, row: list[Any]) -> list[dict[str, Any]]:
    named = [one if isinstance(one, dict) else {_NAMED_BY[name]: one} for one in row]
    return [{**_UNTOLD[name], **one} for one in named]
