"""The ten tables that land, one Arrow schema each, with unit and meaning of every column.

Conventions: `_id` is the platform's own id as text, `_key` a pseudonym (`lake.pseudonyms`), `_at` a
UTC instant, and NULL means unknown, never zero. Every row names the segment that brought it; a row
whose segment has no row in `crawls` does not exist for any reader (`lake.reader`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pyarrow as pa

INSTANT: Final = pa.timestamp("us", tz="UTC")
MONEY: Final = pa.decimal128(18, 4)


class Precision(StrEnum):
    """How exactly a printed time was known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    INFERRED = "inferred"


class CounterKind(StrEnum):
    """How a printed counter bounds the true value (`lake.counters`)."""

    EXACT = "exact"
    ROUNDED = "rounded"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    HIDDEN = "hidden"
    MISSING = "missing"


class OrderStatus(StrEnum):
    """What an order has come to; a test is a test whatever else it is, then cancelled, then given
    back. `PARTIALLY_REFUNDED` keeps its amount; how much of it went back may be unknown."""

    PAID = "paid"
    PENDING = "pending"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    TEST = "test"


class SpendLevel(StrEnum):
    """What one row of `spend` sums up; rows of two levels count the same money twice."""

    ACCOUNT = "account"
    CAMPAIGN = "campaign"
    AD_GROUP = "ad_group"
    AD = "ad"


class StopReason(StrEnum):
    """Why a crawl or an import of one channel ended."""

    EXHAUSTED = "exhausted"
    REACHED_WATERMARK = "reached_watermark"
    CAP = "cap"
    BUDGET = "budget"
    BLOCKED = "blocked"
    BLANK_PAGE = "blank_page"
    ERROR = "error"


COUNTER: Final = pa.struct(
    [
        pa.field("name", pa.string(), metadata={"doc": "the platform's own word: push, boo"}),
        pa.field("lo", pa.int64(), metadata={"doc": "least value it can mean; NULL = unbounded"}),
        pa.field("hi", pa.int64(), metadata={"doc": "greatest value; NULL = unbounded"}),
        pa.field("how", pa.string(), metadata={"doc": "CounterKind"}),
    ]
)
HANDLE: Final = pa.struct(
    [
        pa.field("source", pa.string(), metadata={"doc": "source in which the handle is a person"}),
        pa.field("key", pa.string(), metadata={"doc": "pseudonym there: author_key, customer_key"}),
    ]
)


POST_KINDS = ("article", "post", "thread", "repost", "comment", "push")
"""What a post can be; the marts count the first four as posts, the others as comments."""


def _column(name: str, kind: pa.DataType, doc: str, *, required: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"doc": doc})


def _later(name: str, kind: pa.DataType, doc: str) -> pa.Field:
    """Give a table a column that it did not have from the start: older files lack it, as NULL."""
    return pa.field(name, kind, metadata={"doc": doc, "added": "later"})


def _table(*columns: pa.Field) -> pa.Schema:
    """Give a table its own columns, then those that every landed row carries."""
    return pa.schema(
        [
            _column("source", pa.string(), "short source name, e.g. ptt", required=True),
            *columns,
            _column("collected_at", INSTANT, "when we saw it", required=True),
            _column("crawl_id", pa.string(), "logical run that brought it", required=True),
            _column("segment_id", pa.string(), "segment that brought it", required=True),
        ]
    )


POSTS: Final = _table(
    _column("channel_id", pa.string(), "configured channel", required=True),
    _column("post_id", pa.string(), "unique within source and channel", required=True),
    _column("kind", pa.string(), ", ".join(POST_KINDS), required=True),
    _column("parent_id", pa.string(), "post_id it answers; NULL for a root or unknown"),
    _column("root_id", pa.string(), "post_id that opened the thread; NULL when unknown"),
    _column("continues_id", pa.string(), "post_id whose text this row goes on with, same author"),
    _column("author_key", pa.string(), "pseudonym; NULL when the platform shows nobody"),
    _column("title_text", pa.string(), "lossless; NULL when the kind has no title"),
    _column("body_text", pa.string(), "lossless; NULL when not seen"),
    _column("text_hash", pa.string(), "lake.text.text_hash of title and body; NULL without text"),
    _column("url", pa.string(), "permalink"),
    _column("tags", pa.list_(pa.string()), "the platform's categories and marks"),
    _column("published_at", INSTANT, "when it was published; NULL when nothing tells"),
    _column("published_precision", pa.string(), "Precision; NULL with published_at"),
    _column("published_raw", pa.string(), "the time as it was printed"),
    _column("edited_at", INSTANT, "last edit that the platform declares"),
    _column("counters", pa.list_(COUNTER), "censored counters, the platform's own names"),
    _column("is_deleted", pa.bool_(), "tombstone: seen as removed", required=True),
    _column("is_truncated", pa.bool_(), "the platform left out part of it", required=True),
    _column("is_excerpt", pa.bool_(), "body_text is only a preview", required=True),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
    _column("raw_record", pa.string(), "JSON as received; names, addresses, contacts taken out"),
)
REACTIONS: Final = _table(
    _column("channel_id", pa.string(), "configured channel", required=True),
    _column("post_id", pa.string(), "post that was reacted to", required=True),
    _column("actor_key", pa.string(), "pseudonym; NULL when only the act is visible"),
    _column("kind", pa.string(), "the platform's word: like, heart, share", required=True),
    _column("occurred_at", INSTANT, "when; NULL when the platform does not say"),
    _column("occurred_precision", pa.string(), "Precision; NULL with occurred_at"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
CHANNELS: Final = _table(
    _column("channel_id", pa.string(), "configured channel", required=True),
    _column("observed_at", INSTANT, "instant that the counters describe", required=True),
    _column("title", pa.string(), "the channel's name as shown"),
    _column("fan_count", pa.int64(), "followers, members, subscribers; NULL unknown"),
    _column("fan_count_how", pa.string(), "CounterKind of fan_count"),
    _column("counters", pa.list_(COUNTER), "every other audience counter"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
AUTHORS: Final = _table(
    _column("author_key", pa.string(), "pseudonym", required=True),
    _column("observed_at", INSTANT, "instant that the profile describes", required=True),
    _column("is_verified", pa.bool_(), "the platform's own mark; NULL unknown"),
    _column("declared_region", pa.string(), "region the profile states"),
    _column("counters", pa.list_(COUNTER), "follower, following, post"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
VISITS: Final = _table(
    _column("visit_id", pa.string(), "session or touch, unique within source", required=True),
    _column("visitor_key", pa.string(), "pseudonym of the visitor; NULL without consent"),
    _column("occurred_at", INSTANT, "start of the visit", required=True),
    _column("utm_source", pa.string(), "as collected"),
    _column("utm_medium", pa.string(), "as collected"),
    _column("utm_campaign", pa.string(), "as collected"),
    _column("utm_content", pa.string(), "as collected"),
    _column("utm_term", pa.string(), "as collected"),
    _column("landing_url", pa.string(), "first page, without its query"),
    _column("referrer", pa.string(), "referring page, without its query"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
ORDERS: Final = _table(
    _column("order_id", pa.string(), "unique within source", required=True),
    _column("customer_key", pa.string(), "pseudonym of the customer; NULL for a guest"),
    _column("visitor_key", pa.string(), "pseudonym of the visitor, when the shop passes it on"),
    _column("brand_id", pa.string(), "configured brand whose shop it is"),
    _column("ordered_at", INSTANT, "when the order was placed", required=True),
    _column("status", pa.string(), "OrderStatus as far as the source tells", required=True),
    _later("is_test", pa.bool_(), "placed to try the shop; NULL when not told"),
    _later("cancelled_at", INSTANT, "when it was cancelled; NULL when it was not or not told"),
    _later("sales_channel", pa.string(), "the shop's own word for where: web, pos, admin"),
    _column("amount", MONEY, "what the customer pays, tax and shipping included", required=True),
    _column("tax_amount", MONEY, "tax within amount; NULL when not told"),
    _column("shipping_amount", MONEY, "shipping within amount; NULL when not told"),
    _later("discount_amount", MONEY, "taken off before amount; NULL when not told"),
    _column("refund_amount", MONEY, "given back so far; NULL when not told"),
    _later("refunded_tax_amount", MONEY, "tax within refund_amount; NULL when not told"),
    _later("refunded_shipping_amount", MONEY, "shipping within refund_amount; NULL not told"),
    _column("currency", pa.string(), "ISO 4217", required=True),
    _column("utm_source", pa.string(), "attribution that the shop recorded"),
    _column("utm_medium", pa.string(), "attribution that the shop recorded"),
    _column("utm_campaign", pa.string(), "attribution that the shop recorded"),
    _later("utm_content", pa.string(), "attribution that the shop recorded"),
    _later("utm_term", pa.string(), "attribution that the shop recorded"),
    _column("landing_url", pa.string(), "first page, without its query"),
    _column("referrer", pa.string(), "referring page, without its query"),
    _column("coupon", pa.string(), "coupon code"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
MEMBERS: Final = _table(
    _column("member_key", pa.string(), "pseudonym of the CRM member", required=True),
    _column("observed_at", INSTANT, "instant that the export describes", required=True),
    _column("joined_at", INSTANT, "when the person became a member"),
    _column("handles", pa.list_(HANDLE), "the same person elsewhere, as pseudonyms"),
    _column("attributes", pa.string(), "JSON of further attributes, no contact among them"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
SPEND: Final = _table(
    _column("spend_id", pa.string(), "day and what was paid for, unique in source", required=True),
    _column("spend_date", pa.date32(), "day in the ad account's own time zone", required=True),
    _column("level", pa.string(), "SpendLevel: what one row sums up", required=True),
    _column("platform", pa.string(), "who was paid: meta_ads, google_ads", required=True),
    _column("account_id", pa.string(), "ad account; NULL when not told"),
    _column("campaign_id", pa.string(), "the platform's id; NULL when not told"),
    _column("campaign_name", pa.string(), "as written there"),
    _column("ad_group_id", pa.string(), "ad group or ad set; NULL when not told"),
    _column("ad_group_name", pa.string(), "as written there"),
    _column("ad_id", pa.string(), "the platform's id; NULL when not told"),
    _column("ad_name", pa.string(), "as written there"),
    _column("brand_id", pa.string(), "configured brand that paid"),
    _column("utm_source", pa.string(), "what the ad's links carry, when the file tells"),
    _column("utm_medium", pa.string(), "what the ad's links carry, when the file tells"),
    _column("utm_campaign", pa.string(), "what the ad's links carry, when the file tells"),
    _column("utm_content", pa.string(), "what the ad's links carry, when the file tells"),
    _column("utm_term", pa.string(), "what the ad's links carry, when the file tells"),
    _column("spend_amount", MONEY, "what the day cost", required=True),
    _column("currency", pa.string(), "ISO 4217", required=True),
    _column("impression_count", pa.int64(), "times shown; NULL when not told"),
    _column("click_count", pa.int64(), "clicks; NULL when not told"),
    _column("content_hash", pa.string(), "hash of all that the observation says", required=True),
)
CRAWLS: Final = pa.schema(
    [
        _column("source", pa.string(), "short source name", required=True),
        _column("channel_id", pa.string(), "channel or import; one segment has one", required=True),
        _column("segment_id", pa.string(), "the segment this row commits", required=True),
        _column("crawl_id", pa.string(), "logical run, the same on every retry", required=True),
        _column("ordinal", pa.int32(), "0, 1, 2 … within the logical run", required=True),
        _column("route", pa.string(), "crawl, import, gate, erasure", required=True),
        _column("window_start_at", INSTANT, "window asked for, inclusive; NULL for a file"),
        _column("window_end_at", INSTANT, "window asked for, exclusive; NULL for a file"),
        _column("query", pa.string(), "what else was asked for: board, url, file name"),
        _column("file_digest", pa.string(), "SHA-256 of an imported file"),
        _column("covered_start_at", INSTANT, "interval really covered; NULL when none"),
        _column("covered_end_at", INSTANT, "exclusive end of it; NULL when none"),
        _column("page_count", pa.int64(), "pages fetched for this segment", required=True),
        _column("byte_count", pa.int64(), "bytes received for this segment", required=True),
        _column("landed_count", pa.int64(), "rows in this segment, all tables", required=True),
        _column("unchanged_count", pa.int64(), "observations equal to the last one", required=True),
        _column("quarantined_count", pa.int64(), "refused records", required=True),
        _column("declared_total", pa.int64(), "total that the platform declared; NULL if none"),
        _column("is_last", pa.bool_(), "closes an attempt of the logical run", required=True),
        _column("stop_reason", pa.string(), "StopReason; NULL until is_last"),
        _column("stop_detail", pa.string(), "what stopped it and what to do, for a person"),
        _column("etag", pa.string(), "validator for the next conditional request"),
        _column("last_modified", pa.string(), "validator for the next conditional request"),
        _column("started_at", INSTANT, "start of the attempt", required=True),
        _column("committed_at", INSTANT, "when the segment became visible", required=True),
        _column("code_version", pa.string(), "tingchao's version", required=True),
    ]
)
QUARANTINE: Final = _table(
    _column("channel_id", pa.string(), "channel or import that brought it", required=True),
    _column("table_name", pa.string(), "table that it was meant for", required=True),
    _column("record_id", pa.string(), "post_id, order_id … when it was readable"),
    _column("of_segment_id", pa.string(), "segment of a row refused after landing; NULL before"),
    _column("of_content_hash", pa.string(), "content_hash of that row; NULL: all of record_id"),
    _column("rule", pa.string(), "name of the rule that refused it", required=True),
    _column("reason", pa.string(), "what was found and what was expected", required=True),
    _column("raw_record", pa.string(), "JSON as received; names, addresses, contacts taken out"),
)

TABLES: Final[dict[str, pa.Schema]] = {
    "posts": POSTS,
    "reactions": REACTIONS,
    "channels": CHANNELS,
    "authors": AUTHORS,
    "visits": VISITS,
    "orders": ORDERS,
    "members": MEMBERS,
    "spend": SPEND,
    "crawls": CRAWLS,
    "quarantine": QUARANTINE,
}
LEDGER: Final = "crawls"
# Columns that a table did not have from the start: its older files lack them.
ADDED: Final[dict[str, frozenset[str]]] = {
    table: frozenset(field.name for field in schema if b"added" in field.metadata)
    for table, schema in TABLES.items()
}

# The column that tells two observations of one thing apart from two things.
IDENTITY: Final[dict[str, tuple[str, ...]]] = {
    "posts": ("channel_id", "post_id"),
    "reactions": ("channel_id", "post_id", "actor_key", "kind"),
    "channels": ("channel_id", "observed_at"),
    "authors": ("author_key", "observed_at"),
    "visits": ("visit_id",),
    "orders": ("order_id",),
    "members": ("member_key",),
    "spend": ("spend_id",),
}
