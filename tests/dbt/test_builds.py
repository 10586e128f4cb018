"""One small world, whose numbers fit on a page; unit tests of all models run with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from lake.schemas import ADDED
from tests.dbt.comparing import read
from tests.dbt.conftest import Installation
from tests.dbt.landing import instant, member, order, post, reaction, tombstone, visit
from tingchao.building import models
from tingchao.marts import load_marts
from tingchao.steps.build import BEFORE_EVERYTHING, BuildSummary, Mode

EVIL = "x'); attach 'evil.duckdb' as evil; create table evil.t as select 1; --"
CONFIGURATION = f"""
    version: 1
    data_dir: data
    brands:
      - {{id: tea, name: "{EVIL}", is_own: true}}
      - {{id: milk, name: '{{{{ env_var("HOME") }}}}'}}
    channels:
      - id: board
        name: "{EVIL}"
        source: ptt
        address: Tea
        brand: tea
        official_accounts: [shop]
      - {{id: blog, source: blog, address: tea.example, author_identity: false}}
      - {{id: silent, source: ptt, address: Silent}}
    attribution:
      rules:
        - {{channel: board, utm_source: "{EVIL}"}}
"""
TALK = "霧嶼真好喝，霧嶼！"


@pytest.fixture(scope="module")
def world(install: Callable[..., Installation]) -> Installation:
    world = install(CONFIGURATION)
    official = world.context.pseudonyms.key("ptt", "shop")
    world.landing.land(
        "2026-03-03 08:00",
        "board",
        covered=("2026-03-01 00:00", "2026-03-02 12:00"),
        posts=[
            post("a", "2026-03-01 00:00", "ann", text=TALK),
            post("b", "2026-02-28 23:59", "bob", text=TALK),  # the day before, by a minute
            post("c", "2026-03-01 12:00", official, text=TALK),
            post("d", None, "ann"),
            post("e", "2026-03-02 09:00", "eve", kind="push"),
            post("open", "2026-03-03 01:00", "kay", text=TALK),  # a day that is not over
            post("refused", "2026-03-01 12:00", "ann", text=TALK),
        ],
        reactions=[reaction("a", "2026-03-02 10:00", "bob"), reaction("a", None, "eve")],
        channels=[{"observed_at": instant("2026-03-01 08:00"), "fan_count": 8}],
    )
    world.landing.land(
        "2026-03-03 08:30",
        "blog",
        source="blog",
        window=("2026-03-01 00:00", "2026-03-03 00:00"),
        stop_reason="blocked",
        posts=[post("p", "2026-03-02 10:00", None, text=TALK), tombstone("gone")],
    )
    _refuse(world, "2026-03-03 08:40", "refused")
    world.landing.land(
        "2026-03-03 09:00",
        "export",
        source="store",
        route="import",
        visits=[visit("v", "2026-03-01 09:00", "x", utm_source=EVIL.upper())],
        orders=[
            order("1", "2026-03-02 10:00", "99.995", customer_key="c", visitor_key="x"),
            order("2", "2026-03-02 11:00", "0.01", refund_amount="0.01", brand_id="tea"),
            order("3", "2026-03-02 11:00", "500", status="cancelled"),
            order("4", "2026-03-02 12:00", "5", status="refunded", brand_id="tea"),
        ],
        members=[member("m", "2026-03-01 00:00", [("ptt", "ann"), ("store", "c")])],
        spend=[spent("1", "12.345", platform=" Meta_Ads ", click_count=3), spent("2", "0.5")],
    )
    _write_orders_as_before(world)
    world.landing.understand("v1", "2026-03-03 10:00", {TALK: ("positive", [("tea", "霧嶼")] * 2)})
    _write_a_segment_without_its_ledger_row(world)
    return world


@pytest.fixture(scope="module")
def built(world: Installation) -> BuildSummary:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "WITHOUT", ())  # with every unit test
        return world.build()


def _refuse(world: Installation, at: str, post_id: str) -> None:
    first = next((world.context.data / "landing" / "posts").rglob("source=ptt/*/*.parquet"))
    refused = {"table_name": "posts", "record_id": post_id, "of_segment_id": first.stem}
    world.landing.land(at, "board", route="gate", quarantine=[{**refused, "rule": "r"}])


def spent(spend_id: str, amount: str, **rest: Any) -> dict[str, Any]:
    said = {"spend_id": spend_id, "spend_date": date(2026, 3, 1), "level": "campaign"}
    return {**said, "spend_amount": Decimal(amount), "currency": "TWD", "platform": "x", **rest}


def _write_orders_as_before(world: Installation) -> None:
    """Take out of the orders' file the columns that the table did not have from the start."""
    (path,) = (world.context.data / "landing" / "orders").rglob("source=store/*/*.parquet")
    pq.write_table(pq.read_table(path).drop_columns(sorted(ADDED["orders"])), path)


def _write_a_segment_without_its_ledger_row(world: Installation) -> None:
    world.landing.withdraw(
        world.landing.land(
            "2026-03-03 09:30", "board", is_judged=False, posts=[post("x", "2026-03-01 09:00")]
        )
    )


def test_summary_says_what_was_built(built: BuildSummary) -> None:
    assert built.mode is Mode.FULL
    assert built.as_of == instant("2026-03-03 09:00")
    assert str(built.through_date) == "2026-03-02"
    assert set(built.row_counts) == {mart.name for mart in load_marts()}
    assert built.model_seconds["channel_activity"] > 0
    assert "full" in str(built) and "2026-03-02" in str(built)
    nothing = replace(built, as_of=BEFORE_EVERYTHING)
    assert "of nothing, for nothing that landed has passed a gate yet" in str(nothing)


def test_spend_is_read_to_the_cent(world: Installation, built: BuildSummary) -> None:
    rows = read(
        world.database,
        "select spend_id, spend_date, platform, spend_amount, click_count from stg_spend "
        "order by spend_id",
    )
    assert rows == [
        ("1", date(2026, 3, 1), "meta_ads", Decimal("12.35"), 3),
        ("2", date(2026, 3, 1), "x", Decimal("0.50"), None),
    ]


def test_a_file_from_before_a_column_came_is_read(world: Installation, built: BuildSummary) -> None:
    rows = read(world.database, "select order_id, discount_amount, is_test from stg_orders")
    assert sorted(rows) == [(order_id, None, None) for order_id in ("1", "2", "3", "4")]


def test_activity(world: Installation, built: BuildSummary) -> None:
    days = read(
        world.database,
        "select period_start_date, fan_count, active_fan_count, activity_rate, act_count, "
        "official_act_count, coverage_rate from channel_activity "
        "where channel_id = 'board' and period_type = 'day' order by 1",
    )
    assert [(str(day), *rest) for day, *rest in days] == [
        ("2026-02-28", None, 1, None, 1, 0, 0.0),
        ("2026-03-01", 8, 1, 0.125, 2, 1, 1.0),
        ("2026-03-02", 8, 2, 0.25, 2, 0, 0.5),
    ]


def test_a_channel_that_shows_nobody_has_no_active_fans_known(
    world: Installation, built: BuildSummary
) -> None:
    query = (
        "select active_fan_count, post_count, coverage_rate from channel_activity "
        "where channel_id = 'blog' and period_type = 'day'"
    )
    assert read(world.database, query) == [(None, 1, 0.0)]


def test_a_channel_never_heard_has_no_rows(world: Installation, built: BuildSummary) -> None:
    assert read(world.database, "from coverage where channel_id = 'silent'") == []


def test_mentions_leave_out_official_open_refused_and_uncommitted_posts(
    world: Installation, built: BuildSummary
) -> None:
    query = "select channel_id, mention_date, mention_count, post_count, author_count from mentions"
    found = {(channel, str(day)): counts for channel, day, *counts in read(world.database, query)}
    assert found == {
        ("board", "2026-02-28"): [2, 1, 1],
        ("board", "2026-03-01"): [2, 1, 1],
        ("blog", "2026-03-02"): [2, 1, None],
    }


def test_money_to_the_cent(world: Installation, built: BuildSummary) -> None:
    query = (
        "select brand_id, channel_id, buyer_count, gross_amount, refund_amount, net_amount "
        "from conversions order by 1"
    )
    assert read(world.database, query) == [
        ("(none)", "board", 1, Decimal("100.00"), Decimal("0.00"), Decimal("100.00")),
        ("tea", "(unattributed)", 2, Decimal("5.01"), Decimal("5.01"), Decimal("0.00")),
    ]


def test_a_member_ties_a_fan_to_a_customer(world: Installation, built: BuildSummary) -> None:
    query = (
        "select active_fan_count, identified_fan_count, buyer_count, conversion_rate, "
        "conversion_rate_hi, visit_count, order_count from channel_conversion "
        "where channel_id = 'board' and period_start_date = date '2026-03-01'"
    )
    assert read(world.database, query) == [(3, 1, 1, 1 / 3, 1.0, 1, 1)]


def test_undated_posts_are_counted_apart(world: Installation, built: BuildSummary) -> None:
    query = "select sum(undated_post_count), sum(landed_post_count) from coverage"
    assert read(world.database, query) == [(0, 5)]  # d was first seen on the day still open


def test_a_row_is_traced_to_its_segment(world: Installation, built: BuildSummary) -> None:
    query = "select distinct segment_id from int_mentions where channel_id = 'board'"
    [(segment,)] = read(world.database, query)
    assert list((world.context.data / "landing" / "posts").rglob(f"{segment}.parquet"))


def test_38_names_are_text_whatever_they_say(world: Installation, built: BuildSummary) -> None:
    assert read(
        world.database, "select distinct channel_name from channel_scorecard order by 1"
    ) == [
        ("blog",),
        (EVIL,),
    ]
    assert read(world.database, "select brand_name from stg_config_brands order by brand_id") == [
        ('{{ env_var("HOME") }}',),
        (EVIL,),
    ]
    assert not list(world.home.rglob("evil.duckdb"))


def test_marts_have_the_types_that_the_contract_says(
    world: Installation, built: BuildSummary
) -> None:
    with duckdb.connect(world.database, read_only=True) as connection:
        for mart in load_marts():
            described = connection.execute(f"describe {mart.name}").fetchall()
            found = {name: kind.lower() for name, kind, *_ in described}
            assert found == {column.name: column.data_type for column in mart.columns}, mart.name


def test_the_database_holds_no_view_on_files_that_move_on(
    world: Installation, built: BuildSummary
) -> None:
    query = "select count(*) from duckdb_views() where not internal"
    assert read(world.database, query) == [(0,)]
    assert not world.database.with_name("work.duckdb.wal").exists()


def test_dbt_keeps_its_results_with_the_run(world: Installation, built: BuildSummary) -> None:
    assert len(list((world.context.data / "runs").rglob("dbt/run_results.json"))) == 1


def test_nothing_landed_builds_marts_without_rows(install: Callable[..., Installation]) -> None:
    summary = install().build()
    rows = {name: count for name, count in summary.row_counts.items() if count}
    assert set(rows) == {"metric_definitions", "source_capabilities"}
