"""Every landing rule lets a good row pass and refuses the row that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from lake import Lake
from quality.landing import (
    BATCHES,
    FILES,
    LOOKED_AT,
    ROW_RULES,
    rules_for_landing,
    stage_landing,
)
from quality.rules import Severity

KEY = "'k1." + "a" * 26 + "'"
LANDED = {
    "source": "'ptt'",
    "crawl_id": "'c'",
    "segment_id": "'s'",
    "collected_at": "timestamptz '2026-10-02 00:00:00+00'",
}
NOON = "timestamptz '2026-10-01 12:00:00+00'"
COUNTERS = "[{'name': 'push', 'lo': 1, 'hi': 2, 'how': 'rounded'}]"
GOOD: dict[str, dict[str, str]] = {
    "posts": {
        "post_id": "'M.1'",
        "kind": "'article'",
        "author_key": KEY,
        "url": "'https://example.org/M.1'",
        "published_at": NOON,
        "counters": COUNTERS,
    },
    "reactions": {"post_id": "'M.1'", "actor_key": KEY, "kind": "'like'", "occurred_at": NOON},
    "channels": {"channel_id": "'board'", "observed_at": NOON, "fan_count": "5"},
    "authors": {"author_key": KEY, "observed_at": NOON, "counters": COUNTERS},
    "visits": {"visit_id": "'v'", "visitor_key": KEY, "occurred_at": NOON},
    "orders": {
        "order_id": "'o'",
        "customer_key": KEY,
        "ordered_at": NOON,
        "status": "'paid'",
        "amount": "100",
        "refund_amount": "100",
        "currency": "'TWD'",
    },
    "members": {
        "member_key": KEY,
        "observed_at": NOON,
        "handles": f"[{{'source': 'ptt', 'key': {KEY}}}]",
    },
    "spend": {
        "spend_id": "'2026-10-01|c1'",
        "spend_date": "date '2026-10-01'",
        "level": "'campaign'",
        "spend_amount": "0",
        "currency": "'TWD'",
        "click_count": "0",
    },
}
LATE = "timestamptz '2026-10-03 00:00:01+00'"
OLD = "timestamptz '1989-12-31 23:59:59+00'"
BATCH = {
    "route": "'crawl'",
    "source": "'ptt'",
    "channel_id": "'board'",
    "crawl_id": "'c'",
    "stop_reason": "'exhausted'",
    "byte_count": "1000",
    "landed_count": "40",
    "unchanged_count": "0",
    "quarantined_count": "0",
    "full_run_count": "3",
    "is_identity_visible": "true",
    "is_accepted": "false",
    "found_count": "40",
    "refused_count": "2",
    "post_count": "40",
    "author_count": "1",
}
FILE = {"table_name": "'posts'", "is_readable": "true", "is_as_declared": "true"}
BREACHES: dict[str, str] = {
    "posts.post_id_present": "post_id = ' '",
    "posts.kind_present": "kind = ''",
    "posts.kind_known": "kind = 'like'",
    "posts.published_at_not_in_the_future": f"published_at = {LATE}",
    "posts.published_at_not_before_1990": f"published_at = {OLD}",
    "posts.edited_at_not_in_the_future": f"edited_at = {LATE}",
    "posts.edited_at_not_before_1990": f"edited_at = {OLD}",
    "posts.counters_possible": "counters = [{'name': 'x', 'lo': 3, 'hi': 2, 'how': 'rounded'}]",
    "posts.not_its_own_parent": "parent_id = post_id",
    "posts.url_is_a_web_address": "url = 'javascript:alert(1)'",
    "posts.author_key_is_a_pseudonym": "author_key = 'somebody'",
    "reactions.post_id_present": "post_id = ''",
    "reactions.kind_present": "kind = ''",
    "reactions.occurred_at_not_in_the_future": f"occurred_at = {LATE}",
    "reactions.occurred_at_not_before_1990": f"occurred_at = {OLD}",
    "reactions.actor_key_is_a_pseudonym": "actor_key = 'somebody'",
    "channels.observed_at_not_in_the_future": f"observed_at = {LATE}",
    "channels.observed_at_not_before_1990": f"observed_at = {OLD}",
    "channels.fan_count_not_negative": "fan_count = -1",
    "channels.counters_possible": "counters = [{'name': 'x', 'lo': -1, 'hi': 2, 'how': 'x'}]",
    "authors.observed_at_not_in_the_future": f"observed_at = {LATE}",
    "authors.observed_at_not_before_1990": f"observed_at = {OLD}",
    "authors.counters_possible": "counters = [{'name': 'x', 'lo': -1, 'hi': null, 'how': 'x'}]",
    "authors.author_key_is_a_pseudonym": "author_key = 'k1.short'",
    "visits.visit_id_present": "visit_id = ''",
    "visits.occurred_at_not_in_the_future": f"occurred_at = {LATE}",
    "visits.occurred_at_not_before_1990": f"occurred_at = {OLD}",
    "visits.visitor_key_is_a_pseudonym": "visitor_key = 'GA1.2.3'",
    "orders.order_id_present": "order_id = ''",
    "orders.ordered_at_not_in_the_future": f"ordered_at = {LATE}",
    "orders.ordered_at_not_before_1990": f"ordered_at = {OLD}",
    "orders.amounts_not_negative": "amount = -1, refund_amount = -2",
    "orders.refund_within_amount": "refund_amount = 100.01",
    "orders.parts_within_refund": "refunded_tax_amount = 60, refunded_shipping_amount = 40.01",
    "orders.cancelled_at_not_in_the_future": f"cancelled_at = {LATE}",
    "orders.cancelled_at_not_before_1990": f"cancelled_at = {OLD}",
    "orders.currency_is_a_code": "currency = 'NT$'",
    "orders.status_known": "status = 'whatever'",
    "orders.customer_key_is_a_pseudonym": "customer_key = 'a@b.tw'",
    "orders.visitor_key_is_a_pseudonym": "visitor_key = 'GA1.2.3'",
    "members.observed_at_not_in_the_future": f"observed_at = {LATE}",
    "members.observed_at_not_before_1990": f"observed_at = {OLD}",
    "members.handles_complete": "handles = [{'source': null, 'key': 'x'}]",
    "members.member_key_is_a_pseudonym": "member_key = 'Wang'",
    "members.handles_are_pseudonyms": "handles = [{'source': 'ptt', 'key': 'somebody'}]",
    "spend.spend_id_present": "spend_id = ''",
    "spend.spend_date_not_in_the_future": "spend_date = date '2026-10-04'",
    "spend.spend_date_not_before_1990": "spend_date = date '1989-12-30'",
    "spend.numbers_not_negative": "click_count = -1",
    "spend.currency_is_a_code": "currency = 'NT$'",
    "spend.level_known": "level = 'keyword'",
    f"{FILES}.files_readable": "is_readable = false",
    f"{FILES}.schema_declared": "is_as_declared = false",
    f"{BATCHES}.files_agree_with_ledger": "found_count = 39",
    f"{BATCHES}.not_suddenly_empty": "landed_count = 0, found_count = 0, refused_count = 0",
    f"{BATCHES}.quarantine_share": "refused_count = 3",
    f"{BATCHES}.somebody_wrote": "author_count = 0",
}
RULES = {rule.id: rule for rule in rules_for_landing(0.05)}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Good rows in every table; what a test changes is rolled back."""
    folder = tmp_path_factory.mktemp("landing")
    Lake.open(folder / "lake")
    empty = {
        table: folder / f"lake/{table}/source=_schema/collected_date=1970-01-01/empty.parquet"
        for table in (*LOOKED_AT, "quarantine")
    }
    stage_landing(folder / "landing.duckdb", [], empty, [])
    with duckdb.connect(str(folder / "landing.duckdb")) as connection:
        for table, row in GOOD.items():
            insert(connection, table, LANDED | row)
        insert(connection, BATCHES, BATCH)
        insert(connection, FILES, FILE)
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, str]) -> None:
    connection.execute(f"insert into {table} ({', '.join(row)}) select {', '.join(row.values())}")


def counted(connection: duckdb.DuckDBPyConnection, rule_id: str) -> int:
    row = connection.execute(RULES[rule_id].measure).fetchone()
    assert row
    return int(row[0])


def test_good_rows_pass_every_rule(staged: duckdb.DuckDBPyConnection) -> None:
    assert {name for name, rule in RULES.items() if not rule.holds(counted(staged, name))} == set()


def test_every_rule_has_a_breach() -> None:
    assert set(RULES) - {f"{BATCHES}.row_count"} == set(BREACHES)


@pytest.mark.parametrize("rule_id", BREACHES)
def test_every_rule_refuses_one_bad_row(staged: duckdb.DuckDBPyConnection, rule_id: str) -> None:
    staged.execute("begin")
    try:
        staged.execute(f"update {RULES[rule_id].table} set {BREACHES[rule_id]}")
        assert counted(staged, rule_id) == 1
    finally:
        staged.execute("rollback")


def test_row_43_nothing_to_judge_is_refused(staged: duckdb.DuckDBPyConnection) -> None:
    staged.execute("begin")
    staged.execute(f"delete from {BATCHES}")
    rule = RULES[f"{BATCHES}.row_count"]
    assert not rule.holds(counted(staged, rule.id))
    staged.execute("rollback")


@pytest.mark.parametrize(
    ("rule_id", "excused"),
    [
        (f"{BATCHES}.not_suddenly_empty", "stop_reason = 'reached_watermark'"),
        (f"{BATCHES}.not_suddenly_empty", "full_run_count = 2"),
        (f"{BATCHES}.not_suddenly_empty", "byte_count = 0"),
        (f"{BATCHES}.not_suddenly_empty", "unchanged_count = 1"),
        (f"{BATCHES}.quarantine_share", "landed_count = 19"),
        (f"{BATCHES}.somebody_wrote", "is_identity_visible = false"),
        (f"{BATCHES}.somebody_wrote", "is_identity_visible = null"),
        (f"{BATCHES}.somebody_wrote", "post_count = 19"),
        *(
            (f"{BATCHES}.{name}", "is_accepted = true")
            for name in ("not_suddenly_empty", "quarantine_share", "somebody_wrote")
        ),
    ],
)
def test_what_excuses_a_batch(
    staged: duckdb.DuckDBPyConnection, rule_id: str, excused: str
) -> None:
    staged.execute("begin")
    try:
        staged.execute(f"update {BATCHES} set {BREACHES[rule_id]}")
        staged.execute(f"update {BATCHES} set {excused}")
        assert counted(staged, rule_id) == 0
    finally:
        staged.execute("rollback")


def test_a_small_batch_of_which_all_is_refused_stops(staged: duckdb.DuckDBPyConnection) -> None:
    staged.execute("begin")
    staged.execute(f"update {BATCHES} set landed_count = 3, refused_count = 3")
    assert counted(staged, f"{BATCHES}.quarantine_share") == 1
    staged.execute("rollback")


def test_rows_are_refused_one_by_one_and_batches_stop() -> None:
    quarantining = {rule.id for rule in RULES.values() if rule.severity is Severity.QUARANTINE}
    assert quarantining == {rule.id for rule in ROW_RULES}
