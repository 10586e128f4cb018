"""The desks' file: what somebody should act on, post by post; for the desks and nobody else.

A case, so far, is an unanswered complaint: a post that mentions an own brand in its own words, that
is no noise, that the text engine reads as a complaint, and to whose thread no official account of
the channel has added a word since.
It carries a short excerpt with contacts masked, a pseudonym, and the link; never a name.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from reports.errors import PublicationError
from reports.marts_file import OURS

TABLE = "cases"
KEY = ("case_id",)
SHOWN_DAYS = 30
EXCERPT_LENGTH = 80  # code points, quotation marks included

TextOf = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], str]]
"""Looks up landed texts: (segment id, post id) to text."""


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
    try:
        with duckdb.connect(str(work), read_only=True, config=OURS) as connection:
            values = [files, list(own_brands), through, through, SHOWN_DAYS]
            rows = connection.execute(_COMPLAINTS, values).fetchall()
    except duckdb.CatalogException as error:
        raise PublicationError(
            f"{work.name}: {str(error).splitlines()[0]}; run `tingchao build --full-refresh`"
        ) from None
    texts = text_of({(row[-1], row[3]) for row in rows})
    return [_case(row, texts.get((row[-1], row[3]))) for row in rows]


def write_cases(target: Path, cases: Sequence[Case]) -> None:
    """Write the desks' DuckDB file."""
    with duckdb.connect(str(target), config=OURS) as connection:
        connection.execute(
            f"create table {TABLE} (case_id varchar, case_kind varchar, brand_id varchar, "
            "channel_id varchar, source varchar, post_id varchar, post_url varchar, "
            "excerpt_text varchar, author_key varchar, published_at timestamp, post_date date, "
            "sentiment varchar)"
        )
        for case in cases:
            values = list(astuple(case))
            places = ", ".join("?" for _ in values)
            connection.execute(f"insert into {TABLE} values ({places})", values)
        connection.execute("checkpoint")


def quote_excerpt(text: str, length: int = EXCERPT_LENGTH) -> str:
    """A short quotation: one line, nothing invisible, in quotation marks.

    The opening mark also keeps a spreadsheet from taking a post for a formula.
    """
    line = " ".join("".join(_visible(text)).split())
    room = length - 2
    return f"「{line if len(line) <= room else line[: room - 1] + '…'}」"


def open_link(url: object) -> str | None:
    """A landed address when it opens a page and does nothing else."""
    return str(url) if str(url or "").startswith(("http://", "https://")) else None


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


def _case(row: tuple[object, ...], text: str | None) -> Case:
    kind, brand, channel, post, source, url, author, published_at, day, sentiment, _ = row
    name = "\n".join(map(str, (kind, brand, channel, post)))
    return Case(
        case_id=hashlib.sha256(name.encode()).hexdigest()[:16],
        case_kind=str(kind),
        brand_id=str(brand),
        channel_id=str(channel),
        source=str(source),
        post_id=str(post),
        post_url=open_link(url),
        excerpt_text=quote_excerpt(text) if text else None,
        author_key=str(author) if author else None,
        published_at=published_at,  # type: ignore[arg-type]
        post_date=day,  # type: ignore[arg-type]
        sentiment=str(sentiment),
    )


def _visible(text: str) -> Iterator[str]:
    """Controls become blanks; marks that turn the direction of writing are left out."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if unicodedata.category(character) == "Cc":
            yield " "
        elif kind not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}:
            yield character
