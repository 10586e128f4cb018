"""Columns of the enriched schema from plain lists and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa

from enrichment.joined import Joined, Places, decode
from enrichment.schema import ENRICHED

_WIDER_FROM: Final = (0x80, 0x800, 0x10000)
"""Code points from which on UTF-8 takes a byte more."""


def list_column(name: str, rows: Sequence[Sequence[tuple[Any, ...]]]) -> pa.Array:
    """Return a column of lists of structs; each row holds its structs as tuples, in order."""
    return sparse_list_column(name, {i: row for i, row in enumerate(rows) if row}, len(rows))


def sparse_list_column(
    name: str, rows: Mapping[int, Sequence[tuple[Any, ...]]], count: int
) -> pa.Array:
    """Return a column of `count` lists of structs, of which only those in `rows` hold any."""
    fields = list(ENRICHED.field(name).type.value_type)
    texts = sorted(rows)
    flat = list(chain.from_iterable(map(rows.__getitem__, texts)))
    values = zip(*flat, strict=True) if flat else ([] for _ in fields)
    arrays = [pa.array(list(v), f.type) for v, f in zip(values, fields, strict=True)]
    counts = np.zeros(count, np.int64)
    counts[texts] = [len(rows[text]) for text in texts]
    return from_counts(name, counts, pa.StructArray.from_arrays(arrays, fields=fields))


def from_counts(name: str, counts: Any, values: pa.Array) -> pa.Array:
    """Return a column of lists from how many values each row has, and all the values."""
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=ENRICHED.field(name).type)


def distinct_column(
    name: str, owners: Places, values: Places, names: pa.Array, count: int
) -> pa.Array:
    """Return a column of lists of names: of each text those of its values, once, in their order.

    Value `values[k]`, a place in `names`, is one of text `owners[k]`; there are `count` texts.
    """
    width = max(1, len(names))
    pairs = np.unique(owners * width + values)
    counts = np.bincount(pairs // width, minlength=count)
    return from_counts(name, counts, names.take(pa.array(pairs % width)))


def string_column(texts: Joined) -> pa.Array:
    """Return joined texts as a column of strings, without their separators."""
    sizes = texts.lengths
    for limit in _WIDER_FROM:
        sizes += texts.count(texts.codes >= limit)
    offsets = np.append(0, np.cumsum(sizes)).astype(np.int32)
    said = decode(texts.codes[~texts.is_separator()]).encode("utf-8", "surrogatepass")
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(said))
