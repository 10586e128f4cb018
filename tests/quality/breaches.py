"""For every rule of the marts gate, one change that it must refuse."""

from __future__ import annotations

from quality.rules import Rule
from tingchao.marts import Mart

SOME_PSEUDONYM = "k1." + "a" * 26
IDENTITIES = {
    "coverage.covered_within_day": "covered_seconds = day_seconds + 1",
    "channel_activity.activity_rate_of_fans": (
        "active_fan_count = 50, fan_count = 100, activity_rate = 0.4"
    ),
    "fan_lifecycle.active_fans_add_up": (
        "active_fan_count = 30, new_fan_count = 10, retained_fan_count = 10, "
        "returning_fan_count = 9"
    ),
    "conversions.net_amount_adds_up": ("gross_amount = 100, refund_amount = 10, net_amount = 100"),
    "channel_conversion.buyers_within_identified": (
        "active_fan_count = 50, identified_fan_count = 20, buyer_count = 30"
    ),
    "channel_conversion.interval_is_ordered": "conversion_rate = 0.5, conversion_rate_hi = 0.4",
    "channel_scorecard.buyers_within_identified": (
        "active_fan_count = 50, identified_fan_count = 60, buyer_count = 30"
    ),
    "channel_scorecard.interval_is_ordered": "conversion_rate = 0.5, conversion_rate_hi = 0.4",
    "mentions.posts_within_mentions": "post_count = mention_count + 1",
    "mentions.left_out_posts_within_mentions": (
        "left_out_post_count = 3, noise_mention_count = 1, quoted_mention_count = 1"
    ),
    "left_out_mentions.posts_within_mentions": "post_count = mention_count + 1",
    "noise_acts.posts_within_acts": "post_count = act_count + 1",
    "channel_activity.noise_and_official_within_acts": (
        "act_count = 9, noise_act_count = 5, official_act_count = 5"
    ),
    "channel_activity.engaged_within_active": (
        "active_fan_count = 50, engaged_fan_count = 60, activity_rate = 50 / fan_count"
    ),
    "share_of_voice.share_of_all_mentions": (
        "mention_count = 5, total_mention_count = 10, share_rate = 0.6"
    ),
    "sentiment_daily.sentiments_add_up": "positive_count = positive_count + 1",
    "source_capabilities.status_is_what_it_says": "status = 'UNKNOWN'",
    "source_capabilities.reason_where_it_cannot": "reason_zh = null, status = 'NOT_COMPUTABLE'",
}


def breach(rule: Rule, mart: Mart | None) -> str:
    """SQL that breaks this rule in one row, or in the table's shape where that is what it asks."""
    table = rule.table
    name, _, column = rule.name.rstrip(")").partition("(")
    if rule.id in IDENTITIES:
        return _one_row(table, IDENTITIES[rule.id])
    shapes = {
        "row_count": f"delete from {table}",
        "columns": f"alter table {table} add column stray integer",
        "column_types": f"alter table {table} alter definition_version type blob",
        "unique": f"insert into {table} select * from {table} limit 1",
        "complete": _one_row(table, "definition_version = null"),
        "closed_days": _one_row(table, f"{column} = date '2026-11-01'"),
        "between": _one_row(table, f"{column} = -2"),
        "coverage_known": f"update {table} set coverage_rate = null",
        "no_private_column": f"alter table {table} add column author_key varchar",
        "no_pseudonym": _one_row(table, f"{_label(mart)} = '{SOME_PSEUDONYM}'"),
        "no_long_text": _one_row(table, f"{_label(mart)} = repeat('字', 201)"),
        "no_few_people": _one_row(table, f"{column} = 2"),
        "no_few_left": _one_row(table, _few_left(mart, column)),
        "nothing_gives_away": _one_row(table, f"{column} = null, {_derived(mart, column)} = 1"),
        "suppressed_hides_something": _one_row(table, _all_people(mart)),
        "only_declared_tables": "create table stray (a integer)",
        "noise_budget": "update publication set noisy_text_count = 230",
        "moods_known": "update publication set unknown_mood_text_count = 960",
        "words_there": "update publication set wordless_text_count = 301",
        "scripts_read_alike": "update publication set same_text_count = 280",
    }
    return shapes[name]


def _one_row(table: str, change: str) -> str:
    return f"update {table} set {change} where rowid = (select min(rowid) from {table})"


def _label(mart: Mart | None) -> str:
    return next((n for n, t in mart.types.items() if t == "VARCHAR"), "") if mart else ""


def _derived(mart: Mart | None, people: str) -> str:
    hidden = mart.hides.get(people, ()) if mart else ()
    return next((c for c in hidden if c.endswith(("_rate", "_rate_lo", "_rate_hi", "_rank"))), "")


def _few_left(mart: Mart | None, part: str) -> str:
    whole = mart.wholes.get(part) if mart else None
    return f"{whole} = 50, {part} = 49"


def _all_people(mart: Mart | None) -> str:
    people = mart.people_columns if mart else ()
    return ", ".join(["is_suppressed = true", *(f"{column} = 50" for column in people)])
