"""What the numbers leave out, listed for the desks post by post."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import duckdb
import pytest

from reports.left_out import find_left_out, write_left_out

THROUGH = date(2026, 10, 31)
SCRIPT = """
create table int_posts as
select 'ptt' as source, 'board' as channel_id, post_id, 'https://p/' || post_id as url,
    's1' as segment_id, 'k1.a' as author_key, day + interval '10 hours' as published_at,
    gone as is_deleted,
    day as post_date
from (values
    ('voice', date '2026-10-20', false), ('advert', date '2026-10-21', false),
    ('both', date '2026-10-22', false), ('gone', date '2026-10-22', true),
    ('old', date '2026-09-01', false), ('open', date '2026-11-01', false)
) p (post_id, day, gone);
create table int_mentions as
select 'chaoming' as brand_id, 'board' as channel_id, post_id, is_quoted
from (values ('voice', false), ('advert', false), ('advert', true), ('both', false), ('both', true),
    ('gone', true), ('old', true), ('open', true)) m (post_id, is_quoted);
create table int_noise as
select 'board' as channel_id, 'advert' as post_id, 'advertising' as reason, 'contact_spam' as rule;
"""


def text_of(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return dict.fromkeys(wanted, "加LINE：***，霧嶼券")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCRIPT)
    return path


def test_posts_are_listed_with_the_reason_and_the_rule(work: Path) -> None:
    found = find_left_out(work, THROUGH, text_of)
    assert [(p.post_id, p.reason, p.rule, p.mention_count) for p in found] == [
        ("both", "quoted", "quoted", 1),
        ("advert", "advertising", "contact_spam", 2),
    ]
    assert {(p.post_url, p.excerpt_text) for p in found} == {
        ("https://p/both", "「加LINE：***，霧嶼券」"),
        ("https://p/advert", "「加LINE：***，霧嶼券」"),
    }


def test_the_list_is_written_as_it_was_found(work: Path, tmp_path: Path) -> None:
    found = find_left_out(work, THROUGH, text_of)
    write_left_out(tmp_path / "desks.duckdb", found)
    with duckdb.connect(str(tmp_path / "desks.duckdb"), read_only=True) as connection:
        rows = connection.execute("select * from left_out_posts").fetchall()
    assert [row[3] for row in rows] == [post.post_id for post in found]
