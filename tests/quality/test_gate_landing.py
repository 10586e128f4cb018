"""`tingchao gate landing` on a real lake: what is refused, what stops, what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake import LogicalRun, Window
from quality.landing import rules_for_landing
from quality.rules import Rule
from quality.verdict import Verdict
from tests.quality.judging import CountingJudge, count_instead
from tests.reports.installation import NOW, configure
from tingchao.context import Context
from tingchao.errors import EXIT_GATE_REFUSED, ConfigurationError, GateRefusedError
from tingchao.steps.gate import gate_landing

AUTHOR = "k1." + "b" * 26
Post = dict[str, Any]


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    count_instead(monkeypatch)
    return configure(tmp_path)


def post(number: int, **changes: Any) -> Post:
    facts = {
        "post_id": f"M.{number}",
        "kind": "article",
        "author_key": AUTHOR,
        "body_text": f"第 {number} 篇",
        "url": f"https://example.org/M.{number}",
        "published_at": NOW - timedelta(hours=1),
        "published_precision": "second",
    }
    return facts | changes


def land(context: Context, crawl_id: str, posts: list[Post], stop: str = "exhausted") -> None:
    window = Window(NOW - timedelta(days=1), NOW)
    run = LogicalRun("ptt", "ptt-drink", crawl_id, window=window)
    with context.lake.write(run, context.now) as writer:
        writer.count_page(1000)
        for record in posts:
            writer.add("posts", record)
        writer.finish(stop, covered=window)


def refused(context: Context) -> list[tuple[str, str, str]]:
    rows = context.lake.read("quarantine").to_pylist()
    return [(row["record_id"], row["rule"], row["of_segment_id"]) for row in rows]


def judged(context: Context) -> list[str]:
    ledger = context.lake.ledger().to_pylist()
    return [row["crawl_id"] for row in ledger if row["route"] == "gate"]


def test_a_row_that_cannot_be_true_goes_to_quarantine(context: Context) -> None:
    tomorrow = NOW + timedelta(days=2)
    land(context, "monday", [post(n) for n in range(30)] + [post(99, published_at=tomorrow)])
    summary = gate_landing(context)
    segment = context.lake.read("posts")["segment_id"][0].as_py()
    assert refused(context) == [("M.99", "published_at_not_in_the_future", segment)]
    assert summary.refused_count == 1
    assert "1 rows to quarantine" in str(summary)
    assert context.lake.read("posts").num_rows == 31, "the lake stays append-only"


def test_a_refused_row_is_told_from_its_siblings(context: Context) -> None:
    run = LogicalRun("ptt", "ptt-drink", "likes", route="import", file_digest="d")
    liked = {"post_id": "M.1", "kind": "like", "occurred_precision": "second"}
    times = [NOW - timedelta(hours=hour) for hour in range(1, 24)] + [NOW + timedelta(days=9)]
    with context.lake.write(run, context.now) as writer:
        for number, at in enumerate(times):
            person = f"k1.{'abcdefghijklmnopqrstuvwx'[number] * 26}"
            writer.add("reactions", {**liked, "actor_key": person, "occurred_at": at})
        writer.finish("exhausted", covered=None)
    gate_landing(context)
    (verdict,) = context.lake.read("quarantine").to_pylist()
    rows = context.lake.read("reactions").to_pylist()
    wrong = [row["content_hash"] for row in rows if row["occurred_at"] > NOW]
    assert [verdict["of_content_hash"]] == wrong


def test_a_verdict_stands_in_the_ledger_and_is_given_once(context: Context) -> None:
    land(context, "monday", [post(n) for n in range(3)])
    gate_landing(context)
    verdicts = [row for row in context.lake.ledger().to_pylist() if row["route"] == "gate"]
    assert len(verdicts) == 1
    assert verdicts[0]["covered_start_at"] is None
    assert "nothing has landed" in str(gate_landing(context))
    land(context, "tuesday", [post(n) for n in range(3, 6)])
    gate_landing(context)
    verdicts = [row for row in context.lake.ledger().to_pylist() if row["route"] == "gate"]
    assert [row["crawl_id"] for row in verdicts] == ["gate:monday", "gate:tuesday"]


def test_row_43_a_page_that_suddenly_holds_nothing_stops(context: Context) -> None:
    for day in range(3):
        land(context, f"day {day}", [post(10 * day + n) for n in range(5)])
        gate_landing(context)
    land(context, "day 3", [])
    before = context.lake.ledger().num_rows
    with pytest.raises(GateRefusedError, match="not_suddenly_empty") as caught:
        gate_landing(context)
    assert caught.value.exit_code == EXIT_GATE_REFUSED
    assert "docs/runbook.md#gate-refused" in str(caught.value)
    assert context.lake.ledger().num_rows == before, "a refusal writes nothing"
    assert gate_landing(context, accept=["day 3"]).rule_count


def land_file(context: Context, crawl_id: str, posts: list[Post]) -> None:
    run = LogicalRun("shop", "shop-posts", crawl_id, route="import", file_digest=crawl_id)
    with context.lake.write(run, context.now) as writer:
        writer.count_page(30)
        for record in posts:
            writer.add("posts", record)
        writer.finish("exhausted", covered=None, declared_total=len(posts))


def test_a_file_that_says_nothing_happened_stops_nothing_unless_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_instead(monkeypatch)
    strict = configure(tmp_path, "quality: {stop_on_empty_file: true}\n")
    for day in range(3):
        land_file(strict, f"day {day}", [post(10 * day + n) for n in range(5)])
        gate_landing(strict)
    land_file(strict, "day 3", [])
    with pytest.raises(GateRefusedError, match="not_suddenly_empty"):
        gate_landing(strict)
    assert gate_landing(configure(tmp_path)).rule_count


def test_row_43_nobody_having_written_stops_where_authors_are_shown(context: Context) -> None:
    land(context, "monday", [post(n, author_key=None) for n in range(20)])
    with pytest.raises(GateRefusedError, match="somebody_wrote"):
        gate_landing(context)


def test_too_much_quarantine_stops_and_can_be_discarded(context: Context) -> None:
    old = datetime(1980, 1, 1, tzinfo=UTC)
    land(context, "monday", [post(n, published_at=old if n < 5 else NOW) for n in range(25)])
    land(context, "tuesday", [post(n) for n in range(30, 60)])
    with pytest.raises(GateRefusedError, match="quarantine_share") as caught:
        gate_landing(context)
    told = str(caught.value)
    assert "ptt/ptt-drink of monday, 5 of 25 records refused" in told
    assert "tingchao gate landing --accept monday" in told
    assert "tuesday" not in told
    assert "They wait until somebody decides, the 1 others have passed" in told
    assert judged(context) == ["gate:tuesday"]
    with pytest.raises(GateRefusedError, match="no other has passed"):
        gate_landing(context)
    summary = gate_landing(context, discard=["monday"])
    assert summary.refused_count == 25
    assert {rule for _, rule, _ in refused(context)} == {"discarded"}


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (lambda file: file.unlink(), "files_agree_with_ledger"),
        (lambda file: file.write_bytes(file.read_bytes()[:200]), "files_readable"),
        (lambda file: file.write_bytes(b""), "files_readable"),
    ],
)
def test_row_50_a_damaged_file_stops(
    context: Context, harm: Callable[[Path], object], rule: str
) -> None:
    land(context, "monday", [post(n) for n in range(5)])
    land(context, "tuesday", [post(n) for n in range(5, 9)])
    harm(Path(context.lake.segments("posts")[0]))
    with pytest.raises(GateRefusedError, match=rule):
        gate_landing(context)
    assert judged(context) == [], "a damaged lake speaks against every batch"


def test_a_file_of_another_schema_stops(context: Context) -> None:
    import pyarrow.parquet as pq

    land(context, "monday", [post(n) for n in range(5)])
    file = Path(context.lake.segments("posts")[0])
    pq.write_table(pq.read_table(file).drop_columns(["url"]), file)
    with pytest.raises(GateRefusedError, match="schema_declared"):
        gate_landing(context)


def test_a_file_from_before_its_table_had_a_column_passes(context: Context) -> None:
    import pyarrow.parquet as pq

    run = LogicalRun("shop", "orders", "monday", route="import", file_digest="f")
    with context.lake.write(run, context.now) as writer:
        for number in range(3):
            order = {"order_id": str(number), "ordered_at": NOW, "status": "paid"}
            writer.add("orders", {**order, "amount": number - 1, "currency": "TWD"})
        writer.finish("exhausted", covered=None)
    file = Path(context.lake.segments("orders")[0])
    pq.write_table(pq.read_table(file).drop_columns(["discount_amount", "utm_term"]), file)
    gate_landing(context, accept=["monday"])
    assert [(record, rule) for record, rule, _ in refused(context)] == [
        ("0", "amounts_not_negative")
    ]


@pytest.mark.parametrize("error", [None, "killed"])
def test_a_refusal_that_names_no_batch_holds_all_of_them(
    context: Context, monkeypatch: pytest.MonkeyPatch, error: str | None
) -> None:
    count = CountingJudge.judge

    def doubt(judge: CountingJudge, database: Path, rules: Sequence[Rule]) -> Verdict:
        verdict = count(judge, database, rules)
        doubted = (
            replace(one, holds=False, error=error) if one.rule == "somebody_wrote" else one
            for one in verdict.outcomes
        )
        return replace(verdict, outcomes=tuple(doubted))

    land(context, "monday", [post(1)])
    monkeypatch.setattr(CountingJudge, "judge", doubt)
    with pytest.raises(GateRefusedError, match="somebody_wrote"):
        gate_landing(context)
    assert judged(context) == []


def test_the_verdict_is_kept_as_json_and_page(context: Context) -> None:
    land(context, "monday", [post(1)])
    summary = gate_landing(context, run_id="scheduled__2026-11-01")
    folder = context.data / "runs" / "scheduled__2026-11-01" / "gates"
    assert {path.name for path in folder.iterdir()} == {"landing.json", "landing.html"}
    assert summary.page == folder / "landing.html"


def test_an_unknown_crawl_cannot_be_accepted(context: Context) -> None:
    land(context, "monday", [post(1)])
    with pytest.raises(ConfigurationError, match="expected some of monday; found sunday"):
        gate_landing(context, accept=["sunday"])


@pytest.mark.slow
def test_great_expectations_judges_what_landed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = configure(tmp_path)
    land(context, "monday", [post(n) for n in range(30)] + [post(99, url="javascript:x")])
    summary = gate_landing(context)
    assert (summary.rule_count, summary.refused_count) == (len(rules_for_landing(0.05)), 1)
    assert refused(context)[0][:2] == ("M.99", "url_is_a_web_address")
