"""`tingchao status`: what is covered, what fell, what waits, and what failed last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake import LogicalRun
from tests.reports.installation import configure
from tingchao.context import Context
from tingchao.steps.status import status


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return configure(tmp_path)


def land_file(context: Context, name: str, rows: int) -> str:
    run = LogicalRun("shop", "shop-orders", name, route="import", file_digest=name)
    with context.lake.write(run, context.now) as writer:
        writer.finish("exhausted", covered=None, declared_total=rows)
    return run.segment_id(0)


def pass_gate(context: Context, *segments: str) -> None:
    run = LogicalRun("shop", "shop-orders", "gate:x", route="gate", query=" ".join(segments))
    with context.lake.write(run, context.now) as writer:
        writer.finish("exhausted", covered=None)


@pytest.mark.parametrize(
    ("rows", "is_told"), [([900, 1000, 1100, 0], True), ([900, 1000, 1100, 101], False)]
)
def test_a_file_that_fell_silent_is_told(context: Context, rows: list[int], is_told: bool) -> None:
    for number, count in enumerate(rows):
        land_file(context, f"file-{number}", count)
    said = str(status(context))
    expected = "shop/shop-orders: the last file held 0 rows, the 3 before about 1,000; right when"
    assert (expected in said) is is_told


@pytest.mark.parametrize("rows", [[], [5], [10, 0], [0, 0, 0, 0]])
def test_few_files_tell_nothing_about_the_usual(context: Context, rows: list[int]) -> None:
    for number, count in enumerate(rows):
        land_file(context, f"file-{number}", count)
    assert "the last file held" not in str(status(context))


def test_what_no_gate_has_passed_is_told(context: Context) -> None:
    passed = land_file(context, "monday", 1)
    land_file(context, "tuesday", 1)
    pass_gate(context, passed)
    said = str(status(context))
    assert "not counted: 1 segments that no gate has passed, of tuesday; run" in said


def test_the_last_failures_are_told(context: Context) -> None:
    assert "failed last" not in str(status(context))
    log = context.data / "runs" / "failures.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"2026-10-0{n} crawl_ptt.crawl failed\n" for n in range(1, 6)))
    said = str(status(context)).splitlines()
    assert said[-4:] == [
        "failed last (UTC):",
        *(f"  2026-10-0{n} crawl_ptt.crawl failed" for n in (3, 4, 5)),
    ]


def test_json_is_one_object_per_channel(context: Context) -> None:
    land_file(context, "monday", 1)
    told = [json.loads(line) for line in status(context).json_lines()]
    assert [channel["channel_id"] for channel in told] == ["ptt-drink", "tea-blog", "shop-orders"]
    assert told[-1]["volume_warning"] is None
