"""Which number from which source: decided for every pair, and unknown where nobody looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scrapers.capabilities import (
    KPIS,
    REASONS,
    Computable,
    capabilities_of,
    declared_by,
    described_sources,
    judge,
    together,
)
from scrapers.source import Capabilities
from scrapers.sources_page import PAGE, render_page
from tingchao.building.inputs import describe_configuration
from tingchao.config import load_config
from tingchao.context import Context

BY_ID = {kpi.kpi_id: kpi for kpi in KPIS}
BLIND = Capabilities(author_identity=False, fan_count=True, reaction_actors=False)


@pytest.mark.parametrize("source", described_sources())
def test_every_number_is_decided_for_every_source(source: str) -> None:
    can = capabilities_of(source)
    undecided = [kpi.kpi_id for kpi in KPIS if judge(can, kpi).is_computable is None]
    assert undecided == [], f"write what {source} shows under `capabilities`"


def test_a_source_that_names_nobody_has_no_activity_and_says_so() -> None:
    found = judge(BLIND, BY_ID["activity_rate"])
    assert found == Computable(False, ("author_identity",))
    assert found.reason == REASONS["author_identity"]


def test_what_nobody_declared_is_unknown_and_never_false() -> None:
    assert capabilities_of("nowhere") is None
    for kpi in KPIS:
        found = judge(None, kpi)
        assert found == Computable(None, kpi.needs)
        assert found.reason and found.reason.zh.startswith("尚未查明")
    assert judge(BLIND, BY_ID["reach"]).is_computable is None


def test_what_is_lacking_weighs_more_than_what_is_unknown() -> None:
    assert judge(BLIND, BY_ID["response_time"]) == Computable(False, ("author_identity",))


def test_any_way_in_is_enough() -> None:
    seeing = BLIND.model_copy(update={"author_identity": True, "view_counts": False})
    both = together([BLIND, seeing])
    assert both is not None
    assert (both.author_identity, both.view_counts) == (True, None)
    assert together([]) is None


@pytest.mark.parametrize(
    ("source", "expected"), [("a", True), ("b", False), ("a-source-of-my-own", None)]
)
def test_a_format_may_say_it_of_some_of_its_sources(source: str, expected: bool | None) -> None:
    described: dict[str, Any] = {"sources": ["a", "b"], "tables": ["posts"]}
    told = {"author_identity": True, "reaction_actors": False, "view_counts": ["a"]}
    can = declared_by({**described, "capabilities": told}, source)
    assert (can.view_counts, can.texts, can.orders, can.replies) == (expected, True, False, None)


def test_a_format_of_posts_says_whether_it_names_people() -> None:
    with pytest.raises(ValueError, match="expected author_identity"):
        declared_by({"sources": ["a"], "tables": ["posts"]}, "a")


def test_the_reasons_fit_into_a_label_of_the_marts() -> None:
    for kpi in KPIS:
        reason = judge(None, kpi).reason
        assert reason and max(len(reason.zh), len(reason.en)) <= 200


def test_the_page_of_sources_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == render_page(), "docs/sources.md is stale: python -m scrapers.sources_page"


def rows_of(folder: Path, **more: Any) -> dict[tuple[str, str], dict[str, Any]]:
    config = {"version": 1, "data_dir": "data", "channels": [], **more}
    path = folder / "tingchao.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    rows = describe_configuration(Context(load_config(path)), "1")["source_capabilities"]
    return {(row["source"], row["kpi_id"]): row for row in rows}


def test_an_import_by_column_map_tells_by_its_columns(tmp_path: Path) -> None:
    posts = {
        "id": "talk",
        "table": "posts",
        "source": "club",
        "format": "csv",
        "path": "*.csv",
        "channel": "club",
        "columns": {"post_id": "id", "published_at": "at", "body_text": "text"},
        "counters": {"like": "likes"},
    }
    channels = [{"id": "club", "source": "club", "address": "x"}]
    rows = rows_of(tmp_path, channels=channels, imports=[posts])
    told = {kpi: rows["club", kpi]["is_computable"] for kpi in BY_ID}
    assert told["mentions"] is True
    assert told["activity_rate"] is told["orders"] is False
    assert told["reactions"] is None
    assert rows["club", "activity_rate"]["missing_capability"] == "author_identity, fan_count"
    posts["columns"]["author"] = "who"  # type: ignore[index]
    assert rows_of(tmp_path, channels=channels, imports=[posts])["club", "active_fans"][
        "is_computable"
    ]


def test_every_source_there_is_has_its_rows(tmp_path: Path) -> None:
    channels = [{"id": "x", "source": "somewhere", "address": "x"}]
    rows = rows_of(tmp_path, channels=channels)
    assert {source for source, _ in rows} == {*described_sources(), "somewhere"}
    assert len(rows) == (len(described_sources()) + 1) * len(KPIS)
    assert rows["somewhere", "mentions"]["is_computable"] is None
