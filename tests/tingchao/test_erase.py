"""`tingchao erase`: nothing of a person is left, whatever instant it was killed at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import Added, LogicalRun
from lake.text import text_hash
from reports.shelf import Shelf
from tests.quality.judging import count_instead
from tests.reports.installation import configure, rebuild
from tests.reports.warehouse import AS_OF
from tingchao.context import Context
from tingchao.errors import BusyError, ConfigurationError, TingchaoError
from tingchao.fence import exclusive
from tingchao.steps import erase as steps
from tingchao.steps.erase import erase
from tingchao.steps.publish import publish
from tingchao.verdicts import split_by_verdict

SAID = {"ann": "安的話", "bob": "大家都說的話", "ann2": "大家都說的話"}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY_FILE", raising=False)
    count_instead(monkeypatch)
    context = configure(tmp_path)
    land(context, "monday")
    pass_gate(context)
    understand(context)
    monkeypatch.setattr("tingchao.steps.enrich.enrich", lambda _context: None)
    monkeypatch.setattr("tingchao.steps.build.build", build)
    build(context)
    return context


def land(context: Context, crawl_id: str, edition: str = "") -> list[Added]:
    run = LogicalRun("ptt", "ptt-drink", crawl_id, route="import", file_digest=crawl_id)
    with context.lake.write(run, context.now) as out:
        added = [
            out.add(
                "posts",
                {
                    "post_id": f"M.{name}",
                    "kind": "article",
                    "author_key": key(context, name.removesuffix("2")),
                    "body_text": text + edition,
                },
            )
            for name, text in SAID.items()
        ]
        out.finish("exhausted", covered=None)
    return added


def pass_gate(context: Context) -> None:
    """Give every segment that waits its verdict."""
    segments = split_by_verdict(context.lake.ledger())[1]["segment_id"].to_pylist()
    run = LogicalRun("ptt", "ptt-drink", f"gate:{segments}", "gate", query=" ".join(segments))
    with context.lake.write(run, context.now) as out:
        out.finish("exhausted", covered=None)


def understand(context: Context) -> None:
    folder = context.data / "enriched" / "texts" / "version=1"
    folder.mkdir(parents=True)
    hashes = sorted({text_hash(None, text) for text in SAID.values()})
    pq.write_table(pa.table({"text_hash": hashes, "folded_text": hashes}), folder / "a.parquet")


def build(context: Context) -> None:
    """Stand in for the step: a work database that holds every landed row."""
    work = context.data / "warehouse" / "work.duckdb"
    work.parent.mkdir(parents=True, exist_ok=True)
    work.unlink(missing_ok=True)
    remember_posts(context, work)


def build_marts(context: Context) -> None:
    """The same, with marts that can be published."""
    as_of = AS_OF + timedelta(seconds=context.lake.ledger().num_rows)
    remember_posts(context, rebuild(context, as_of=as_of))


def remember_posts(context: Context, work: Path) -> None:
    posts = context.lake.read("posts", columns=["author_key", "body_text"])
    with duckdb.connect(str(work)) as connection:
        connection.register("posts", posts)
        connection.execute("create table stg_posts as from posts")


def key(context: Context, name: str) -> str:
    return context.pseudonyms.key("ptt", name)


def handles(context: Context, text: str = "ann\n\n") -> Path:
    file = context.config.home / "handles.txt"
    file.write_text(text, encoding="utf-8")
    return file


def everything(context: Context) -> str:
    """All that is kept but the list of whom not to keep; Parquet is read as its readers do."""
    files = [path for path in context.data.rglob("*") if path.is_file()]
    return "".join(
        repr(pq.read_table(path).to_pylist())
        if path.suffix == ".parquet"
        else path.read_bytes().decode("utf-8", "replace")
        for path in files
        if path.parent.name != ".suppressed"
    )


def test_nothing_of_a_person_is_left_and_nothing_comes_back(context: Context) -> None:
    assert key(context, "ann") in everything(context)
    summary = erase(context, "ptt", handles(context))
    assert (summary.person_count, summary.row_count, summary.segment_count) == (1, 2, 1)
    left = everything(context)
    assert key(context, "ann") not in left
    assert "安的話" not in left
    assert "大家都說的話" in left, "bob said it, too"
    again = Context(context.config, context.now)
    landed = land(again, "tuesday", edition="！")
    assert landed == [Added.SUPPRESSED, Added.LANDED, Added.SUPPRESSED]


def test_a_text_that_nobody_is_left_to_have_written_is_forgotten(context: Context) -> None:
    erase(context, "ptt", handles(context))
    (file,) = (context.data / "enriched" / "texts").rglob("*.parquet")
    assert pq.read_table(file)["text_hash"].to_pylist() == [text_hash(None, SAID["bob"])]


def test_the_ledger_says_so(context: Context) -> None:
    erase(context, "ptt", handles(context))
    rows = [row for row in context.lake.ledger().to_pylist() if row["route"] == "erasure"]
    (post,) = {row["segment_id"] for row in context.lake.read("posts").to_pylist()}
    assert [row["query"] for row in rows] == [post]
    assert rows[0]["stop_detail"] == "2 rows of people erased"
    erase(context, "ptt", handles(context))
    assert len([r for r in context.lake.ledger().to_pylist() if r["route"] == "erasure"]) == 1


def test_earlier_versions_are_gone(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tingchao.steps.build.build", build_marts)
    build_marts(context)
    publish(context)
    shelf = Shelf(context.data / "published")
    before = shelf.versions()
    summary = erase(context, "ptt", handles(context))
    assert len(before) == 1
    assert shelf.versions() == [shelf.current] == [summary.version]
    assert not set(before) & set(shelf.versions())


@pytest.mark.parametrize(
    "moment", ["_announce", "_forget_texts", "_renew", "_require_gone", "shutil.rmtree"]
)
def test_killed_anywhere_it_is_finished_by_the_next(
    context: Context, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"{steps.__name__}.{moment}", die)
        erase(context, "ptt", handles(context))
    fresh = Context(context.config, context.now)
    assert fresh.lake.read("posts").num_rows in (1, 3), "each file is whole, old or new"
    assert land(fresh, "meanwhile")[0] is Added.SUPPRESSED
    pass_gate(fresh)
    erase(fresh, "ptt", handles(context))
    assert key(context, "ann") not in everything(context)


def test_what_still_waits_for_a_verdict_is_not_touched(context: Context) -> None:
    land(context, "tuesday", edition="！")
    with pytest.raises(TingchaoError, match=r"segments of tuesday .*tingchao gate landing"):
        erase(context, "ptt", handles(context))
    assert context.lake.read("posts").num_rows == 6


def test_what_is_left_over_is_named(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_from_memory(context: Context) -> None:
        build(context)
        with duckdb.connect(str(context.data / "warehouse" / "work.duckdb")) as work:
            work.execute(f"create table remembered as select '{key(context, 'ann')}' as a")

    monkeypatch.setattr("tingchao.steps.build.build", build_from_memory)
    with pytest.raises(TingchaoError, match=r"still named in .*work\.duckdb: remembered"):
        erase(context, "ptt", handles(context))


def test_nonsense_is_refused(context: Context) -> None:
    with pytest.raises(ConfigurationError, match="expected one of feed, ptt, visitor; found 'ptx'"):
        erase(context, "ptx", handles(context))
    with pytest.raises(ConfigurationError, match="expected one handle a line, found none"):
        erase(context, "ptt", handles(context, "\n \n"))


def test_no_step_may_run_meanwhile(context: Context) -> None:
    before = context.lake.read("posts").num_rows
    for step in ("crawl-ptt", "import", "build", "publish"):
        with exclusive(context.lock(step)), pytest.raises(BusyError, match=step):
            erase(context, "ptt", handles(context))
    assert context.lake.read("posts").num_rows == before
