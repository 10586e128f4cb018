"""The score card: full marks for the right marts, and a red line for every wrong cell."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from demo.answers import KEYS, MARTS, write_answers
from demo.score import Expected, print_score, print_scorecard, score
from demo.town import Town


@pytest.fixture(scope="module")
def answers(tmp_path_factory, town: Town) -> Path:
    return write_answers(town, tmp_path_factory.mktemp("town"), town.closes_at)


@pytest.fixture
def warehouse(tmp_path, answers) -> Path:
    """Marts as a pipeline would build them that sees all there is to see."""
    path = tmp_path / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for mart in MARTS:
            source = f"read_parquet('{answers / 'seen' / mart}.parquet')"
            extra = ", channel_id as channel_name" if mart == "channel_scorecard" else ""
            connection.execute(f"create table marts.{mart} as select *{extra} from {source}")
    return path


def spoil(warehouse: Path, statement: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(statement)


def test_what_could_be_seen_scores_full_marks(warehouse, answers):
    card = score(answers, warehouse)
    assert card.holds
    assert len(card.scores) > 40
    assert {line.mart for line in card.scores} == set(MARTS)
    assert all(line.seen.exact_share == 1.0 for line in card.scores)
    assert card.bounds.holding == card.bounds.rows > 5


def test_the_truth_is_further_off_and_the_card_says_why(warehouse, answers):
    lines = {(line.mart, line.measure): line for line in score(answers, warehouse).scores}
    buyers = lines["channel_conversion", "buyer_count"]
    assert buyers.truth.exact_share < 1.0
    assert any("CRM" in reason for reason in buyers.reasons)
    assert lines["sentiment_daily", "positive_count"].expected is Expected.APPROXIMATE


@pytest.mark.parametrize("mart", MARTS)
def test_a_missing_and_an_extra_row_are_found(mart, warehouse, answers):
    key = KEYS[mart][0]
    spoil(
        warehouse,
        f"update marts.{mart} set {key} = 'elsewhere' where rowid = "
        f"(select max(rowid) from marts.{mart})",
    )
    card = score(answers, warehouse)
    assert not card.holds
    assert {(line.mart, line.missing_rows, line.extra_rows) for line in card.failing()} <= {
        (mart, 1, 1)
    }


def test_a_wrong_cell_is_found_and_measured(warehouse, answers):
    spoil(
        warehouse,
        "update marts.channel_activity set post_count = post_count + 7 where rowid = 0",
    )
    (line,) = score(answers, warehouse).failing()
    assert (line.mart, line.measure, line.seen.largest_deviation) == (
        "channel_activity",
        "post_count",
        7.0,
    )


def test_zero_is_not_unknown(warehouse, answers):
    spoil(
        warehouse,
        "update marts.channel_activity set active_fan_count = 0 where active_fan_count is null",
    )
    assert [line.measure for line in score(answers, warehouse).failing()] == ["active_fan_count"]


def test_moods_may_differ(warehouse, answers):
    spoil(warehouse, "update marts.sentiment_daily set positive_count = positive_count + 1")
    assert score(answers, warehouse).holds


def test_a_warehouse_without_marts_says_what_to_do(tmp_path, answers):
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(FileNotFoundError, match="tingchao build"):
        score(answers, empty)


def test_both_tables_can_be_read(warehouse, answers):
    said = io.StringIO()
    console = Console(file=said, width=120)
    card = score(answers, warehouse)
    print_score(card, console)
    print_scorecard(warehouse, console)
    text = said.getvalue()
    assert "全部如預期" in text
    assert "頻道成績 Channel scorecard 2026-09" in text
    assert "│ ?" in text or " ? │" in text
    assert json.loads(card.to_json())["holds"] is True
