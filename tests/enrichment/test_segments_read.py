"""Segments that were gone through are not read again, as long as what came of them is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake import Lake
from tests.enrichment.test_enrich_step import context_of, land, rows_of
from tingchao.steps.enrich import enrich


def test_only_new_segments_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(tmp_path)
    land(context, range(4))
    enrich(context)
    skipped: list[set[str]] = []
    read = Lake.texts
    monkeypatch.setattr(
        Lake,
        "texts",
        lambda lake, skip, *, skip_segments: (
            skipped.append(skip_segments) or read(lake, skip, skip_segments=skip_segments)
        ),
    )
    first = {Path(path).stem for path in context.lake.segments("posts")}
    assert enrich(context).enriched_count == 0
    assert skipped == [], "nothing landed, nothing is read"
    land(context, range(2, 7), "two")
    assert enrich(context).enriched_count == 3
    assert skipped == [first]


@pytest.mark.parametrize("lost", ["texts/*/*.parquet", "read/*/*.json"])
def test_a_lost_file_is_made_again_and_a_lost_note_costs_only_time(
    tmp_path: Path, lost: str
) -> None:
    context = context_of(tmp_path)
    for number in range(3):
        land(context, range(number, number + 2), f"run {number}")
        enrich(context)
    rows = rows_of(tmp_path)
    assert len(rows) == 4
    first, *_ = sorted((tmp_path / "data/enriched").glob(lost))
    first.unlink()
    enrich(context)
    assert rows_of(tmp_path) == rows


def test_what_a_killed_attempt_left_aside_is_removed_by_the_next_run(tmp_path: Path) -> None:
    """It may hold texts of people who were erased since."""
    left = tmp_path / "data/enriched/attempts/1-ab/0123.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"")
    enrich(context_of(tmp_path))
    assert not left.parent.parent.exists()
