"""The one function that runs on every engine: typed, pure, in order; and what it says today."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from enrichment import ENGINE_VERSION, ENRICHED, ENRICHED_FILE, TEXTS, enrich_batch
from tests.enrichment.sayings import SAYINGS, lexicon

GOLDEN = Path(__file__).with_name("golden.json")


def batch(texts: tuple[str, ...] = SAYINGS) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"text_hash": [f"{i:032x}" for i in range(len(texts))], "text": list(texts)}, schema=TEXTS
    )


def test_rows_come_back_in_order_in_the_written_schema() -> None:
    enriched = enrich_batch(batch(), lexicon())
    enriched.validate(full=True)
    assert enriched.schema == ENRICHED
    assert enriched.column("text_hash").equals(batch().column("text_hash"))
    assert set(enriched.column("version").to_pylist()) == {lexicon().version}


def test_required_columns_are_never_null() -> None:
    enriched = enrich_batch(batch(), lexicon())
    for field in ENRICHED:
        assert field.nullable or enriched.column(field.name).null_count == 0, field.name


def test_every_column_says_what_it_means() -> None:
    assert all(field.metadata[b"doc"] for field in ENRICHED_FILE)


def test_words_give_the_folded_text_back() -> None:
    for row in enrich_batch(batch(), lexicon()).to_pylist():
        assert sum(row["word_lengths"]) == len(row["folded_text"])


def test_spans_show_the_alias_in_the_original() -> None:
    texts = dict(zip(batch().column("text_hash").to_pylist(), SAYINGS, strict=True))
    shown = {
        texts[row["text_hash"]][mention["start"] : mention["end"]]
        for row in enrich_batch(batch(), lexicon()).to_pylist()
        for mention in row["mentions"]
    }
    assert shown == {"潮鳴茶", "潮鸣茶", "雲霧手搖", "LG"}


def test_batches_do_not_influence_each_other() -> None:
    whole = enrich_batch(batch(), lexicon())
    halves = [enrich_batch(batch().slice(a, 9), lexicon()) for a in range(0, len(SAYINGS), 9)]
    assert pa.Table.from_batches(halves).combine_chunks().to_batches()[0].equals(whole)


def test_an_empty_batch_stays_typed() -> None:
    empty = enrich_batch(batch().slice(0, 0), lexicon())
    assert (empty.num_rows, empty.schema) == (0, ENRICHED)


def test_a_null_text_reads_as_an_empty_one() -> None:
    nothing = pa.RecordBatch.from_pydict({"text_hash": ["0" * 32], "text": pa.array([None], "str")})
    (row,) = enrich_batch(nothing, lexicon()).to_pylist()
    assert (row["sentiment"], row["word_lengths"], row["folded_text"]) == ("unknown", [], "")


@pytest.mark.parametrize("count", [1, 11, 300])
def test_empty_texts_may_stand_in_a_row(count: int) -> None:
    """Their ends make a run of equal characters, as a text could have one."""
    texts = ["去潮鳴茶", *[""] * count, "好喝"]
    rows = [{"text_hash": f"{i:032}", "text": text} for i, text in enumerate(texts)]
    told = enrich_batch(pa.RecordBatch.from_pylist(rows, TEXTS), lexicon()).to_pylist()
    assert [row["word_lengths"] for row in told] == [[1, 3], *[[]] * count, [2]]


def test_the_call_can_be_sent_anywhere() -> None:
    function, arguments = pickle.loads(pickle.dumps((enrich_batch, (batch(), lexicon()))))
    assert function(*arguments).equals(enrich_batch(batch(), lexicon()))


def test_output_changes_only_with_the_engine_version() -> None:
    """A missing file is written anew: delete it, run, and review what changed."""
    said = {"engine_version": ENGINE_VERSION, "rows": _telling_rows()}
    if not GOLDEN.exists():
        GOLDEN.write_text(_as_lines(said), encoding="utf-8")
        pytest.fail(f"{GOLDEN.name} was missing and is written now; review it before proceeding")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    changed = [(a, b) for a, b in zip(golden["rows"], said["rows"], strict=False) if a != b]
    assert not changed, "raise ENGINE_VERSION in enrichment/schema.py and delete golden.json"
    assert golden == said


def _telling_rows() -> list[dict[str, object]]:
    rows = enrich_batch(batch(), lexicon()).to_pylist()
    leave_out = {"text_hash", "version"}
    told = [{k: v for k, v in row.items() if k not in leave_out} for row in rows]
    return [{"text": text, **row} for text, row in zip(SAYINGS, told, strict=True)]


def _as_lines(said: dict[str, object]) -> str:
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"
