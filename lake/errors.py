"""What the lake refuses, said so that somebody can act on it."""

from __future__ import annotations


class LakeError(Exception):
    """The lake cannot do what was asked; the message says what was found and what to do."""


class InvalidRunError(LakeError, ValueError):
    """A logical run whose names or window cannot be landed under."""


class WriterClosedError(LakeError):
    """A channel writer was used after `finish()` or outside its `with` block."""


class SegmentTakenError(LakeError):
    """Another attempt of the same logical run committed this segment first."""


class RefusedRecordError(LakeError):
    """A record that does not fit its table; it goes to quarantine with `rule` and `reason`."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason
