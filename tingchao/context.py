"""What every step is given: configuration, clock, progress, the lake, and the pseudonym key."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tingchao.config import Config, load_config
from tingchao.errors import ConfigurationError
from tingchao.instants import parse_instant
from tingchao.progress import Progress

if TYPE_CHECKING:
    from lake import Lake
    from lake.pseudonyms import Pseudonyms

NOW = "TINGCHAO_NOW"


def wall_clock() -> datetime:
    """The machine's clock, as an aware UTC instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """Given to every step; nothing else tells a step where things are or what time it is."""

    config: Config
    now: Callable[[], datetime] = wall_clock
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))

    @cached_property
    def lake(self) -> Lake:
        from lake import Lake

        return Lake.open(self.config.landing_uri)

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """The key that turns people into pseudonyms; `ConfigurationError` when there is none."""
        from lake.pseudonyms import PseudonymKeyError, Pseudonyms

        try:
            return Pseudonyms.from_environment(os.environ)
        except PseudonymKeyError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def data(self) -> Path:
        return self.config.data

    def lock(self, name: str) -> Path:
        return self.data / "locks" / f"{name}.lock"

    def run_folder(self, run_id: str) -> Path:
        """Folder for the logs and verdicts of one run; odd characters are folded."""
        safe = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in run_id)[:128]
        folder = self.data / "runs" / (safe.lstrip(".") or "run")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def open_context(path: Path, *, now: str | None = None, quiet: bool = False) -> Context:
    """Load the configuration and settle the clock: `now` or TINGCHAO_NOW freezes it."""
    frozen = now or os.environ.get(NOW)
    if not frozen:
        return Context(load_config(path), progress=Progress(quiet=quiet))
    instant = parse_instant(frozen).astimezone(UTC)
    return Context(load_config(path), lambda: instant, Progress(quiet=quiet))
