"""Errors that a person can act on: what, where, found, expected, and what to do next."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_GATE_REFUSED = 3
EXIT_IDLE = 99  # only where it is asked for: there was nothing to do; Airflow's skip
EXIT_BUSY = 75  # EX_TEMPFAIL: somebody else holds the lock; a later retry may succeed


class TingchaoError(Exception):
    """A failure that somebody must act on; the message says how."""

    exit_code = EXIT_FAILED


class ConfigurationError(TingchaoError):
    """The user's configuration or environment is wrong; nothing was run."""

    exit_code = EXIT_USAGE


class GateRefusedError(TingchaoError):
    """A gate refused what it was shown; what was published before stays published."""

    exit_code = EXIT_GATE_REFUSED


class BusyError(TingchaoError):
    """Another process runs this very step; nothing was changed."""

    exit_code = EXIT_BUSY
