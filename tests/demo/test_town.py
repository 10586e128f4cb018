"""The same parameters give the same town, anywhere; more people or days leave the rest alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from demo.answers import true_answers
from demo.days import date_of, day_at, midnight, seconds_of, taipei
from demo.exports import content, files
from demo.life import Kind, Quirk
from demo.load import generate
from demo.ptt import article_page
from demo.server import Sites
from demo.town import Size, Town, load_town, prepare
from demo.truths import planted_truths

TELL = """
import sys
sys.path.insert(0, {tests!r})
from tests.demo.test_town import digest_town
print(digest_town())
"""


def digest_town() -> str:
    """Digest of every file and page of a small town."""
    town = Town(seed=3, people=60, days=12)
    at = seconds_of(town.closes_at)
    digest = hashlib.sha256()
    for name, kind in files().items():
        digest.update(name.encode() + content(kind, town, at))
    sites = Sites(town, at)
    for board in sites.boards.values():
        for article in board.articles:
            digest.update(article_page(board, article, at).encode())
    for address in sites.feeds:
        digest.update(sites._feed(address, at)[0])
    answers = true_answers(town, town.closes_at)
    digest.update(json.dumps(answers, default=str).encode())
    return digest.hexdigest()


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "America/New_York", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "Pacific/Kiritimati", "LANG": "zh_TW.Big5", "PYTHONHASHSEED": "2"},
    ],
)
def test_a_town_is_the_same_whatever_surrounds_it(surroundings):
    told = subprocess.run(
        [sys.executable, "-c", TELL.format(tests=str(Path.cwd()))],
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == digest_town()


def spoken(town: Town, first: date, people: int) -> dict[tuple, str]:
    """What the first so many people opened by themselves from a day on."""
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    return {
        (post.place.id, post.author, post.at): post.saying.body
        for post in town.posts
        if post.kind is not Kind.PUSH and 0 <= post.author < people and post.at >= start
        if post.opens_thread
    }


def test_more_people_and_more_days_leave_the_rest_as_it_was(town):
    since = date(2026, 9, 15)
    told = spoken(town, since, 900)
    assert len(told) > 50
    for larger in (Town(town.seed, 950, town.days), Town(town.seed, town.people, 60)):
        assert spoken(larger, since, 900) == told


def test_another_seed_is_another_town():
    assert Town(1, 60, 5).posts[5].saying != Town(2, 60, 5).posts[5].saying


def test_preparing_twice_writes_once(tmp_path):
    town = prepare(tmp_path, Size(people=30, days=3), seed=9)
    written = (tmp_path / "town.json").stat().st_mtime_ns
    assert prepare(tmp_path, Size(people=30, days=3), seed=9) == town == load_town(tmp_path)
    assert (tmp_path / "town.json").stat().st_mtime_ns == written


def test_a_town_needs_people():
    with pytest.raises(ValueError, match="found 3 people and 1 days"):
        Town(1, 3, 1)


def test_the_town_has_what_it_promises(town):
    truths = planted_truths(town, town.closes_at)
    assert truths["people"]["giveaway_hunters"] > 20
    assert len(truths["people"]["namesakes"]) == 5
    assert truths["wave"]["authors"] > 3
    assert truths["crisis"]["posts"] > 100
    assert {event["channel_id"] for event in truths["crisis"]["began"]} == {
        "ptt-teadrink",
        "ptt-towntalk",
    }
    assert truths["complaints"]["unanswered"] > 20
    assert truths["posts"]["gone"] > 20
    assert truths["posts"]["edited"] > 10
    assert truths["orders"]["refunded_after_the_first_day"] > 3
    assert truths["orders"]["guests"] > 10
    assert truths["orders"]["by_status"].keys() >= {"paid", "cancelled", "test", "refunded"}
    assert truths["fans"]["following_both"]["page-suiguang & page-wuyu"] > 50
    assert truths["fans"]["never_acted"]["page-wuyu"] > 300


def test_truths_of_an_earlier_day_know_nothing_of_later_ones(town):
    earlier = planted_truths(town, taipei(midnight(town.life.crisis_day)))
    assert earlier["crisis"]["posts"] == 0
    assert earlier["posts"]["count"] < len(town.posts)


def test_the_few_of_the_board_are_far_more_active_than_the_many_of_the_page(town):
    rows = true_answers(town, town.closes_at)["channel_scorecard"]
    september = {r["channel_id"]: r for r in rows if r["period_start_date"] == date(2026, 9, 1)}
    board, page = september["ptt-teadrink"], september["page-wuyu"]
    assert board["fan_count"] * 3 < page["fan_count"]
    assert board["activity_rate"] > page["activity_rate"] * 3


def test_weekends_are_quieter_on_boards(town):
    days = Counter(
        date_of(day_at(post.at)).weekday() >= 5
        for post in town.posts
        if post.place.source == "ptt" and post.cause == 0
    )
    assert days[True] / 2 < 0.9 * days[False] / 5


def test_ids_are_unique_and_quirks_occur(town):
    ids = Counter((post.place.id, post.post_id) for post in town.posts)
    assert max(ids.values()) == 1
    marks = Counter((r.post.post_id, r.author) for r in town.reactions)
    assert max(marks.values()) == 1
    rare = {Quirk.BORROWED_GUID, Quirk.UNDATED}
    found = {quirk for post in town.posts for quirk in post.quirks}
    assert found | rare == set(Quirk)


def test_the_load_generator_writes_what_the_town_says(tmp_path):
    town = Town(seed=4, people=80, days=10)
    rows = generate(town, tmp_path)
    assert rows["posts"] == len(town.posts) > 100
    assert rows["orders"] == sum(len(trade.orders) for trade in town.trades)
    streamed = true_answers(town, town.closes_at, is_streamed=True)
    assert streamed == true_answers(town, town.closes_at)
