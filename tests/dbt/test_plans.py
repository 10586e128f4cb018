"""When a build adds to what is there, and when it must start from nothing; no dbt runs here."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.dbt.conftest import CONFIGURATION, Installation
from tests.dbt.landing import instant, post
from tingchao.building.inputs import Terms, describe_configuration, digest_of, write_inputs
from tingchao.building.models import Workshop
from tingchao.building.state import State, finish, read_state
from tingchao.config import Engine
from tingchao.context import Context
from tingchao.errors import TingchaoError
from tingchao.steps import build as steps

BUILT = State(
    as_of=datetime(2026, 3, 1, 9, tzinfo=UTC),
    through_date=date(2026, 2, 28),
    configuration_digest="c",
    code_digest="m",
    text_version="v1",
    segments=frozenset({"s1"}),
    batches=frozenset({"b1"}),
)


def _reasons(installation: Installation, old: State, new: State) -> list[str]:
    context = Context(installation.context.config)
    return list(steps._reasons_to_start_anew(context, old, new))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code_digest": "other"}, "models changed"),
        ({"configuration_digest": "other"}, "configuration changed"),
        ({"text_version": "v2"}, "texts are understood anew"),
        ({"as_of": datetime(2026, 2, 1, tzinfo=UTC)}, "the ledger ends earlier than before"),
        ({"segments": frozenset({"s2"})}, "something built upon is gone"),
        ({"batches": frozenset()}, "something built upon is gone"),
        ({"engine": "spark"}, "duckdb built the last one"),
    ],
)
def test_what_makes_a_build_start_from_nothing(
    install: Callable[..., Installation], change: dict[str, object], reason: str
) -> None:
    assert _reasons(install(), BUILT, replace(BUILT, **change)) == [reason]


def test_spark_starts_from_nothing_when_its_tables_are_gone(
    install: Callable[..., Installation],
) -> None:
    on_spark = replace(BUILT, engine="spark")
    assert _reasons(install(), on_spark, on_spark) == ["the tables of the last build are gone"]


def test_what_is_only_new_does_not(install: Callable[..., Installation]) -> None:
    later = datetime(2026, 4, 1, tzinfo=UTC)
    new = replace(BUILT, as_of=later, segments=BUILT.segments | {"s2"})
    assert _reasons(install(), BUILT, new) == []


@pytest.mark.parametrize("of", ["built", "new"])
def test_a_refusal_counts_when_the_refused_row_was_built_upon(
    install: Callable[..., Installation], of: str
) -> None:
    installation = install()
    landed = installation.landing.land("2026-03-01 09:00", "board", posts=[post("a", None)])
    refused = {"table_name": "posts", "record_id": "a", "of_segment_id": landed, "rule": "r"}
    gate = installation.landing.land("2026-03-02 09:00", "board", quarantine=[refused])
    old = replace(BUILT, segments=frozenset({landed} if of == "built" else ()))
    new = replace(BUILT, as_of=instant("2026-03-02 09:00"), segments=frozenset({landed, gate}))
    expected = ["rows built upon were erased or refused"] if of == "built" else []
    assert _reasons(installation, old, new) == expected


def test_an_erasure_makes_a_build_start_from_nothing(install: Callable[..., Installation]) -> None:
    installation = install()
    erased = installation.landing.land("2026-03-02 09:00", "board", route="erasure")
    new = replace(BUILT, as_of=instant("2026-03-02 09:00"), segments=BUILT.segments | {erased})
    assert _reasons(installation, BUILT, new) == ["rows built upon were erased or refused"]


def test_what_no_gate_has_passed_is_not_built(install: Callable[..., Installation]) -> None:
    installation = install()
    passed = installation.landing.land("2026-03-01 09:00", "board")
    refused = installation.landing.land("2026-03-02 09:00", "board", is_judged=False)
    plan = _plan(installation)
    assert (passed in plan.wanted.segments, refused in plan.wanted.segments) == (True, False)
    assert plan.wanted.as_of == instant("2026-03-01 09:00"), "what waits moves no number"
    assert plan.waiting == ("run-2026-03-02 09:00",)
    installation.landing.judge(_ledger_row(installation, refused), at="2026-03-04 09:00")
    assert refused in _plan(installation).wanted.segments
    assert _plan(installation).waiting == ()
    then = _plan(installation, as_of=instant("2026-03-03 09:00"))
    assert refused not in then.wanted.segments, "yesterday's number stays yesterday's"


def _plan(installation: Installation, as_of: datetime | None = None) -> steps.Plan:
    context = Context(installation.context.config)
    configuration = describe_configuration(context, "1")
    return steps._plan(context, configuration, as_of, False, Engine.DUCKDB)


def _ledger_row(installation: Installation, segment_id: str) -> dict[str, object]:
    rows = Context(installation.context.config).lake.ledger().to_pylist()
    return next(
        {**row, "collected_at": row["committed_at"]}
        for row in rows
        if row["segment_id"] == segment_id
    )


def test_a_comment_is_no_change_of_configuration_and_a_rule_is(
    install: Callable[..., Installation],
) -> None:
    installation = install()
    before = digest_of(describe_configuration(installation.context, "1"))
    installation.configure(CONFIGURATION + "\n    # a remark\n")
    assert digest_of(describe_configuration(installation.context, "1")) == before
    installation.configure(CONFIGURATION.replace("lookback_days: 30", "lookback_days: 7"))
    assert digest_of(describe_configuration(installation.context, "1")) != before


def test_rules_of_noise_are_asked_in_order_and_those_without_a_limit_never(
    install: Callable[..., Installation],
) -> None:
    installation = install(
        CONFIGURATION
        + "    noise: {bot: null, giveaway: 0.5, copies: {posts: 9}, near_copies: null}\n"
    )
    rows = describe_configuration(installation.context, "1")["noise_rules"]
    asked = [(row["rule"], row["reason"], row["least_score"]) for row in rows]
    assert asked == [
        ("repost", "repost", 0.9),
        ("advertising", "advertising", 0.9),
        ("contact_spam", "advertising", 0.9),
        ("giveaway_entry", "giveaway", 0.7),
        ("giveaway", "giveaway", 0.5),
        ("copy", "copy", None),
    ]
    orders = [row["rule_order"] for row in rows]
    assert orders == sorted(set(orders))
    assert (rows[-1]["least_post_count"], rows[-1]["least_length"]) == (9, 30)


def test_inputs_say_what_a_source_lets_anybody_see(install: Callable[..., Installation]) -> None:
    rows = {
        row["channel_id"]: row for row in describe_configuration(install().context, "1")["channels"]
    }
    assert rows["board"]["is_identity_visible"] is True  # as scrapers/sources/ptt.yml says
    assert rows["blog"]["is_identity_visible"] is False  # as the channel says of itself


def test_official_accounts_are_pseudonyms(install: Callable[..., Installation]) -> None:
    context = install().context
    [account] = describe_configuration(context, "1")["official_accounts"]
    assert account == {
        "source": "ptt",
        "channel_id": "board",
        "author_key": context.pseudonyms.key("ptt", "shop"),
    }


def test_inputs_name_what_is_new(install: Callable[..., Installation], tmp_path: Path) -> None:
    installation = install()
    old = installation.landing.land("2026-03-01 09:00", "board", is_judged=False)
    new = installation.landing.land("2026-03-02 09:00", "board", is_judged=False)
    ledger = installation.context.lake.ledger()
    terms = Terms(BUILT.as_of, BUILT.through_date, None, ledger, ["b1", "b2"], {new}, {"b2"})
    write_inputs(tmp_path, describe_configuration(installation.context, "1"), terms)
    rows = pq.read_table(tmp_path / "ledger.parquet").to_pylist()
    assert {row["segment_id"]: row["is_new"] for row in rows} == {old: False, new: True}
    batches = pq.read_table(tmp_path / "batches.parquet").to_pylist()
    assert batches == [{"batch_id": "b1", "is_new": False}, {"batch_id": "b2", "is_new": True}]


def test_a_database_remembers_what_it_was_built_from(tmp_path: Path) -> None:
    database = tmp_path / "work.duckdb"
    duckdb.connect(database).close()
    finish(database, BUILT)
    assert read_state(database) == BUILT


def test_text_version_is_the_latest_in_use_by_then_else_the_first(
    install: Callable[..., Installation],
) -> None:
    installation = install()
    for version, activated in (("v1", "2026-03-01 09:00"), ("v2", "2026-04-01 09:00")):
        installation.landing.understand(version, activated, {"茶": ("neutral", [])})
    version = {
        day: steps._text_version(installation.context, instant(f"2026-{day} 09:00"))
        for day in ("02-01", "03-01", "03-31", "04-01")
    }
    assert version == {"02-01": "v1", "03-01": "v1", "03-31": "v1", "04-01": "v2"}
    assert steps._text_version(installation.context, None) == "v2"


def test_36_a_full_disk_is_said_and_leaves_everything_as_it_was(
    install: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(_workshop: Workshop) -> dict[str, float]:
        raise OSError(errno.ENOSPC, "No space left on device", "work.duckdb")

    installation = install()
    monkeypatch.setattr(steps, "run_models", fill_the_disk)
    with pytest.raises(TingchaoError, match=r"No space left on device.*stay as they are"):
        installation.build()
    assert not installation.database.exists()
