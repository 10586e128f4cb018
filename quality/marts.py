"""What must hold of the marts before anybody may read them.

The rules run on the very DuckDB file that will be served. They come from the marts' contracts
(names, types, keys, which columns count people), from what was published last (no mart may be lost
or shrink unseen), and from the identities that tie the columns of a row to each other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from quality.rules import (
    Rule,
    between,
    columns,
    complete,
    literal,
    never,
    row_count,
    unique,
)
from tingchao.identifiers import quote
from tingchao.marts import Mart

PUBLICATION = "publication"
PUBLICATION_TYPES = {
    "version_id": "VARCHAR",
    "as_of_at": "TIMESTAMP WITH TIME ZONE",
    "through_date": "DATE",
    "time_zone": "VARCHAR",
    "currency": "VARCHAR",
    "suppress_below": "INTEGER",
    "definition_version": "VARCHAR",
    "text_version": "VARCHAR",
    "code_version": "VARCHAR",
    "text_count": "BIGINT",
    "noisy_text_count": "BIGINT",
    "unknown_mood_text_count": "BIGINT",
    "wordless_text_count": "BIGINT",
    "turned_text_count": "BIGINT",
    "same_text_count": "BIGINT",
}
ABOUT_TEXTS = frozenset(name for name in PUBLICATION_TYPES if "text_" in name)  # NULL without texts
FEWEST_TEXTS = 200  # below this many texts a share says nothing
IS_SUPPRESSED = "is_suppressed"

# Dense marts: one row per channel and day or period, whatever people did; never empty.
ALWAYS_FILLED = frozenset({"coverage", "channel_activity", "channel_scorecard"})
DEFINITIONS = "metric_definitions"
CAPABILITIES = "source_capabilities"

PERSON = r"(^|[^a-z0-9])[a-z0-9]{1,16}\.[a-z2-7]{26}($|[^a-z2-7])"  # as lake.pseudonyms writes them
PRIVATE_COLUMN = r"(^|_)(key|text|url|excerpt|author|handle|email|phone|raw_record)$"
LONGEST_LABEL = 200  # code points; what is longer is text that somebody wrote

SIGNED_RATES = frozenset({"net_sentiment_rate"})
# People who are no fans may act too, so more can be active than there are fans.
OPEN_RATES = frozenset({"activity_rate"})
# Columns made from others; whoever sees them can work out what they are made from.
DERIVED = ("_rate", "_rate_lo", "_rate_hi", "_rank")
# A week that is not over ends after the last closed day; a definition may hold from any day.
OPEN_ENDED_DATES = frozenset({"period_end_date", "valid_from_date"})


@dataclass(frozen=True)
class TextLimits:
    """How well texts must be understood, in shares of distinct texts.

    `last_noisy_share`: as last published, None before the first publication or when a person has
    confirmed the new one.
    """

    max_noise_jump: float = 0.1
    max_unknown_mood_share: float = 0.95
    max_wordless_share: float = 0.3
    min_same_share: float = 0.95
    last_noisy_share: float | None = None


@dataclass(frozen=True)
class Expected:
    """What the marts are measured against.

    `last_counts`: rows per mart as last published, empty before the first publication.
    `max_row_drop`: share of rows (0–1) that a mart may lose unseen. `accepted_drops`: marts whose
    loss a person has confirmed. `suppress_below`: k, in people.
    """

    suppress_below: int
    max_row_drop: float
    last_counts: Mapping[str, int]
    accepted_drops: Collection[str] = ()
    texts: TextLimits = TextLimits()


def rules_for_marts(contracts: Iterable[Mart], expected: Expected) -> tuple[Rule, ...]:
    """List every rule for a marts file."""
    marts = tuple(contracts)
    rules = [*_publication_rules(marts), *_text_rules(expected.texts)]
    for mart in marts:
        rules += _shape_rules(mart, expected)
        rules += _value_rules(mart)
        rules += _privacy_rules(mart, expected.suppress_below)
    rules += (rule for rule in IDENTITIES if any(mart.name == rule.table for mart in marts))
    return tuple(rules)


def published_columns(mart: Mart) -> dict[str, str]:
    """Columns and types of a mart as published: its contract, and whether a row is suppressed."""
    suppressed = {IS_SUPPRESSED: "BOOLEAN"} if mart.hides else {}
    return {**mart.types, **suppressed}


def _publication_rules(marts: tuple[Mart, ...]) -> Iterator[Rule]:
    yield row_count(PUBLICATION, at_least=1)
    yield unique(PUBLICATION, ["version_id"])
    yield from columns(PUBLICATION, PUBLICATION_TYPES)
    yield complete(PUBLICATION, [c for c in PUBLICATION_TYPES if c not in ABOUT_TEXTS])
    known = ", ".join(literal(name) for name in (PUBLICATION, *(mart.name for mart in marts)))
    yield never(
        PUBLICATION,
        "only_declared_tables",
        "select table_name as name from duckdb_tables() where not internal "
        f"and table_name not in ({known}) "
        "union all select view_name from duckdb_views() where not internal",
        says="no table or view beside the declared marts",
    )


def _text_rules(limits: TextLimits) -> Iterator[Rule]:
    """Noise that jumps, moods and words that are missing, and scripts that are read differently."""
    if limits.last_noisy_share is not None:
        jump = f"abs(noisy_text_count / text_count - {limits.last_noisy_share})"
        yield _share_of_texts(
            "noise_budget",
            f"{jump} > {limits.max_noise_jump}",
            f"the share of noise within {limits.max_noise_jump} of the last one, "
            f"{limits.last_noisy_share:.3f}; --accept-drop texts confirms another",
        )
    yield _share_of_texts(
        "moods_known",
        f"unknown_mood_text_count / text_count > {limits.max_unknown_mood_share}",
        f"at most {limits.max_unknown_mood_share} of texts without a known mood",
    )
    yield _share_of_texts(
        "words_there",
        f"wordless_text_count / text_count > {limits.max_wordless_share}",
        f"at most {limits.max_wordless_share} of texts without words",
    )
    yield _share_of_texts(
        "scripts_read_alike",
        f"same_text_count / turned_text_count < {limits.min_same_share}",
        f"at least {limits.min_same_share} of texts say the same in either script",
        of="turned_text_count",
    )


def _share_of_texts(name: str, broken: str, says: str, of: str = "text_count") -> Rule:
    query = f"select * from {PUBLICATION} where {of} >= {FEWEST_TEXTS} and {broken}"
    return never(PUBLICATION, name, query, says=says)


def _shape_rules(mart: Mart, expected: Expected) -> Iterator[Rule]:
    yield row_count(mart.name, at_least=_least_rows(mart.name, expected))
    yield from columns(mart.name, published_columns(mart))
    yield unique(mart.name, mart.key)
    suppressed = (IS_SUPPRESSED,) if mart.hides else ()
    yield complete(mart.name, (*mart.key, "definition_version", *suppressed))


def _least_rows(name: str, expected: Expected) -> int:
    """Fewest rows a mart may have: never empty when dense or when it was not, never much less."""
    floor = 1 if name in (*ALWAYS_FILLED, DEFINITIONS, CAPABILITIES) else 0
    last = expected.last_counts.get(name, 0)
    if not last or name in expected.accepted_drops:
        return floor
    return max(1, math.ceil(last * (1 - expected.max_row_drop)))


def _value_rules(mart: Mart) -> Iterator[Rule]:
    for column in mart.types:
        limits = _limits(column)
        if limits:
            yield between(mart.name, column, *limits)
        if column.endswith("_date") and column not in OPEN_ENDED_DATES:
            yield _only_closed_days(mart.name, column)
    if mart.name in ALWAYS_FILLED:
        yield never(
            mart.name,
            "coverage_known",
            f"select count(*) from {quote(mart.name)} "
            "having count(*) > 0 and count(coverage_rate) = 0",
            says="coverage_rate is known in some row",
        )


def _limits(column: str) -> tuple[float, float | None] | None:
    """The range that a column's name promises; None when it promises none."""
    if column.endswith(("_rate", "_rate_lo", "_rate_hi")):
        return (-1 if column in SIGNED_RATES else 0, None if column in OPEN_RATES else 1)
    if column.endswith(("_count", "_seconds")) or column in ("gross_amount", "refund_amount"):
        return (0, None)
    if column == "rank" or column.endswith("_rank"):
        return (1, None)
    return None


def _only_closed_days(table: str, column: str) -> Rule:
    return never(
        table,
        f"closed_days({column})",
        f"select * from {quote(table)} "
        f"where {quote(column)} > (select max(through_date) from {PUBLICATION})",
        says=f"no {column} after the last closed day",
    )


def _privacy_rules(mart: Mart, suppress_below: int) -> Iterator[Rule]:
    yield never(
        mart.name,
        "no_private_column",
        "select column_name from duckdb_columns() where not internal "
        f"and table_name = {literal(mart.name)} "
        f"and regexp_matches(column_name, {literal(PRIVATE_COLUMN)})",
        says="no column of keys, texts, links or names of people",
    )
    labels = [name for name, kind in mart.types.items() if kind == "VARCHAR"]
    if labels:
        yield _no_person(mart.name, labels)
        if mart.name != DEFINITIONS:
            yield _no_long_text(mart.name, labels)
    if mart.hides:
        yield from _suppression_rules(mart, suppress_below)


def _no_person(table: str, labels: list[str]) -> Rule:
    found = " or ".join(f"regexp_matches({quote(c)}, {literal(PERSON)})" for c in labels)
    return never(
        table,
        "no_pseudonym",
        f"select * from {quote(table)} where {found}",
        says="no pseudonym in any value",
    )


def _no_long_text(table: str, labels: list[str]) -> Rule:
    found = " or ".join(f"length({quote(c)}) > {LONGEST_LABEL}" for c in labels)
    return never(
        table,
        "no_long_text",
        f"select * from {quote(table)} where {found}",
        says=f"no value longer than {LONGEST_LABEL} characters",
    )


def _suppression_rules(mart: Mart, suppress_below: int) -> Iterator[Rule]:
    for people, hidden in mart.hides.items():
        yield never(
            mart.name,
            f"no_few_people({people})",
            f"select * from {quote(mart.name)} "
            f"where {quote(people)} > 0 and {quote(people)} < {suppress_below}",
            says=f"{people} is 0, NULL or at least {suppress_below}",
        )
        if people in mart.wholes:
            yield _no_few_left(mart.name, people, mart.wholes[people], suppress_below)
        derived = [c for c in hidden if c.endswith(DERIVED)]
        if derived:
            yield _nothing_derived(mart.name, people, derived)
    visible = " and ".join(f"{quote(people)} is not null" for people in mart.hides)
    yield never(
        mart.name,
        "suppressed_hides_something",
        f"select * from {quote(mart.name)} where {IS_SUPPRESSED} and {visible}",
        says="a suppressed row hides at least one count of people",
    )


def _no_few_left(table: str, part: str, whole: str, suppress_below: int) -> Rule:
    left = f"{quote(whole)} - {quote(part)}"
    return never(
        table,
        f"no_few_left({part})",
        f"select * from {quote(table)} where {left} > 0 and {left} < {suppress_below}",
        says=f"{whole} - {part} is 0, NULL or at least {suppress_below}",
    )


def _nothing_derived(table: str, people: str, derived: list[str]) -> Rule:
    shown = " or ".join(f"{quote(c)} is not null" for c in derived)
    return never(
        table,
        f"nothing_gives_away({people})",
        f"select * from {quote(table)} where {quote(people)} is null and ({shown})",
        says=f"where {people} is hidden, nothing made from it is shown",
    )


def _identity(table: str, name: str, broken: str, says: str) -> Rule:
    return never(table, name, f"select * from {quote(table)} where {broken}", says=says)


# A NULL on either side makes a comparison NULL, so unknown and suppressed cells never break these.
IDENTITIES: tuple[Rule, ...] = (
    _identity(
        "coverage",
        "covered_within_day",
        "covered_seconds > day_seconds",
        "covered_seconds is at most day_seconds",
    ),
    _identity(
        "channel_activity",
        "activity_rate_of_fans",
        "abs(activity_rate - active_fan_count / fan_count) > 1e-9",
        "activity_rate = active_fan_count / fan_count",
    ),
    _identity(
        "fan_lifecycle",
        "active_fans_add_up",
        "active_fan_count <> new_fan_count + retained_fan_count + returning_fan_count",
        "active = new + retained + returning",
    ),
    _identity(
        "conversions",
        "net_amount_adds_up",
        "net_amount <> gross_amount - refund_amount",
        "net_amount = gross_amount - refund_amount",
    ),
    _identity(
        "channel_conversion",
        "buyers_within_identified",
        "buyer_count > identified_fan_count or identified_fan_count > active_fan_count",
        "buyers ≤ identified fans ≤ active fans",
    ),
    _identity(
        "channel_conversion",
        "interval_is_ordered",
        "conversion_rate > conversion_rate_hi",
        "conversion_rate is at most conversion_rate_hi",
    ),
    _identity(
        "channel_scorecard",
        "buyers_within_identified",
        "buyer_count > identified_fan_count or identified_fan_count > active_fan_count",
        "buyers ≤ identified fans ≤ active fans",
    ),
    _identity(
        "channel_scorecard",
        "interval_is_ordered",
        "conversion_rate > conversion_rate_hi",
        "conversion_rate is at most conversion_rate_hi",
    ),
    _identity(
        "mentions",
        "posts_within_mentions",
        "post_count > mention_count",
        "a post that mentions counts at least one mention",
    ),
    _identity(
        "mentions",
        "left_out_posts_within_mentions",
        "left_out_post_count > noise_mention_count + quoted_mention_count",
        "a post that is left out has at least one mention in noise or in words of others",
    ),
    _identity(
        "left_out_mentions",
        "posts_within_mentions",
        "post_count > mention_count or post_count < 1",
        "a post that is left out counts at least one mention",
    ),
    _identity(
        "noise_acts",
        "posts_within_acts",
        "post_count > act_count or act_count < 1",
        "posts are among the acts, and a row has at least one",
    ),
    _identity(
        "channel_activity",
        "noise_and_official_within_acts",
        "noise_act_count + official_act_count > act_count",
        "noise and official acts are parts of act_count",
    ),
    _identity(
        "channel_activity",
        "engaged_within_active",
        "engaged_fan_count > active_fan_count",
        "engaged fans are active fans",
    ),
    _identity(
        "share_of_voice",
        "share_of_all_mentions",
        "mention_count > total_mention_count "
        "or abs(share_rate - mention_count / total_mention_count) > 1e-9",
        "share_rate = mention_count / total_mention_count",
    ),
    _identity(
        "sentiment_daily",
        "sentiments_add_up",
        "post_count <> positive_count + neutral_count + negative_count + unknown_count",
        "posts = positive + neutral + negative + unknown",
    ),
    _identity(
        CAPABILITIES,
        "status_is_what_it_says",
        "status is distinct from case when is_computable then 'COMPUTABLE' "
        "when not is_computable then 'NOT_COMPUTABLE' else 'UNKNOWN' end",
        "status says the same as is_computable",
    ),
    _identity(
        CAPABILITIES,
        "reason_where_it_cannot",
        "(status = 'COMPUTABLE') <> (reason_zh is null) "
        "or (reason_zh is null) <> (reason_en is null)",
        "a reason in both languages where a number cannot be computed, and only there",
    ),
)
