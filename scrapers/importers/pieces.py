"""The records that lie somewhere inside a JSON answer, whatever is wrapped around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_DEPTH = 24

Kind = Callable[[Mapping[str, Any]], str | None]


def find_pieces(
    value: Any, kind_of: Kind, depth: int = MAX_DEPTH
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object that is of some kind, and its kind, in the order of the document.

    What lies inside of one belongs to it and is its reader's to look for.
    """
    if depth == 0:
        return
    if isinstance(value, dict):
        kind = kind_of(value)
        if kind is not None:
            yield kind, value
            return
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from find_pieces(one, kind_of, depth - 1)
