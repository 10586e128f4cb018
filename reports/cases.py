"""The desks' cases: what somebody should act on, post by post.

A case, so far, is an unanswered complaint: a post that mentions an own brand in its own words, that
is no noise, that the text engine reads as a complaint, and to whose thread no official account of
the channel has added a word since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from reports.desks_file import SHOWN_DAYS, TextOf, find_posts, write_table
from reports.errors import PublicationError

TABLE = "cases"
KEY = ("case_id",)


@dataclass(frozen=True)
class Case:
    """One row of `cases`; `published_at` is naive UTC, `sentiment` the text engine's word."""

    case_id: str
    case_kind: str
    brand_id: str
    channel_id: str
    source: str
    post_id: str
    post_url: str | None
    excerpt_text: str | None
    author_key: str | None
    published_at: datetime
    post_date: date
    sentiment: str


def find_complaints(
    work: Path,
    understood: Sequence[Path],
    own_brands: Collection[str],
    through: date,
    text_of: TextOf,
) -> list[Case]:
    """List the unanswered complaints of the last days, newest first.

    `understood`: the Parquet files of the text version that the marts were built from; none means
    that nothing is known to be a complaint. `PublicationError` when the work database lacks its
    evidence tables.
    """
    if not understood or not own_brands:
        return []
    files = [str(path) for path in understood]
    values = [files, list(own_brands), through, through, SHOWN_DAYS]
    try:
        return [_case(row) for row in find_posts(work, _COMPLAINTS, values, text_of)]
    except duckdb.CatalogException as error:
        raise PublicationError(
            f"{work.name}: {str(error).splitlines()[0]}; run `tingchao build --full-refresh`"
        ) from None


def write_cases(target: Path, cases: Sequence[Case]) -> None:
    """Write the desks' DuckDB file."""
    write_table(target, TABLE, Case, cases)


_COMPLAINTS = """
with

complaints as (
    select distinct text_hash
    from (
        select text_hash, unnest(intents) as told
        from read_parquet(?, union_by_name = true, hive_partitioning = false)
    )
    where told.name = 'complaint'
),

mentioned as (
    select brand_id, channel_id, post_id, min(sentiment) as sentiment
    from int_mentions
    where list_contains(?, brand_id)
        and not is_quoted
        and (channel_id, post_id) not in (select (channel_id, post_id) from int_noise)
    group by brand_id, channel_id, post_id
),

answers as (
    select posts.channel_id, posts.parent_id, posts.root_id, posts.published_at
    from int_posts as posts
    join int_acts as acts
        on acts.channel_id = posts.channel_id
        and acts.post_id = posts.post_id
        and acts.act_kind <> 'reaction'
    where acts.is_official
)

select
    'unanswered_complaint' as case_kind,
    mentioned.brand_id, posts.channel_id, posts.post_id, posts.source, posts.url,
    posts.author_key, posts.published_at, posts.post_date, mentioned.sentiment, posts.segment_id
from int_posts as posts
join mentioned using (channel_id, post_id)
join complaints using (text_hash)
where
    not posts.is_deleted
    and posts.post_date <= ?
    and posts.post_date > ?::date - ?::integer
    and not exists (
        select 1 from answers
        where answers.channel_id = posts.channel_id
            and answers.published_at >= posts.published_at
            and (
                answers.parent_id = posts.post_id
                or answers.root_id = coalesce(posts.root_id, posts.post_id)
            )
    )
order by posts.published_at desc, posts.channel_id, posts.post_id, mentioned.brand_id
"""


def _case(row: Mapping[str, Any]) -> Case:
    named_by = (row[column] for column in ("case_kind", "brand_id", "channel_id", "post_id"))
    name = hashlib.sha256("\n".join(named_by).encode()).hexdigest()[:16]
    return Case(case_id=name, **row)
