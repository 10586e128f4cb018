"""`tingchao trace`: from a mart's row to its posts and the landed files they came in."""

from __future__ import annotations

import shlex
from pathlib import Path

import duckdb
import pytest

from lake import LogicalRun
from tests.reports.installation import configure, install
from tingchao.context import Context
from tingchao.errors import ConfigurationError, TingchaoError
from tingchao.steps.trace import EVIDENCE, trace

OCTOBER = "period_start_date=2026-10-01"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return install(tmp_path_factory.mktemp("trace"))


def work_count(context: Context, query: str) -> int:
    with duckdb.connect(str(context.data / "warehouse" / "work.duckdb"), read_only=True) as work:
        row = work.execute(query).fetchone()
    assert row
    return int(row[0])


def test_evidence_adds_up_to_the_number(context: Context) -> None:
    found = trace(
        context, "channel_activity", ["channel_id=tea-blog", "period_type=month", OCTOBER]
    )
    assert found.total == work_count(
        context,
        "select act_count from channel_activity where channel_id = 'tea-blog' "
        "and period_type = 'month' and period_start_date = '2026-10-01'",
    )


@pytest.mark.parametrize(
    ("mart", "cell", "query"),
    [
        (
            "mentions",
            ["brand_id=chaoming", "channel_id=ptt-drink", "mention_date=2026-10-05"],
            (
                "select mention_count + noise_mention_count + quoted_mention_count "
                "from mentions where brand_id = 'chaoming' "
                "and channel_id = 'ptt-drink' and mention_date = '2026-10-05'"
            ),
        ),
        (
            "share_of_voice",
            ["brand_id=yunwu", "period_type=week", "period_start_date=2026-10-05"],
            (
                "select mention_count + noise_mention_count + quoted_mention_count "
                "from share_of_voice where brand_id = 'yunwu' "
                "and period_type = 'week' and period_start_date = '2026-10-05'"
            ),
        ),
        (
            "conversions",
            [
                "brand_id=chaoming",
                "channel_id=tea-blog",
                "attribution_model=last_touch",
                "currency=TWD",
                "conversion_date=2026-10-07",
            ],
            (
                "select order_count from conversions "
                "where channel_id = 'tea-blog' and conversion_date = '2026-10-07'"
            ),
        ),
        (
            "channel_scorecard",
            ["channel_id=ptt-drink", OCTOBER],
            (
                "select act_count from channel_activity where channel_id = 'ptt-drink' "
                "and period_type = 'month' and period_start_date = '2026-10-01'"
            ),
        ),
    ],
)
def test_every_kind_of_evidence(context: Context, mart: str, cell: list[str], query: str) -> None:
    assert trace(context, mart, cell).total == work_count(context, query) > 0


@pytest.mark.parametrize("mart", EVIDENCE)
def test_every_mart_can_be_traced(context: Context, mart: str) -> None:
    assert trace(context, mart, any_cell(context, mart), limit=1).total > 0


def any_cell(context: Context, mart: str) -> list[str]:
    """The key that a refusal shows as an example: as like what was asked for as there is."""
    with pytest.raises(ConfigurationError) as refused:
        trace(context, mart, ["channel_id=ptt-drink"])
    _, _, command = str(refused.value).partition("One that there is: ")
    words = shlex.split(command)
    assert words[:3] == ["tingchao", "trace", mart]
    return words[3:]


@pytest.mark.parametrize(
    ("mart", "number", "said"),
    [("left_out_mentions", "mention_count", "left out"), ("noise_acts", "act_count", "noise")],
)
def test_what_is_left_out_is_listed_with_its_reason(
    context: Context, mart: str, number: str, said: str
) -> None:
    cell = any_cell(context, mart)
    found = trace(context, mart, cell, limit=500)
    key = " and ".join(f"{name} = '{value}'" for name, _, value in (c.partition("=") for c in cell))
    reason = dict(part.split("=") for part in cell)["reason"]
    assert found.total == work_count(context, f"select {number} from {mart} where {key}") > 0
    assert all(line.what.endswith(f"({said}: {reason})") for line in found.lines)


def test_the_limit_shows_less_and_says_so(context: Context) -> None:
    cell = ["channel_id=ptt-drink", "period_type=month", OCTOBER]
    found = trace(context, "channel_activity", cell, limit=3)
    assert len(found.lines) == 3
    assert f"{found.total:,} pieces of evidence, the first 3 shown" in str(found)


def test_a_post_leads_to_its_landed_file(context: Context) -> None:
    segment = landed_segment(context)
    with duckdb.connect(str(context.data / "warehouse" / "work.duckdb")) as work:
        work.execute(
            f"update int_acts set segment_id = '{segment}' where channel_id = 'tiny-group'"
        )
    found = trace(context, "channel_scorecard", ["channel_id=tiny-group", OCTOBER])
    files = {line.file for line in found.lines if "reaction" not in line.what}
    assert [Path(file).stem for file in files if file] == [segment]
    assert str(found).count("no landed file") == sum("reaction" in x.what for x in found.lines)


def landed_segment(context: Context) -> str:
    run = LogicalRun("forum", "tiny-group", "monday", file_digest="0" * 64)
    with context.lake.write(run, context.now) as writer:
        writer.add("posts", {"post_id": "1", "kind": "article"})
        writer.finish("exhausted", covered=None)
    return str(context.lake.ledger()["segment_id"][0].as_py())


@pytest.mark.parametrize(
    ("mart", "cell", "message"),
    [
        ("marts", [], "expected one of coverage"),
        ("metric_definitions", [], "found 'metric_definitions'"),
        (
            "mentions",
            ["post_id=1"],
            "whole key, brand_id=… channel_id=… mention_date=…; found post",
        ),
        ("mentions", ["mention_date"], "found mention_date. One that there is: tingchao trace"),
        (
            "mentions",
            ["brand_id=yunwu", "channel_id=tea-blog"],
            "found brand_id=yunwu channel_id=tea-blog.* brand_id=yunwu channel_id=tea-blog mention",
        ),
        (
            "mentions",
            ["brand_id=yunwu", "channel_id=tea-blog", "mention_date=2020-01-01"],
            "expected a row's whole key, .*; found .*2020-01-01. One that there is: .*=2026-1",
        ),
        (
            "mentions",
            ["brand_id=yunwu", "channel_id=tea-blog", "mention_date=May"],
            "expected a day such as 2026-10-01, found 'May'",
        ),
    ],
)
def test_nonsense_is_refused_with_what_is_expected(
    context: Context, mart: str, cell: list[str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        trace(context, mart, cell)


def test_row_38_a_value_is_only_ever_compared(context: Context) -> None:
    attack = "brand_id=x'); attach '/tmp/a' as a; --"
    with pytest.raises(ConfigurationError, match="found brand_id=x"):
        trace(context, "mentions", [attack, "channel_id=tea-blog", "mention_date=2026-10-05"])


def test_without_a_build_there_is_nothing_to_trace(tmp_path: Path) -> None:
    with pytest.raises(TingchaoError, match="run `tingchao build`"):
        trace(configure(tmp_path), "mentions", [])
