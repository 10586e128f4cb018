"""Enrichment on Spark gives the rows of the local one, and a run that is cut short changes none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake import LogicalRun
from tests.enrichment.test_enrich_step import DAY, NOW, context_of, land, rows_of
from tingchao import spark
from tingchao.config import Engine
from tingchao.context import Context
from tingchao.enriching import on_spark
from tingchao.enriching.files import EnrichedFiles
from tingchao.enriching.on_spark import Errand
from tingchao.errors import TingchaoError
from tingchao.steps.enrich import enrich, lexicon_of


@pytest.fixture(scope="module")
def session(spark_here: None) -> Iterator[Any]:
    """Spark on two cores of this machine, for all tests of this file."""
    opened = spark.open_session("tests", {**os.environ, spark.SHUFFLE_PARTITIONS: "2"})
    yield opened
    opened.stop()


def land_titles(context: Context) -> None:
    """Posts with titles, one without any text, and the same text in another segment."""
    posts: list[dict[str, object]] = [
        {"post_id": "T.1", "title_text": "[心得] 潮鳴茶", "body_text": "很好喝\n會再來"},
        {"post_id": "T.2", "title_text": "潮鳴茶漲價"},
        {"post_id": "T.3", "body_text": "第1次喝潮鳴茶，很好喝"},
        {"post_id": "T.4"},
    ]
    run = LogicalRun("ptt", "drink", "titles", window=DAY)
    with context.lake.write(run, now=context.now) as out:
        for post in posts:
            out.add("posts", {"kind": "article", **post})
        out.finish("exhausted", covered=DAY)


def test_both_engines_give_the_same_rows_wherever_the_data_lies(
    tmp_path: Path, session: object
) -> None:
    homes = [tmp_path / name for name in ("plain", "odd [名] {a,b} 100%20 *?")]
    for home, engine in zip(homes, Engine, strict=True):
        context = context_of(home)
        land(context, range(30))
        land_titles(context)
        summary = enrich(context, engine=engine)
        assert (summary.enriched_count, summary.known_count) == (32, 0)
    local, distributed = (rows_of(home) for home in homes)
    assert distributed == local
    assert not (homes[1] / "data/enriched/attempts").exists()


def test_one_engine_goes_on_where_the_other_ended(tmp_path: Path, session: object) -> None:
    context = context_of(tmp_path)
    land(context, range(5))
    assert enrich(context).enriched_count == 5
    land(context, range(3, 9), "two")
    land(context, range(9, 12), "three")
    again = enrich(context_of(tmp_path, NOW + timedelta(days=1)), engine=Engine.SPARK)
    assert (again.enriched_count, again.known_count, again.activated_at) == (7, 5, NOW)
    assert enrich(context, engine=Engine.SPARK).enriched_count == 0
    rows = rows_of(tmp_path)
    assert len(rows) == len({row["text_hash"] for row in rows}) == 12


def test_a_run_that_is_killed_keeps_its_finished_waves_and_nothing_else(
    tmp_path: Path, session: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path)
    for number in range(4):
        land(context, range(5 * number, 5 * number + 5), f"run {number}")
    monkeypatch.setattr(on_spark, "ROWS_PER_CORE", 5)
    monkeypatch.setattr(on_spark, "_cores", lambda _: 2)
    with monkeypatch.context() as patch:
        patch.setattr(EnrichedFiles, "adopt", dying_at(2, EnrichedFiles.adopt))
        with pytest.raises(KeyboardInterrupt):
            enrich(context, engine=Engine.SPARK)
    assert len(rows_of(tmp_path)) == 10
    assert not list((tmp_path / "data/enriched").glob("versions/*"))
    assert enrich(context, engine=Engine.SPARK).enriched_count == 10
    undisturbed = context_of(tmp_path / "undisturbed")
    land(undisturbed, range(20))
    enrich(undisturbed)
    assert rows_of(tmp_path) == rows_of(tmp_path / "undisturbed")


def dying_at(call: int, adopt: Any) -> Any:
    """A double of `adopt` whose n-th call never comes about."""
    calls = iter(range(1, call + 1))

    def adopt_or_die(files: EnrichedFiles, finished: dict[str, Path]) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt
        adopt(files, finished)

    return adopt_or_die


def test_what_an_executor_reports_stops_the_step(
    tmp_path: Path, session: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path)
    land(context, range(3))
    waves = on_spark._waves

    def behind_our_back(*arguments: Any) -> Iterator[list[str]]:
        shutil.rmtree(tmp_path / "data/enriched/attempts")
        yield from waves(*arguments)

    monkeypatch.setattr(on_spark, "_waves", behind_our_back)
    with pytest.raises(TingchaoError, match=r"an executor does not see .*scale.md"):
        enrich(context, engine=Engine.SPARK)
    assert rows_of(tmp_path) == []


def posts_of(count: int) -> pa.RecordBatch:
    hashes = [f"{number:032x}" for number in range(count)]
    texts = [f"第{number}次喝潮鳴茶" for number in range(count)]
    return pa.record_batch({"text_hash": hashes, "title_text": [None] * count, "body_text": texts})


@pytest.mark.parametrize(
    ("version", "folder", "said"),
    [("1-anotherrelease", ".", "install the driver's release"), (None, "gone", "does not see")],
)
def test_an_executor_of_another_release_or_disk_does_nothing(
    version: str | None, folder: str, said: str, tmp_path: Path
) -> None:
    lexicon = lexicon_of(context_of(tmp_path).config)
    errand = Errand(lexicon, version or lexicon.version, NOW, tmp_path / folder)
    (report,) = errand.run(iter([posts_of(2)]))
    assert said in report.to_pylist()[0]["problem"]
    assert not list(tmp_path.iterdir())


def test_a_partition_becomes_one_file_and_an_empty_one_none(tmp_path: Path) -> None:
    lexicon = lexicon_of(context_of(tmp_path).config)
    errand = Errand(lexicon, lexicon.version, NOW, tmp_path)
    assert list(errand.run(iter([]))) == []
    (first,), (second,) = (errand.run(iter([posts_of(7), posts_of(5)])) for _ in range(2))
    one, other = first.to_pylist()[0], second.to_pylist()[0]
    assert one["row_count"] == 12
    assert one["name"] == other["name"], "a repeat has the same name"
    assert one["file"] != other["file"], "and disturbs nobody"
    contents = {path.read_bytes() for path in tmp_path.glob("*.parquet")}
    assert len(contents) == 1
