"""Metrics that a platform refuses, remembered from one crawl to the next.

One that is not known fails the whole question, so it is not asked again for a month; then it is
tried once more, for permissions and thresholds change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from scrapers.access.secrets import hide

TRIED_AGAIN_AFTER = timedelta(days=30)


class RefusedMetrics:
    """What was refused to one account, by kind of question: a small file beside the quota's.

    It only spares questions, so a file that is lost or torn is an empty one.
    """

    def __init__(self, path: Path | None, today: date) -> None:
        self.path, self.today = path, today
        self._on = self._load()

    def among(self, group: str, names: Iterable[str]) -> list[str]:
        """Return those names that need not be asked for."""
        return [name for name in names if self._is_fresh(self._on.get(f"{group}.{name}"))]

    def add(self, group: str, name: str, said: str) -> None:
        """Remember that a metric was refused today, and in which words."""
        self._on[f"{group}.{name}"] = {"on": self.today.isoformat(), "said": hide(said)[:300]}
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        part.write_text(json.dumps(self._on, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(self.path)

    def _is_fresh(self, entry: dict[str, str] | None) -> bool:
        if entry is None:
            return False
        try:
            return self.today < date.fromisoformat(entry["on"]) + TRIED_AGAIN_AFTER
        except (KeyError, TypeError, ValueError):
            return False

    def _load(self) -> dict[str, dict[str, str]]:
        if self.path is None:
            return {}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
