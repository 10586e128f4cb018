"""The step: every text once per version, whatever kills it, and one version file for good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enrichment import ENRICHED_FILE
from lake import Lake, LogicalRun, Window
from tingchao.config import Config
from tingchao.context import Context
from tingchao.enriching import batches as batching
from tingchao.enriching.batches import regroup
from tingchao.enriching.files import version_uses
from tingchao.errors import BusyError, ConfigurationError
from tingchao.fence import exclusive
from tingchao.steps.build import _text_version
from tingchao.steps.enrich import enrich, lexicon_of

NOW = datetime(2026, 10, 9, 1, 2, 3, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
REPOSITORY = Path(__file__).parents[2]

CHILD = """
import sys
from pathlib import Path
import tests.enrichment.test_enrich_step as story
from tingchao.enriching import batches
from tingchao.steps.enrich import enrich
if __name__ == "__main__":
    batches.MAX_ROWS = 40
    enrich(story.context_of(Path(sys.argv[1])))
"""


def config_of(home: Path, aliases: tuple[str, ...] = ("潮鳴茶",)) -> Config:
    brand = {"id": "chaoming", "name": "潮鳴茶", "aliases": list(aliases)}
    return Config.model_validate(
        {"version": 1, "brands": [brand], "channels": [], "path": home / "config.yml"}
    )


def context_of(home: Path, at: datetime = NOW) -> Context:
    return Context(config_of(home), now=lambda: at)


def land(context: Context, numbers: range, crawl_id: str = "one") -> None:
    run = LogicalRun("ptt", "drink", crawl_id, window=DAY)
    with context.lake.write(run, now=context.now) as out:
        for number in numbers:
            body = f"第{number}次喝潮鳴茶，很好喝"
            out.add("posts", {"post_id": f"M.{number}", "kind": "article", "body_text": body})
        out.finish("exhausted", covered=DAY)


def rows_of(home: Path) -> list[dict[str, object]]:
    """Everything on disk, sorted; any torn file would raise."""
    paths = sorted((home / "data/enriched/texts").glob("*/*.parquet"))
    tables = [pq.ParquetFile(path).read() for path in paths]
    assert all(table.schema.equals(ENRICHED_FILE) for table in tables)
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    return sorted(rows, key=lambda row: str(row["text_hash"]))


def test_every_text_is_enriched_once_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    land(context, range(20))
    first = enrich(context)
    assert (first.enriched_count, first.known_count) == (20, 0)
    assert "20 new texts" in str(first)
    rows = rows_of(tmp_path)
    assert len(rows) == len({row["text_hash"] for row in rows}) == 20
    assert {row["enriched_at"] for row in rows} == {NOW}
    second = enrich(context_of(tmp_path, NOW + timedelta(days=1)))
    assert (second.enriched_count, second.known_count) == (0, 20)
    assert second.activated_at == NOW
    assert rows_of(tmp_path) == rows


def test_later_texts_join_the_same_version(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    land(context, range(5))
    enrich(context)
    land(context, range(5, 8), "two")
    assert enrich(context).enriched_count == 3
    assert len(rows_of(tmp_path)) == 8


def test_row_32_a_changed_lexicon_is_a_new_version_and_keeps_the_old(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    land(context, range(3))
    old = enrich(context)
    later = replace(context_of(tmp_path), config=config_of(tmp_path, ("潮鳴茶", "潮鳴")))
    new = enrich(later)
    assert new.version != old.version
    assert {row["version"] for row in rows_of(tmp_path)} == {old.version, new.version}
    told = [json.loads(p.read_text()) for p in (tmp_path / "data/enriched/versions").iterdir()]
    assert {row["version"] for row in told} == {old.version, new.version}
    for row in told:
        assert set(row) == {"version", "engine_version", "lexicon_digest", "activated_at"}
        assert row["version"] == f"{row['engine_version']}-{row['lexicon_digest'][:12]}"
        assert datetime.fromisoformat(row["activated_at"]) == NOW


def test_a_version_that_comes_back_is_in_use_once_more(tmp_path: Path) -> None:
    """An alias is added and taken back: marts must not stay with the texts of the middle."""
    day, aliases = timedelta(days=1), [("潮鳴茶",), ("潮鳴茶", "潮鳴"), ("潮鳴茶",), ("潮鳴茶",)]
    told = []
    for i, names in enumerate(aliases):
        context = context_of(tmp_path, NOW + i * day)
        land(context, range(i, i + 1), str(i))
        told.append(enrich(replace(context, config=config_of(tmp_path, names))))
    first, second, third, fourth = told
    assert first.version == third.version == fourth.version != second.version
    uses = version_uses(tmp_path / "data" / "enriched")
    assert [use.version for use in uses] == [first.version, second.version, first.version]
    assert [use.since for use in uses] == [NOW, NOW + day, NOW + 2 * day]
    assert fourth.activated_at == NOW + 2 * day
    assert fourth.enriched_count == 1, "what landed in the meantime was read before"
    for as_of, version in (
        (NOW, first),
        (NOW + day, second),
        (NOW + 2 * day, first),
        (None, first),
    ):
        assert _text_version(context, as_of) == version.version


def test_a_version_that_comes_back_while_the_clock_stands_still(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    land(context, range(3))
    other = replace(context, config=config_of(tmp_path, ("潮鳴茶", "潮鳴")))
    enrich(context)
    enrich(other)
    for once_more in (context, other, other, context):
        version = enrich(once_more).version
        assert _text_version(context, None) == version


def test_an_empty_lake_leaves_a_typed_empty_file(tmp_path: Path) -> None:
    assert enrich(context_of(tmp_path)).enriched_count == 0
    assert rows_of(tmp_path) == []
    assert len(list((tmp_path / "data/enriched/texts").glob("*/*.parquet"))) == 1


def test_row_6_a_second_run_beside_the_first_is_refused(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    land(context, range(3))
    with exclusive(context.lock("enrich")), pytest.raises(BusyError):
        enrich(context)
    assert rows_of(tmp_path) == []


def test_two_brands_with_one_alias_stop_the_step_with_their_names(tmp_path: Path) -> None:
    brands = [{"id": name, "name": name, "aliases": ["星巴克"]} for name in ("one", "two")]
    config = Config.model_validate({"version": 1, "brands": brands, "channels": []})
    with pytest.raises(ConfigurationError, match=r"config\.yml: alias '星巴克' of brand 'two'"):
        enrich(Context(config))


def test_names_are_aliases_unless_they_are_given_as_such(tmp_path: Path) -> None:
    alias = {"text": "蘋果", "require_context": ["手機"]}
    brand = {"id": "apple", "name": "蘋果", "name_en": "Apple", "aliases": [alias]}
    config = Config.model_validate({"version": 1, "brands": [brand], "channels": []})
    (made,) = lexicon_of(config).brands
    assert [(a.text, a.require_context) for a in made.aliases] == [
        ("蘋果", ("手機",)),
        ("Apple", ()),
    ]


def test_products_are_ways_of_naming_their_brand() -> None:
    product = {"id": "cup", "name": "聽風杯", "aliases": ["風杯"]}
    brand = {"id": "chaoming", "name": "潮鳴茶", "products": [product]}
    config = Config.model_validate({"version": 1, "brands": [brand], "channels": []})
    (made,) = lexicon_of(config).brands
    assert [(a.text, a.product_id) for a in made.aliases] == [
        ("潮鳴茶", None),
        ("風杯", "cup"),
        ("聽風杯", "cup"),
    ]


def test_batches_are_regrouped_by_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_ROWS", 10)
    monkeypatch.setattr(batching, "MAX_BYTES", 4096)
    sizes = [1, 1, 25, 3, 0, 7]
    batches = [
        pa.record_batch({"text_hash": [f"{i}-{j}" for j in range(n)], "text": ["長" * 20] * n})
        for i, n in enumerate(sizes)
        if n
    ]
    grouped = list(regroup(iter(batches)))
    assert max(batch.num_rows for batch in grouped) <= 10
    assert [r for b in grouped for r in b.to_pylist()] == [
        r for b in batches for r in b.to_pylist()
    ]
    long = pa.record_batch({"text_hash": list("abc"), "text": ["長" * 3000] * 3})
    assert [batch.num_rows for batch in regroup(iter([long]))] == [1, 1, 1]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    home = tmp_path_factory.mktemp("undisturbed")
    land(context_of(home), range(320))
    enrich(context_of(home))
    return rows_of(home)


@pytest.mark.slow
@pytest.mark.parametrize("files_before_kill", [0, 1, 5])
def test_rows_1_and_31_killed_anywhere_a_rerun_gives_the_same(
    files_before_kill: int, tmp_path: Path, undisturbed: list[dict[str, object]]
) -> None:
    land(context_of(tmp_path), range(320))
    with started(tmp_path) as child:
        wait_for_files(tmp_path, files_before_kill, child)
        before = descendants(child.pid)
        child.send_signal(signal.SIGKILL)
        child.wait()
    wait_until_gone(before)
    assert not list((tmp_path / "data/enriched").glob("versions/*"))
    survived = rows_of(tmp_path)
    assert len(survived) == len({row["text_hash"] for row in survived})
    with started(tmp_path) as child:
        assert child.wait(120) == 0
    assert rows_of(tmp_path) == undisturbed
    assert len(list((tmp_path / "data/enriched").glob("versions/*.json"))) == 1


class started:  # noqa: N801 - reads as a verb: `with started(home) as child`
    """The step in a process of its own, in small batches, on two workers."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        argv = [sys.executable, "-c", CHILD, str(home)]
        self.child = subprocess.Popen(argv, env=environment, cwd=REPOSITORY)

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.child

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()


def wait_for_files(home: Path, count: int, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while sum(1 for _ in (home / "data/enriched/texts").glob("*/*.parquet")) < count:
        assert child.poll() is None, "the child ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.005)
    if count == 0:
        time.sleep(0.5)


def descendants(pid: int) -> list[int]:
    return list(_children(pid))


def _children(pid: int) -> Iterator[int]:
    for line in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(line)
        yield from _children(int(line))


def wait_until_gone(pids: list[int]) -> None:
    """Workers must die with the step; a survivor could write beside the next attempt."""
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/stat").exists() and not _is_dead(pid) for pid in pids):
        assert time.monotonic() < until, f"still alive: {pids}"
        time.sleep(0.02)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def test_the_lake_is_read_through_its_reader_only(tmp_path: Path) -> None:
    """A text whose segment was never committed is not enriched."""
    context = context_of(tmp_path)
    run = LogicalRun("ptt", "drink", "cut short", window=DAY)
    with Lake.open(context.config.landing_uri).write(run, now=context.now) as out:
        out.add("posts", {"post_id": "M.1", "kind": "article", "body_text": "沒有人看到"})
    assert enrich(context).enriched_count == 0
