"""What spiders yield. A record still says who wrote it; the pipelines see to it that the lake never
hears.

`raw` is the record as received, `unread` the keys of it that the spider took no notice of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

from lake import StopReason, Window
from lake.schemas import TABLES
from lake.times import Instant


@dataclass(frozen=True, kw_only=True)
class Record:
    """One observation, on its way to a table of the lake."""

    table: ClassVar[str]
    people: ClassVar[tuple[str, ...]] = ()  # fields that name somebody by the platform's own id

    channel_id: str
    raw: Mapping[str, Any] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()

    def row(self) -> dict[str, Any]:
        """Return the columns of the record; who wrote it and the raw record are not among them."""
        return {name: getattr(self, name) for name in self.columns()}

    @classmethod
    @cache
    def columns(cls) -> tuple[str, ...]:
        """Return the names of what `row` holds."""
        return tuple(f.name for f in fields(cls) if f.name in TABLES[cls.table].names)


@dataclass(frozen=True, kw_only=True)
class PostRecord(Record):
    """A post, comment, push or repost; `author` is the platform's own id of the person."""

    table = "posts"
    people = ("author",)

    post_id: str
    kind: str
    author: str | None = None
    author_key: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    continues_id: str | None = None
    title_text: str | None = None
    body_text: str | None = None
    url: str | None = None
    tags: tuple[str, ...] | None = None
    published_at: datetime | None = None
    published_precision: str | None = None
    published_raw: str | None = None
    edited_at: datetime | None = None
    counters: tuple[Mapping[str, Any], ...] | None = None
    is_deleted: bool = False
    is_truncated: bool = False
    is_excerpt: bool = False
    raw_record: str | None = None


def dated(published: Instant | None) -> dict[str, Any]:
    """Return the fields that say when a post was published; none where nothing tells."""
    if published is None:
        return {}
    return {
        "published_at": published.at,
        "published_precision": published.precision,
        "published_raw": published.raw,
    }


@dataclass(frozen=True, kw_only=True)
class ReactionRecord(Record):
    """An act on a post that has no text; `actor` is the platform's own id of the person."""

    table = "reactions"
    people = ("actor",)

    post_id: str
    kind: str
    actor: str | None = None
    actor_key: str | None = None
    occurred_at: datetime | None = None
    occurred_precision: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelRecord(Record):
    """The audience of a channel at one instant."""

    table = "channels"

    observed_at: datetime
    title: str | None = None
    fan_count: int | None = None
    fan_count_how: str | None = None
    counters: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class OrderRecord(Record):
    """An order as it stands; `customer` is the shop's own id, `visitor` the analytics' or its own.

    The lake keeps no raw record of an order: it is full of people.
    """

    table = "orders"
    people = ("customer", "visitor")

    order_id: str | None
    customer: str | None = None
    customer_key: str | None = None
    visitor: str | None = None
    visitor_key: str | None = None
    brand_id: str | None = None
    ordered_at: datetime | None = None
    status: str | None = None
    is_test: bool | None = None
    cancelled_at: datetime | None = None
    sales_channel: str | None = None
    amount: Decimal | None = None
    tax_amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    discount_amount: Decimal | None = None
    refund_amount: Decimal | None = None
    refunded_tax_amount: Decimal | None = None
    refunded_shipping_amount: Decimal | None = None
    currency: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    landing_url: str | None = None
    referrer: str | None = None
    coupon: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitRecord(Record):
    """A visit to a shop; `visitor` is whoever the shop or its analytics takes for one person."""

    table = "visits"
    people = ("visitor",)

    visit_id: str
    visitor: str | None = None
    visitor_key: str | None = None
    occurred_at: datetime | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    landing_url: str | None = None
    referrer: str | None = None


@dataclass(frozen=True, kw_only=True)
class PageFetched:
    """A page came in; the ledger counts it."""

    channel_id: str
    byte_count: int


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A record or page that cannot be read; it goes to quarantine."""

    channel_id: str
    table: str
    rule: str
    reason: str
    raw: Mapping[str, Any] | str
    record_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelDone:
    """A channel is finished: why, and what was really covered (None: nothing that is sure)."""

    channel_id: str
    stop_reason: StopReason
    covered: Window | None = None
    detail: str | None = None
    declared_total: int | None = None
    etag: str | None = None
    last_modified: str | None = None
