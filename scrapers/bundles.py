"""What one page brings goes to the lake in one piece.

Scrapy's way of an item through its middlewares and pipelines costs more than landing it; a page of
pushes is hundreds of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scrapy import Request

MOST = 500  # records a bundle: a page that never ends is landed as it comes


@dataclass(frozen=True)
class Bundle:
    """Records and notes, in the order in which a spider yielded them."""

    items: tuple[Any, ...]


def bundled(steps: Iterable[Any]) -> Iterator[Request | Bundle]:
    """Let requests through as they come, and everything else together."""
    waiting: list[Any] = []
    for step in steps:
        if isinstance(step, Request):
            yield step
            continue
        waiting.append(step)
        if len(waiting) == MOST:
            yield Bundle(tuple(waiting))
            waiting = []
    if waiting:
        yield Bundle(tuple(waiting))
