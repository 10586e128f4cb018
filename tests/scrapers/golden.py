"""Golden files: written when missing, compared ever after. Review before committing one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def compare(path: Path, value: Any) -> None:
    """Compare with the golden file, or write it and fail once: somebody must look at it."""
    written = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=_plain) + "\n"
    if not path.exists():
        path.write_text(written, encoding="utf-8")
        pytest.fail(f"wrote {path.name}; review it before proceeding")
    assert json.loads(written) == json.loads(path.read_text(encoding="utf-8"))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)
