"""Counts of how well texts are understood, from the files of a version."""

from __future__ import annotations

from pathlib import Path

from tests.enrichment.sayings import SAYINGS, lexicon
from tests.enrichment.test_carrying import land, listening_for
from tingchao.enriching.counting import count_understanding
from tingchao.steps.enrich import enrich


def test_texts_are_counted_by_what_is_missing_and_read_in_both_scripts(tmp_path: Path) -> None:
    context = listening_for(tmp_path)
    land(context)
    enrich(context)
    files = list((context.data / "enriched" / "texts").rglob("*.parquet"))
    found = count_understanding(files, lexicon())
    assert found is not None
    assert found.text_count == len([text for text in SAYINGS if text.strip()])
    assert 0 < found.noisy_text_count < found.text_count
    assert 0 < found.unknown_mood_text_count < found.text_count
    assert found.wordless_text_count == 1, "。。。"
    assert 20 < found.turned_text_count == found.same_text_count


def test_without_files_nothing_is_known() -> None:
    assert count_understanding([], lexicon()) is None
