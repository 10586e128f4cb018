"""The desks' cases: unanswered complaints of an own brand, short, masked, linked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import duckdb
import pytest

from reports.cases import find_complaints, write_cases
from reports.desks_file import quote_excerpt

THROUGH = date(2026, 10, 31)
POSTS = """
create table int_posts as select * from (values
    ('ptt', 'board', 'open', null, null, 't-bad', 'https://p/open', 's1', 'k1.a',
        timestamp '2026-10-20 10:00', false, date '2026-10-20'),
    ('ptt', 'board', 'answered', null, null, 't-bad', 'https://p/answered', 's1', 'k1.b',
        timestamp '2026-10-21 10:00', false, date '2026-10-21'),
    ('ptt', 'board', 'reply', 'answered', 'answered', 't-nice', null, 's1', 'k1.staff',
        timestamp '2026-10-21 11:00', false, date '2026-10-21'),
    ('ptt', 'board', 'deleted', null, null, 't-bad', 'https://p/deleted', 's1', 'k1.c',
        timestamp '2026-10-22 10:00', true, date '2026-10-22'),
    ('ptt', 'board', 'happy', null, null, 't-nice', 'https://p/happy', 's1', 'k1.d',
        timestamp '2026-10-22 10:00', false, date '2026-10-22'),
    ('ptt', 'board', 'pasted', null, null, 't-bad', 'https://p/pasted', 's1', 'k1.e',
        timestamp '2026-10-22 10:00', false, date '2026-10-22'),
    ('ptt', 'board', 'quoting', null, null, 't-bad', 'https://p/quoting', 's1', 'k1.e',
        timestamp '2026-10-22 10:00', false, date '2026-10-22'),
    ('ptt', 'board', 'old', null, null, 't-bad', 'https://p/old', 's1', 'k1.e',
        timestamp '2026-09-01 10:00', false, date '2026-09-01'),
    ('ptt', 'board', 'rival', null, null, 't-bad', 'javascript:alert(1)', 's1', 'k1.f',
        timestamp '2026-10-23 10:00', false, date '2026-10-23')
) p (source, channel_id, post_id, parent_id, root_id, text_hash, url, segment_id, author_key,
    published_at, is_deleted, post_date)
"""
ACTS = """
create table int_acts as
select channel_id, post_id, 'comment' as act_kind, author_key = 'k1.staff' as is_official
from int_posts
"""
MENTIONS = """
create table int_mentions as
select case post_id when 'rival' then 'yunwu' else 'chaoming' end as brand_id, channel_id, post_id,
    'negative' as sentiment, post_id = 'quoting' as is_quoted
from int_posts where post_id <> 'reply'
"""
NOISE = """
create table int_noise as
select 'board' as channel_id, 'pasted' as post_id, 'copy' as reason, 'copy' as rule
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        for script in (POSTS, ACTS, MENTIONS, NOISE):
            connection.execute(script)
        connection.execute(
            "copy (select * from (values ('t-bad', [{'name': 'complaint'}, {'name': 'question'}]), "
            "('t-nice', [{'name': 'praise'}])) t (text_hash, intents)) "
            f"to '{tmp_path / 'texts.parquet'}' (format parquet)"
        )
    return path


def find(work: Path, brands: Collection[str] = ("chaoming",)) -> list[str]:
    texts = [work.with_name("texts.parquet")]
    return [c.post_id for c in find_complaints(work, texts, brands, THROUGH, text_of)]


def text_of(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return dict.fromkeys(wanted, "=HYPERLINK(1)\x00 等了\n一小時\u202e")


def test_only_an_open_complaint_about_an_own_brand_is_a_case(work: Path) -> None:
    assert find(work) == ["open"]


def test_a_rival_is_no_case_unless_it_is_ours(work: Path) -> None:
    assert find(work, ["yunwu"]) == ["rival"]


def test_without_understood_texts_nothing_is_known_to_be_a_complaint(work: Path) -> None:
    assert find_complaints(work, [], ["chaoming"], THROUGH, text_of) == []


def test_row_44_a_case_carries_nothing_that_runs(work: Path, tmp_path: Path) -> None:
    texts = [work.with_name("texts.parquet")]
    cases = find_complaints(work, texts, ["chaoming", "yunwu"], THROUGH, text_of)
    write_cases(tmp_path / "desks.duckdb", cases)
    with duckdb.connect(str(tmp_path / "desks.duckdb"), read_only=True) as connection:
        rows = connection.execute("select post_id, post_url, excerpt_text from cases").fetchall()
    assert dict(row[:2] for row in rows) == {"open": "https://p/open", "rival": None}
    assert {row[2] for row in rows} == {"「=HYPERLINK(1) 等了 一小時」"}


def test_a_case_keeps_its_name(work: Path) -> None:
    texts = [work.with_name("texts.parquet")]
    names = {
        find_complaints(work, texts, ["chaoming"], THROUGH, text_of)[0].case_id for _ in range(2)
    }
    assert len(names) == 1


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("短", "「短」"),
        ("字" * 78, "「" + "字" * 78 + "」"),
        ("字" * 79, "「" + "字" * 77 + "…」"),
        ("a\r\n\tb", "「a b」"),
        ("家👨‍👩‍👧庭", "「家👨‍👩‍👧庭」"),
    ],
)
def test_excerpts_are_short_and_on_one_line(text: str, excerpt: str) -> None:
    assert quote_excerpt(text) == excerpt
    assert len(excerpt) <= 80
