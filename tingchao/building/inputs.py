"""What dbt reads beside the lake: the configuration and the build's own terms, as Parquet.

Names that users wrote go through files and never through SQL or Jinja, so a brand called
`x'); attach …` is a brand called so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import ENRICHED_FILE
from scrapers.capabilities import capabilities_of as declared_capabilities
from scrapers.capabilities import declared_by, described_sources, matrix, together
from scrapers.source import Capabilities, load_source, source_names
from tingchao.config import Channel, Config, Copies, Import, Noise
from tingchao.context import Context
from tingchao.formats import AUTO, describe_format

Rows = list[dict[str, Any]]

UNDECLARED: Final = Capabilities(author_identity=True, fan_count=True, reaction_actors=True)
"""A source that is only imported declares nothing: what its files hold is what can be seen."""

COPY_RULES: Final = {"copies": "copy", "near_copies": "near_copy"}
REASONS: Final = {
    "contact_spam": "advertising",
    "giveaway_entry": "giveaway",
    "copies": "copy",
    "near_copies": "copy",
}
"""What marts call the rules that they do not tell apart."""

NO_TEXTS: Final = "no_texts.parquet"

_TEXT, _COUNT, _FLAG, _DAY = pa.string(), pa.int64(), pa.bool_(), pa.date32()
_SHARE = pa.float64()
_INSTANT = pa.timestamp("us", tz="UTC")
SCHEMAS: Final[dict[str, pa.Schema]] = {
    "channels": pa.schema(
        {
            "channel_id": _TEXT,
            "source": _TEXT,
            "channel_name": _TEXT,
            "brand_id": _TEXT,
            "role": _TEXT,
            "time_zone": _TEXT,
            "listen_since_date": _DAY,
            "is_identity_visible": _FLAG,
            "is_fan_count_visible": _FLAG,
            "is_reaction_actor_visible": _FLAG,
            "is_community": _FLAG,
        }
    ),
    "brands": pa.schema({"brand_id": _TEXT, "brand_name": _TEXT, "is_own": _FLAG}),
    "official_accounts": pa.schema({"source": _TEXT, "channel_id": _TEXT, "author_key": _TEXT}),
    "utm_rules": pa.schema(
        {
            "rule_order": _COUNT,
            "channel_id": _TEXT,
            "utm_source": _TEXT,
            "utm_medium": _TEXT,
            "utm_campaign": _TEXT,
            "referrer_host": _TEXT,
        }
    ),
    "noise_rules": pa.schema(
        {
            "rule": _TEXT,
            "reason": _TEXT,
            "rule_order": _COUNT,
            "least_score": _SHARE,
            "least_post_count": _COUNT,
            "least_length": _COUNT,
        }
    ),
    "source_capabilities": pa.schema(
        {
            "source": _TEXT,
            "kpi_id": _TEXT,
            "kpi_name_zh": _TEXT,
            "kpi_name_en": _TEXT,
            "is_computable": _FLAG,
            "missing_capability": _TEXT,
            "reason_zh": _TEXT,
            "reason_en": _TEXT,
        }
    ),
    "settings": pa.schema(
        {
            "time_zone": _TEXT,
            "as_of_at": _INSTANT,
            "through_date": _DAY,
            "previous_through_date": _DAY,
            "lookback_days": _COUNT,
            "currency": _TEXT,
            "suppress_below": _COUNT,
            "definition_version": _TEXT,
        }
    ),
    "batches": pa.schema({"batch_id": _TEXT, "is_new": _FLAG}),
}


@dataclass(frozen=True)
class Terms:
    """What one build is about: up to which instant, from what, and what is new in it.

    Only the segments of this ledger and these batches are read, whatever arrives while it runs.
    """

    as_of: datetime
    through_date: date
    previous_through_date: date | None
    ledger: pa.Table
    batches: Collection[str]
    new_segments: Collection[str]
    new_batches: Collection[str]


def describe_configuration(context: Context, definition_version: str) -> dict[str, Rows]:
    """Return what the marts depend on in the configuration, as rows per table."""
    config = context.config
    return {
        "channels": [_channel_row(channel) for channel in config.channels],
        "brands": [
            {"brand_id": brand.id, "brand_name": brand.name, "is_own": brand.is_own}
            for brand in config.brands
        ],
        "official_accounts": list(_official_accounts(context)),
        "utm_rules": list(_utm_rules(config)),
        "noise_rules": list(_noise_rules(config.noise)),
        "source_capabilities": list(_capability_rows(config)),
        "settings": [_settings(config, definition_version)],
    }


def digest_of(configuration: Mapping[str, Rows]) -> str:
    """Name a configuration by its content; comments and order of keys do not matter."""
    text = json.dumps(configuration, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def write_inputs(folder: Path, configuration: Mapping[str, Rows], terms: Terms) -> None:
    """Write one Parquet file per input table, and one of no texts at all."""
    settings = {
        **configuration["settings"][0],
        "as_of_at": terms.as_of,
        "through_date": terms.through_date,
        "previous_through_date": terms.previous_through_date,
    }
    tables = {
        **configuration,
        "settings": [settings],
        "batches": [
            {"batch_id": batch, "is_new": batch in terms.new_batches}
            for batch in sorted(terms.batches)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    is_new = pa.array(
        [s in terms.new_segments for s in terms.ledger["segment_id"].to_pylist()], _FLAG
    )
    pq.write_table(terms.ledger.append_column("is_new", is_new), folder / "ledger.parquet")
    pq.write_table(ENRICHED_FILE.empty_table(), folder / NO_TEXTS)


def _channel_row(channel: Channel) -> dict[str, Any]:
    can = capabilities_of(channel.source)
    declared = channel.author_identity
    return {
        "channel_id": channel.id,
        "source": channel.source,
        "channel_name": channel.title,
        "brand_id": channel.brand,
        "role": channel.role.value,
        "time_zone": channel.time_zone,
        "listen_since_date": channel.since,
        "is_identity_visible": can.author_identity if declared is None else declared,
        "is_fan_count_visible": can.fan_count,
        "is_reaction_actor_visible": can.reaction_actors,
        "is_community": can.is_community,
    }


@cache
def capabilities_of(source: str) -> Capabilities:
    """Return what the source lets anybody see, as its yml declares it."""
    return load_source(source).capabilities if source in source_names() else UNDECLARED


def _capability_rows(config: Config) -> Iterator[dict[str, Any]]:
    """Yield a row per number and source: those that can come in, and those that do."""
    configured = (channel.source for channel in config.channels)
    sources = sorted({*described_sources(), *configured, *config.imported_sources})
    for source, kpi, found in matrix({name: _shown_by(config, name) for name in sources}):
        reason = found.reason
        yield {
            "source": source,
            "kpi_id": kpi.kpi_id,
            "kpi_name_zh": kpi.title.zh,
            "kpi_name_en": kpi.title.en,
            "is_computable": found.is_computable,
            "missing_capability": ", ".join(found.missing) or None,
            "reason_zh": reason.zh if reason else None,
            "reason_en": reason.en if reason else None,
        }


def _shown_by(config: Config, source: str) -> Capabilities | None:
    """Join what a source declares with what the configured imports of it hold."""
    declared = declared_capabilities(source)
    specs = (s for s in config.imports if s.source == source and s.format != AUTO)
    imports = [_held_by(spec) for spec in specs]
    return together([*([declared] if declared else []), *imports])


def _held_by(spec: Import) -> Capabilities:
    """Return what the files of an import hold: by its format, or by its column map."""
    if spec.is_named:
        return declared_by(describe_format(spec.format), spec.source or "")
    told = {*spec.columns, *spec.constants}
    has_posts = spec.table == "posts"
    counted = None if spec.counters else False  # their names are the user's own
    return Capabilities(
        author_identity=bool(told & {"author", "actor"}),
        fan_count="fan_count" in told,
        reaction_actors="actor" in told,
        texts=has_posts and bool(told & {"title_text", "body_text"}),
        replies=has_posts and bool(told & {"parent_id", "root_id"}),
        reaction_counts=spec.table == "reactions" or (counted if has_posts else False),
        view_counts=counted if has_posts else False,
        visits=spec.table == "visits",
        orders=spec.table == "orders",
        spend=spec.table == "spend",
    )


def _official_accounts(context: Context) -> Iterator[dict[str, Any]]:
    for channel in context.config.channels:
        for handle in channel.official_accounts:
            yield {
                "source": channel.source,
                "channel_id": channel.id,
                "author_key": context.pseudonyms.key(channel.source, handle),
            }


def _utm_rules(config: Config) -> Iterator[dict[str, Any]]:
    for order, rule in enumerate(config.attribution.rules):
        yield {
            "rule_order": order,
            "channel_id": rule.channel,
            "utm_source": rule.utm_source,
            "utm_medium": rule.utm_medium,
            "utm_campaign": rule.utm_campaign,
            "referrer_host": rule.referrer_host,
        }


def _noise_rules(noise: Noise) -> Iterator[dict[str, Any]]:
    """Yield the rules that may leave a post out, in the order of the configuration's fields."""
    for order, (rule, limit) in enumerate(dict(noise).items()):
        if limit is None:
            continue
        copies = limit if isinstance(limit, Copies) else None
        yield {
            "rule": COPY_RULES.get(rule, rule),
            "reason": REASONS.get(rule, rule),
            "rule_order": order,
            "least_score": None if copies else limit,
            "least_post_count": copies.posts if copies else None,
            "least_length": copies.letters if copies else None,
        }


def _settings(config: Config, definition_version: str) -> dict[str, Any]:
    return {
        "time_zone": config.reporting.time_zone,
        "lookback_days": config.attribution.lookback_days,
        "currency": config.reporting.currency,
        "suppress_below": config.reporting.suppress_below,
        "definition_version": definition_version,
    }
