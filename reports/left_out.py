"""The desks' list of what the numbers leave out: post by post, brand by brand, with the reason why.

A list for checking: whoever finds a voice in it can raise the rule's limit (`noise` in the
configuration), and the next build counts it. It stands beside the cases and is for the desks alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from reports.desks_file import SHOWN_DAYS, TextOf, find_posts, write_table

TABLE = "left_out_posts"
KEY = ("brand_id", "channel_id", "post_id", "reason")


@dataclass(frozen=True)
class LeftOutPost:
    """One row of `left_out_posts`; `published_at` is naive UTC, `rule` as docs/text.md has it."""

    brand_id: str
    channel_id: str
    source: str
    post_id: str
    post_url: str | None
    excerpt_text: str | None
    author_key: str | None
    published_at: datetime
    post_date: date
    reason: str
    rule: str
    mention_count: int


def find_left_out(work: Path, through: date, text_of: TextOf) -> list[LeftOutPost]:
    """List the posts of the last days whose mentions are no voice, newest first."""
    found = find_posts(work, _LEFT_OUT, [through, through, SHOWN_DAYS], text_of)
    return [LeftOutPost(**row) for row in found]


def write_left_out(target: Path, posts: list[LeftOutPost]) -> None:
    """Write them into the desks' DuckDB file."""
    write_table(target, TABLE, LeftOutPost, posts)


_LEFT_OUT = """
with

weighed as (
    select
        mentions.brand_id, mentions.channel_id, mentions.post_id,
        coalesce(noise.reason, case when mentions.is_quoted then 'quoted' end) as reason,
        coalesce(noise.rule, 'quoted') as rule
    from int_mentions as mentions
    left join int_noise as noise using (channel_id, post_id)
)

select
    weighed.brand_id, posts.channel_id, posts.source, posts.post_id, posts.url, posts.author_key,
    posts.published_at, posts.post_date, weighed.reason, weighed.rule, count(*) as mention_count,
    posts.segment_id
from weighed
join int_posts as posts using (channel_id, post_id)
where
    weighed.reason is not null
    and not posts.is_deleted
    and posts.post_date <= ?
    and posts.post_date > ?::date - ?::integer
group by all
order by posts.published_at desc, posts.channel_id, posts.post_id, weighed.brand_id, weighed.reason
"""
