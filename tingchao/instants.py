"""Instants as people type them."""

from __future__ import annotations

from datetime import datetime

from tingchao.errors import ConfigurationError


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset; `ConfigurationError` when it has none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"expected an instant such as 2026-10-01T00:00:00+08:00, found {text!r}"
        ) from None
    if instant.tzinfo is None:
        full = instant.isoformat(timespec="seconds")
        raise ConfigurationError(f"expected an offset, as in {full}+08:00 or {full}Z; found none")
    return instant
