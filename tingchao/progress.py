"""Progress on long work: visible on a terminal, silent with `--quiet` or without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

REDRAW_SECONDS = 0.2


class Counting(Protocol):
    """Something that counts finished work."""

    def advance(self, amount: int = 1) -> None: ...


class Progress:
    """Writes to stderr, so that what a command prints can be piped."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._visible = not quiet and self._stream.isatty()

    def step(self, line: str) -> None:
        """Say what begins now."""
        if self._visible:
            print(line, file=self._stream, flush=True)

    @contextmanager
    def track(self, label: str, total: int | None = None) -> Iterator[Counting]:
        """Show how far a long piece of work has come; `total` in the unit of `advance`."""
        counter = _Counter(label, total, self._stream if self._visible else None)
        try:
            yield counter
        finally:
            counter.close()


@dataclass
class _Counter:
    label: str
    total: int | None
    stream: TextIO | None
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    drawn: float = 0.0

    def advance(self, amount: int = 1) -> None:
        self.done += amount
        if self.stream is not None and time.monotonic() - self.drawn >= REDRAW_SECONDS:
            self._draw()

    def close(self) -> None:
        if self.stream is not None and self.done:
            self._draw()
            print(file=self.stream, flush=True)

    def _draw(self) -> None:
        self.drawn = time.monotonic()
        elapsed = max(self.drawn - self.started, 1e-9)
        of = f" of {self.total:,}" if self.total else ""
        line = f"\r{self.label}: {self.done:,}{of} ({self.done / elapsed:,.0f}/s)"
        print(line, end="\x1b[K", file=self.stream, flush=True)
