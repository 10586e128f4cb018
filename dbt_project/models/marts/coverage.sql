-- One row per channel and closed calendar day: how much of the day was listened to.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'coverage_date'
}}) }}

with

days as (
    select channel_id, source, period_start_date as coverage_date
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
),

dated as (
    select channel_id, post_date as coverage_date, count(*) as post_count
    from {{ ref('int_posts') }}
    where post_date is not null
    group by channel_id, post_date
),

undated as (
    select channel_id, first_seen_date as coverage_date, count(*) as post_count
    from {{ ref('int_posts') }}
    where post_date is null
    group by channel_id, first_seen_date
)

select
    days.channel_id,
    days.coverage_date,
    days.source,
    covered.covered_seconds,
    covered.day_seconds,
    crawled.last_stop_reason,
    coalesce(crawled.crawl_count, 0) as crawl_count, -- every crawl is in the ledger: none is 0
    coalesce(dated.post_count, 0) as landed_post_count, -- every post is in the lake: none is 0
    coalesce(undated.post_count, 0) as undated_post_count, -- likewise
    cast(covered.covered_seconds as double) / nullif(covered.day_seconds, 0) as coverage_rate,
    settings.definition_version
from days
cross join {{ ref('stg_config_settings') }} as settings
left join {{ ref('int_covered_days') }} as covered
    on days.channel_id = covered.channel_id and days.coverage_date = covered.coverage_date
left join {{ ref('int_crawl_days') }} as crawled
    on days.channel_id = crawled.channel_id and days.coverage_date = crawled.coverage_date
left join dated on days.channel_id = dated.channel_id and days.coverage_date = dated.coverage_date
left join undated
    on days.channel_id = undated.channel_id and days.coverage_date = undated.coverage_date
