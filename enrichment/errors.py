"""What can be wrong with what the caller brings; text itself is never an error."""

from __future__ import annotations


class LexiconError(Exception):
    """Brands or topics contradict themselves; the message lists every contradiction."""


class ModelError(ValueError):
    """A trained model cannot be used; the message says why."""
