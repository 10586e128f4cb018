"""The desks' list of what the numbers leave out: post by post, brand by brand, with the reason why.

A list for checking: whoever finds a voice in it can raise the rule's limit (`noise` in the
configuration), and the next build counts it. It stands beside the cases and is for the desks alone.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from reports.cases import SHOWN_DAYS, TextOf, open_link, quote_excerpt
from reports.marts_file import OURS

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
    with duckdb.connect(str(work), read_only=True, config=OURS) as connection:
        rows = connection.execute(_LEFT_OUT, [through, through, SHOWN_DAYS]).fetchall()
    texts = text_of({(row[-1], row[3]) for row in rows})
    return [_post(row, texts.get((row[-1], row[3]))) for row in rows]


def write_left_out(target: Path, posts: list[LeftOutPost]) -> None:
    """Write them into the desks' DuckDB file."""
    with duckdb.connect(str(target), config=OURS) as connection:
        connection.execute(
            f"create table {TABLE} (brand_id varchar, channel_id varchar, source varchar, "
            "post_id varchar, post_url varchar, excerpt_text varchar, author_key varchar, "
            "published_at timestamp, post_date date, reason varchar, rule varchar, "
            "mention_count bigint)"
        )
        for post in posts:
            values = list(astuple(post))
            places = ", ".join("?" for _ in values)
            connection.execute(f"insert into {TABLE} values ({places})", values)
        connection.execute("checkpoint")


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


def _post(row: tuple[object, ...], text: str | None) -> LeftOutPost:
    brand, channel, source, post, url, author, published_at, day, reason, rule, count, _ = row
    return LeftOutPost(
        brand_id=str(brand),
        channel_id=str(channel),
        source=str(source),
        post_id=str(post),
        post_url=open_link(url),
        excerpt_text=quote_excerpt(text) if text else None,
        author_key=str(author) if author else None,
        published_at=published_at,  # type: ignore[arg-type]
        post_date=day,  # type: ignore[arg-type]
        reason=str(reason),
        rule=str(rule),
        mention_count=int(count),  # type: ignore[call-overload]
    )
