"""The longest tests begin first, so that no worker is left alone with them at the end."""

from __future__ import annotations

import pytest

LONGEST = ("tests/pipeline/", "tests/dags/test_scheduler", "tests/dbt/test_history", "tests/dbt/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), 99)
