"""What became of each channel of a crawl, as the child process reports it and a person reads it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lake import StopReason

FAILED = frozenset({StopReason.BLOCKED, StopReason.ERROR})


class ChannelOutcome(BaseModel):
    """One channel's counts and how it ended."""

    model_config = ConfigDict(extra="forbid")

    channel_id: str
    landed: int = 0
    unchanged: int = 0
    already: int = 0
    quarantined: int = 0
    suppressed: int = 0
    pages: int = 0
    received_bytes: int = 0
    stop_reason: StopReason = StopReason.ERROR
    covered_start: datetime | None = None
    covered_end: datetime | None = None
    detail: str | None = None

    @property
    def is_failed(self) -> bool:
        return self.stop_reason in FAILED

    def line(self) -> str:
        """Say it in one line: counts, stop reason, interval covered, detail."""
        covered = "covered nothing for sure"
        if self.covered_start and self.covered_end:
            covered = (
                f"covered {self.covered_start:%Y-%m-%dT%H:%MZ} … {self.covered_end:%Y-%m-%dT%H:%MZ}"
            )
        counts = (
            f"{self.landed:,} landed, {self.unchanged:,} unchanged, "
            f"{self.quarantined:,} quarantined, {self.pages:,} pages"
        )
        said = f"{self.channel_id}: {counts}; {self.stop_reason.value}, {covered}"
        return f"{said}; {self.detail}" if self.detail else said


class CrawlOutcome(BaseModel):
    """A whole crawl; `unknown_keys` are keys of raw records that no spider takes or ignores."""

    model_config = ConfigDict(extra="forbid")

    channels: list[ChannelOutcome] = Field(default_factory=list)
    unknown_keys: dict[str, int] = Field(default_factory=dict)
    finish_reason: str = "finished"

    def write(self, path: Path) -> None:
        """Write it whole or not at all: the parent must not read half of it."""
        staged = path.with_suffix(".tmp")
        staged.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        staged.replace(path)
