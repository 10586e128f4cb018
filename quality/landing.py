"""What must hold of what landed, before anything is counted from it.

Two kinds of rules. A row that cannot be true (published tomorrow, refunded more than paid) goes to
quarantine and the rest goes on. A batch that cannot be right (files that are not what the ledger
says, a page that suddenly holds nothing, nobody having written anything) stops the run: somebody
must look before it is counted.

The rules see ids, times, amounts and counters, never a text: texts are lossless and may hold
anything, NUL and control characters included, so there is nothing about them to refuse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from quality.rules import Rule, Severity, literal, never, row_count
from tingchao.identifiers import quote

# Of each table, what the rules look at; and the id by which a refused row is found again.
LOOKED_AT: Final[dict[str, tuple[str, ...]]] = {
    "posts": (
        "post_id",
        "kind",
        "parent_id",
        "author_key",
        "url",
        "published_at",
        "edited_at",
        "counters",
    ),
    "reactions": ("post_id", "actor_key", "kind", "occurred_at"),
    "channels": ("channel_id", "observed_at", "fan_count", "counters"),
    "authors": ("author_key", "observed_at", "counters"),
    "visits": ("visit_id", "visitor_key", "occurred_at"),
    "orders": (
        "order_id",
        "customer_key",
        "visitor_key",
        "ordered_at",
        "status",
        "amount",
        "tax_amount",
        "shipping_amount",
        "discount_amount",
        "refund_amount",
        "refunded_tax_amount",
        "refunded_shipping_amount",
        "cancelled_at",
        "currency",
    ),
    "members": ("member_key", "observed_at", "joined_at", "handles"),
    "spend": (
        "spend_id",
        "spend_date",
        "level",
        "spend_amount",
        "currency",
        "impression_count",
        "click_count",
    ),
}
RECORD_ID: Final = {
    "posts": "post_id",
    "reactions": "post_id",
    "channels": "channel_id",
    "authors": "author_key",
    "visits": "visit_id",
    "orders": "order_id",
    "members": "member_key",
    "spend": "spend_id",
}
LANDED_IN = ("source", "crawl_id", "segment_id", "collected_at", "content_hash")

POST_KINDS = ("article", "post", "thread", "repost", "comment", "push")  # as lake.schemas has it

FILES = "landed_files"
BATCHES = "batches"
REFUSALS = "refusals"

EARLIEST = "timestamptz '1990-01-01 00:00:00+00'"  # before any of these platforms
LATEST = "collected_at + interval 1 day"  # a clock may run ahead, a day is more than a clock
PSEUDONYM = r"^[a-z0-9]{1,16}\.[a-z2-7]{26}$"
# Rules that a person may overrule for one crawl: what breaks them speaks of no other batch.
OF_ONE_BATCH: Final = frozenset({"not_suddenly_empty", "quarantine_share", "somebody_wrote"})
FEWEST_TO_JUDGE = 20  # below this many records a share says nothing
USUAL_RUNS = 3  # as many runs that brought something make an empty one suspicious


@dataclass(frozen=True)
class LandedFile:
    """One data file of one segment."""

    table: str
    segment_id: str
    path: Path


@dataclass(frozen=True)
class Refusal:
    """A landed row that a rule refuses."""

    table: str
    source: str
    crawl_id: str
    segment_id: str
    record_id: str
    content_hash: str
    rule: str
    says: str


def _refuse(table: str, name: str, broken: str, says: str) -> Rule:
    return never(
        table,
        name,
        f"select * from {quote(table)} where {broken}",
        says=says,
        severity=Severity.QUARANTINE,
    )


def _time_rules(table: str, column: str) -> Iterator[Rule]:
    yield _refuse(
        table,
        f"{column}_not_in_the_future",
        f"{column} > {LATEST}",
        f"{column} at most a day after collected_at",
    )
    yield _refuse(
        table, f"{column}_not_before_1990", f"{column} < {EARLIEST}", f"{column} in 1990 or later"
    )


def _named(table: str, column: str) -> Rule:
    return _refuse(
        table, f"{column}_present", f"trim({quote(column)}) = ''", f"{column} is not blank"
    )


def _currency(table: str) -> Rule:
    return _refuse(
        table,
        "currency_is_a_code",
        "not regexp_full_match(currency, '[A-Z]{3}')",
        "currency of three capital letters",
    )


def _counters(table: str, *, is_signed: bool = False) -> Rule:
    """A post's counter may be a balance, e.g. pushes minus boos; an audience is not below 0."""
    negative = "false" if is_signed else "c.lo < 0"
    impossible = f"len(list_filter(counters, c -> {negative} or c.hi < c.lo)) > 0"
    expected = "counters with lo ≤ hi" if is_signed else "counters with 0 ≤ lo ≤ hi"
    return _refuse(table, "counters_possible", impossible, expected)


ROW_RULES: Final[tuple[Rule, ...]] = (
    _named("posts", "post_id"),
    _named("posts", "kind"),
    _refuse(
        "posts",
        "kind_known",
        f"trim(kind) <> '' and kind not in ({', '.join(map(literal, POST_KINDS))})",
        f"kind is one of {', '.join(POST_KINDS)}",
    ),
    *_time_rules("posts", "published_at"),
    *_time_rules("posts", "edited_at"),
    _counters("posts", is_signed=True),
    _refuse("posts", "not_its_own_parent", "parent_id = post_id", "parent_id is another post"),
    _refuse(
        "posts",
        "url_is_a_web_address",
        "not regexp_matches(url, '^https?://[^/\\s]')",
        "url begins with http:// or https://",
    ),
    _named("reactions", "post_id"),
    _named("reactions", "kind"),
    *_time_rules("reactions", "occurred_at"),
    *_time_rules("channels", "observed_at"),
    _refuse("channels", "fan_count_not_negative", "fan_count < 0", "fan_count ≥ 0"),
    _counters("channels"),
    *_time_rules("authors", "observed_at"),
    _counters("authors"),
    _named("visits", "visit_id"),
    *_time_rules("visits", "occurred_at"),
    _named("orders", "order_id"),
    *_time_rules("orders", "ordered_at"),
    _refuse(
        "orders",
        "amounts_not_negative",
        "amount < 0 or tax_amount < 0 or shipping_amount < 0 or discount_amount < 0 "
        "or refund_amount < 0 or refunded_tax_amount < 0 or refunded_shipping_amount < 0",
        "no negative amount",
    ),
    _refuse(
        "orders",
        "refund_within_amount",
        "refund_amount > amount",
        "refund_amount at most amount",
    ),
    _refuse(
        "orders",
        "parts_within_refund",
        "coalesce(refunded_tax_amount, 0) + coalesce(refunded_shipping_amount, 0) > refund_amount",
        "refunded tax and shipping within refund_amount",
    ),
    *_time_rules("orders", "cancelled_at"),
    _currency("orders"),
    _refuse(
        "orders",
        "status_known",
        "status not in ('paid', 'pending', 'cancelled', 'refunded', 'partially_refunded', 'test')",
        "status paid, pending, cancelled, refunded, partially_refunded or test",
    ),
    *_time_rules("members", "observed_at"),
    _refuse(
        "members",
        "handles_complete",
        "len(list_filter(handles, h -> h.source is null or h.key is null)) > 0",
        "every handle with source and key",
    ),
    _named("spend", "spend_id"),
    *_time_rules("spend", "spend_date"),
    _refuse(
        "spend",
        "numbers_not_negative",
        "spend_amount < 0 or impression_count < 0 or click_count < 0",
        "no negative number",
    ),
    _currency("spend"),
    _refuse(
        "spend",
        "level_known",
        "level not in ('account', 'campaign', 'ad_group', 'ad')",
        "level account, campaign, ad_group or ad",
    ),
)


def _stop(table: str, name: str, broken: str, says: str) -> Rule:
    return never(table, name, f"select * from {quote(table)} where {broken}", says=says)


def _pseudonym_rules() -> Iterator[Rule]:
    """A name where a pseudonym belongs: nothing may go on, and the row must be erased."""
    for table, columns in LOOKED_AT.items():
        for column in columns:
            if column.endswith("_key"):
                yield _stop(
                    table,
                    f"{column}_is_a_pseudonym",
                    f"not regexp_matches({column}, {literal(PSEUDONYM)})",
                    f"{column} made by lake.pseudonyms",
                )
    yield _stop(
        "members",
        "handles_are_pseudonyms",
        f"len(list_filter(handles, h -> not regexp_matches(h.key, {literal(PSEUDONYM)}))) > 0",
        "handles made by lake.pseudonyms",
    )


def rules_for_landing(
    max_quarantine_share: float, *, stop_on_empty_file: bool = False
) -> tuple[Rule, ...]:
    """List every rule for what landed; the share is of refused among seen records, 0–1.

    `stop_on_empty_file`: a file without a row stops as a page without a post does.
    """
    refused = "quarantined_count + refused_count"
    silent = "route is not null" if stop_on_empty_file else "route = 'crawl'"
    return (
        row_count(BATCHES, at_least=1, says="at least one batch to judge"),
        _stop(FILES, "files_readable", "not is_readable", "every file can be read"),
        _stop(FILES, "schema_declared", "not is_as_declared", "the schema of its table"),
        _stop(
            BATCHES,
            "files_agree_with_ledger",
            "landed_count <> found_count",
            "as many rows in files as the ledger says",
        ),
        _stop(
            BATCHES,
            "not_suddenly_empty",
            f"not is_accepted and {silent} and stop_reason = 'exhausted' and byte_count > 0 "
            f"and full_run_count >= {USUAL_RUNS} "
            "and landed_count + unchanged_count + quarantined_count = 0",
            "records from a channel that used to have some",
        ),
        _stop(
            BATCHES,
            "quarantine_share",
            f"not is_accepted and {refused} > {max_quarantine_share} * ({_SEEN}) "
            f"and ({_SEEN} >= {FEWEST_TO_JUDGE} or landed_count = refused_count)",
            f"at most {max_quarantine_share:.0%} of the records refused",
        ),
        _stop(
            BATCHES,
            "somebody_wrote",
            "not is_accepted and is_identity_visible "
            f"and post_count >= {FEWEST_TO_JUDGE} and author_count = 0",
            "authors, for the source shows them",
        ),
        *_pseudonym_rules(),
        *ROW_RULES,
    )


_SEEN: Final = "landed_count + unchanged_count + quarantined_count"


def stage_landing(
    database: Path,
    files: Sequence[LandedFile],
    empty_files: Mapping[str, Path],
    batches: Iterable[Mapping[str, Any]],
    discarded: Collection[str] = (),
    added: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Write what the rules look at into a fresh DuckDB file.

    `empty_files`: per table the zero-row file that has its declared schema. `batches`: one row per
    logical run, as `BATCH_TYPES` says. `discarded`: crawl ids of which a person wants no row.
    `added`: per table the columns that it did not have from the start, which older files lack.
    """
    with duckdb.connect(str(database), config={"autoinstall_known_extensions": "false"}) as db:
        declared = {table: pq.read_schema(path) for table, path in empty_files.items()}
        for table in LOOKED_AT:
            select = _select(table, declared[table].names)
            db.execute(f"create table {table} as {select}", [[str(empty_files[table])]])
        _load_files(db, files, declared, added or {})
        _load_batches(db, batches)
        _find_refusals(db, discarded)
        db.execute("checkpoint")


def read_refusals(database: Path) -> list[Refusal]:
    """List the rows that go to quarantine, in a settled order."""
    with duckdb.connect(str(database), read_only=True) as db:
        rows = db.execute(
            f"select table_name, source, crawl_id, segment_id, record_id, content_hash, "
            f"rule, says from {REFUSALS} order by all"
        ).fetchall()
    return [Refusal(*row) for row in rows]


@dataclass(frozen=True)
class Stopped:
    """A batch that breaks a rule for batches, and how many of its records are refused."""

    rule: str
    source: str
    channel_id: str
    crawl_id: str
    refused_count: int
    seen_count: int

    @property
    def batch(self) -> tuple[str, str, str]:
        """Return what names the batch: source, channel and crawl."""
        return self.source, self.channel_id, self.crawl_id

    def __str__(self) -> str:
        return (
            f"{self.rule}: {self.source}/{self.channel_id} of {self.crawl_id}, "
            f"{self.refused_count:,} of {self.seen_count:,} records refused"
        )


def read_stopped(database: Path, rules: Iterable[Rule], broken: Collection[str]) -> list[Stopped]:
    """List the batches that break the rules of these names, in a settled order."""
    stopped: list[Stopped] = []
    with duckdb.connect(str(database), read_only=True) as db:
        for rule in rules:
            if rule.table == BATCHES and rule.name in broken and rule.breaches:
                rows = db.execute(
                    "select source, channel_id, crawl_id, quarantined_count + refused_count, "
                    f"{_SEEN} from ({rule.breaches}) order by all"
                ).fetchall()
                stopped += (Stopped(rule.name, *row) for row in rows)
    return stopped


BATCH_TYPES: Final = {
    "route": "varchar",
    "source": "varchar",
    "channel_id": "varchar",
    "crawl_id": "varchar",
    "stop_reason": "varchar",
    "byte_count": "bigint",
    "landed_count": "bigint",
    "unchanged_count": "bigint",
    "quarantined_count": "bigint",
    "full_run_count": "bigint",
    "is_identity_visible": "boolean",
    "is_accepted": "boolean",
    "segment_ids": "varchar[]",
}


def _select(table: str, there: Collection[str]) -> str:
    wanted = dict.fromkeys((*LANDED_IN, *LOOKED_AT[table]))
    columns = ", ".join(column for column in wanted if column in there)
    return f"select {columns} from read_parquet(?, hive_partitioning = false)"


def _is_of_table(found: pa.Schema, declared: pa.Schema, added: Collection[str]) -> bool:
    """Whether a file has its table's schema, as it is or was before columns were added."""
    expected = [f for f in declared if f.name in found.names or f.name not in added]
    return found.equals(pa.schema(expected), check_metadata=False)


def _load_files(
    db: duckdb.DuckDBPyConnection,
    files: Sequence[LandedFile],
    declared: Mapping[str, pa.Schema],
    added: Mapping[str, Collection[str]],
) -> None:
    db.execute(
        f"create table {FILES} (table_name varchar, segment_id varchar, is_readable boolean, "
        "is_as_declared boolean, row_count bigint)"
    )
    for file in files:
        found = _load_file(db, file, declared[file.table], added.get(file.table, ()))
        db.execute(f"insert into {FILES} values (?, ?, ?, ?, ?)", [file.table, *found])


def _load_file(
    db: duckdb.DuckDBPyConnection, file: LandedFile, declared: pa.Schema, added: Collection[str]
) -> tuple[str, bool, bool, int]:
    """Load one file; says whether it could be read, whether it is as declared, and its rows."""
    try:
        schema = pq.read_schema(file.path)
        if not _is_of_table(schema, declared, added):
            return file.segment_id, True, False, 0
        rows = pq.read_metadata(file.path).num_rows
        if file.table in LOOKED_AT:
            select = _select(file.table, schema.names)
            db.execute(f"insert into {file.table} by name {select}", [[str(file.path)]])
    except (OSError, pa.ArrowException, duckdb.Error):
        return file.segment_id, False, False, 0
    return file.segment_id, True, True, rows


def _load_batches(db: duckdb.DuckDBPyConnection, batches: Iterable[Mapping[str, Any]]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in BATCH_TYPES.items())
    db.execute(f"create table judged_batches ({columns})")
    places = ", ".join("?" for _ in BATCH_TYPES)
    for batch in batches:
        values = [batch[name] for name in BATCH_TYPES]
        db.execute(f"insert into judged_batches values ({places})", values)


def _find_refusals(db: duckdb.DuckDBPyConnection, discarded: Collection[str]) -> None:
    """Note every row that a row rule refuses, then count per batch what the batch rules ask."""
    db.execute(
        f"create table {REFUSALS} (table_name varchar, source varchar, crawl_id varchar, "
        "segment_id varchar, record_id varchar, content_hash varchar, rule varchar, says varchar)"
    )
    for table, record_id in RECORD_ID.items():
        db.execute(
            f"insert into {REFUSALS} select distinct ?, source, crawl_id, segment_id, {record_id}, "
            f"content_hash, 'discarded', 'a person discarded this crawl' from {table} "
            "where list_contains(?, crawl_id)",
            [table, list(discarded)],
        )
        db.execute(f"delete from {table} where list_contains(?, crawl_id)", [list(discarded)])
    for rule in ROW_RULES:
        db.execute(
            f"insert into {REFUSALS} select distinct ?, source, crawl_id, segment_id, "
            f"{RECORD_ID[rule.table]}, content_hash, ?, ? from ({rule.breaches})",
            [rule.table, rule.name, rule.says],
        )
    db.execute(_BATCHES_SQL)
    db.execute("drop table judged_batches")


_BATCHES_SQL: Final = f"""
create table {BATCHES} as
with

segments as (
    select source, crawl_id, channel_id, unnest(segment_ids) as segment_id from judged_batches
),

found as (
    select source, crawl_id, channel_id, sum(row_count) as found_count
    from {FILES} join segments using (segment_id)
    where table_name <> 'quarantine'
    group by all
),

refused as (
    select
        segments.source, segments.crawl_id, segments.channel_id,
        count(distinct (table_name, segment_id, record_id, content_hash)) as refused_count
    from {REFUSALS} as refusals join segments using (segment_id)
    where refusals.rule <> 'discarded'
    group by all
),

wrote as (
    select
        segments.source, segments.crawl_id, segments.channel_id,
        count(*) as post_count, count(author_key) as author_count
    from posts join segments using (segment_id)
    group by all
)

select
    judged_batches.* exclude (segment_ids),
    coalesce(found_count, 0)::bigint as found_count,
    coalesce(refused_count, 0) as refused_count,
    coalesce(post_count, 0) as post_count,
    coalesce(author_count, 0) as author_count
from judged_batches
left join found using (source, crawl_id, channel_id)
left join refused using (source, crawl_id, channel_id)
left join wrote using (source, crawl_id, channel_id)
"""
