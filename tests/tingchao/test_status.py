"""`tingchao status`: what is covered, what fell, what waits, and what failed last."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lake import LogicalRun, Window
from tests.reports.installation import NOW, configure
from tingchao.context import Context
from tingchao.schedules import next_due
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
    assert [channel["is_import"] for channel in told] == [False, False, True]


def test_an_import_is_no_channel(context: Context) -> None:
    assert "import" not in str(status(context))
    land_file(context, "monday", 1)
    crawl(context, 1, "exhausted", name=("ptt", "taken-out"))
    lines = str(status(context)).splitlines()
    (heading,) = (number for number, line in enumerate(lines) if line.split()[1:2] == ["import"])
    named = [line.split()[1] for line in lines]
    assert named[:heading] == ["channel", "ptt-drink", "tea-blog", "taken-out"]
    assert named[heading + 1] == "shop-orders"


def crawl(
    context: Context,
    day: int,
    reason: str,
    *,
    name: tuple[str, str] = ("ptt", "ptt-drink"),
    is_covered: bool = True,
    detail: str | None = None,
) -> None:
    start, end = datetime(2026, 10, day, tzinfo=UTC), datetime(2026, 10, day + 1, tzinfo=UTC)
    window = Window(start, end)
    run = LogicalRun(*name, f"day-{day}", window=window)
    with context.lake.write(run, lambda: end) as writer:
        writer.finish(reason, covered=window if is_covered else None, stop_detail=detail)


def told_of(context: Context, channel_id: str = "ptt-drink") -> dict[str, Any]:
    told = (json.loads(line) for line in status(context).json_lines())
    return next(channel for channel in told if channel["channel_id"] == channel_id)


def test_a_channel_that_never_ran_says_when_it_will(context: Context) -> None:
    told = told_of(context)
    assert (told["standing"], told["host"]) == ("never run", "www.ptt.cc")
    assert told["last_success_at"] is told["since_at"] is None
    assert told["next_try_at"] == "2026-11-01T20:20:00+00:00"  # 04:20 in Taipei


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        ("exhausted", "listening"),
        ("reached_watermark", "listening"),
        ("cap", "capped"),
        ("budget", "behind"),
        ("blocked", "refused"),
        ("error", "failing"),
        ("blank_page", "failing"),
    ],
)
def test_every_stop_has_a_word(context: Context, reason: str, standing: str) -> None:
    crawl(context, 1, reason)
    assert told_of(context)["standing"] == standing
    assert standing in str(status(context))


def test_a_refusal_is_told_since_it_began(context: Context) -> None:
    crawl(context, 1, "blocked", is_covered=False)
    crawl(context, 2, "reached_watermark")
    for day in (5, 6, 7):
        crawl(context, day, "blocked", is_covered=False, detail="answered HTTP 403")
    told = told_of(context)
    assert told["last_success_at"] == "2026-10-03T00:00:00+00:00"
    assert told["since_at"] == "2026-10-06T00:00:00+00:00"
    assert (
        "ptt/ptt-drink: refused by www.ptt.cc since 2026-10-06 08:00: answered HTTP 403; asked "
        "again 2026-11-02 04:20" in str(status(context))
    )


def test_what_nobody_covered_is_told(context: Context) -> None:
    for day in (1, 3, 4, 7):
        crawl(context, day, "exhausted")
    assert told_of(context)["holes"] == [
        ["2026-10-02T00:00:00+00:00", "2026-10-03T00:00:00+00:00"],
        ["2026-10-05T00:00:00+00:00", "2026-10-07T00:00:00+00:00"],
    ]
    said = "not covered: 2026-10-02 08:00 … 2026-10-03 08:00, 2026-10-05 08:00 … 2026-10-07 08:00"
    assert said in str(status(context))


def test_a_run_that_was_killed_is_told(context: Context) -> None:
    window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    run = LogicalRun("ptt", "ptt-drink", "killed", window=window)
    post = {"kind": "article", "body_text": "x"}
    with context.lake.write(run, context.now, max_rows=1) as writer:
        for number in range(2):
            writer.add("posts", {**post, "post_id": str(number)})
    assert told_of(context)["standing"] == "interrupted"


def test_spent_units_are_told_and_waited_for(tmp_path: Path) -> None:
    extra = f"  - {{id: tube, source: youtube, address: UC{'a' * 22}}}\n"
    context = configure(tmp_path, extra)
    crawl(context, 30, "budget", name=("youtube", "tube"))
    before = told_of(context, "tube")
    assert (before["standing"], before["quota"]["units"]) == ("behind", 0)
    folder = context.data / "quota"
    folder.mkdir(parents=True)
    (folder / "youtube.TINGCHAO_YOUTUBE_KEY.2026-10-31").write_bytes(b"." * 10_000)
    told = told_of(context, "tube")
    assert told["standing"] == "quota spent"
    assert told["quota"] == {
        "units": 10_000,
        "of": 10_000,
        "resets_at": "2026-11-01T07:00:00+00:00",
    }
    assert told["next_try_at"] == "2026-11-01T20:40:00+00:00"
    assert "youtube: 10,000 of 10,000 units of the day spent; new" in str(status(context))


def test_a_feed_that_is_gone_is_not_asked_again(context: Context) -> None:
    detail = "gone (410): the feed is gone for good"
    crawl(context, 1, "exhausted", name=("feed", "tea-blog"), is_covered=False, detail=detail)
    told = told_of(context, "tea-blog")
    assert (told["standing"], told["next_try_at"]) == ("gone", None)


TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("20 4 * * *", "2026-11-01T20:20"),
        ("0 * * * *", "2026-11-01T02:00"),
        ("*/15 * * * *", "2026-11-01T01:15"),
        ("5/20 9-10 * * *", "2026-11-01T01:05"),
        ("0 9 * * *", "2026-11-02T01:00"),  # due now: the next one is tomorrow's
        ("0 5 1 * *", "2026-11-30T21:00"),
        ("0 5 * * 1", "2026-11-01T21:00"),
        ("0 5 * * 7", "2026-11-07T21:00"),
        ("0 5 13 * 5", "2026-11-05T21:00"),  # either day will do
        ("0 5 29 2 *", "2028-02-28T21:00"),
        ("0 5 31 2 *", None),
        ("@daily", None),
        ("0 5 * * MON", None),
        ("61 5 * * *", None),
        ("* * * *", None),
    ],
)
def test_the_next_time_of_a_schedule(expression: str, expected: str | None) -> None:
    found = next_due(expression, TAIPEI, NOW)
    assert (found.isoformat()[:16] if found else None) == expected
