"""One small town for all tests that only look at it."""

from __future__ import annotations

import pytest

from demo.town import Town


@pytest.fixture(scope="session")
def town() -> Town:
    """Nine hundred people, forty days: the crisis and the wave lie within."""
    return Town(seed=11, people=900, days=40)
