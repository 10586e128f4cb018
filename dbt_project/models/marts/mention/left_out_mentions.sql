-- One row per brand, channel, day and reason for which mentions are no voice.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'mention_date'
}}) }}

with

days as (
    select channel_id, period_start_date as mention_date
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
),

counted as (
    select
        mentions.brand_id,
        mentions.channel_id,
        mentions.mention_date,
        mentions.reason,
        count(*) as mention_count,
        count(distinct mentions.post_id) as post_count
    from {{ ref('int_mentions_weighed') }} as mentions
    inner join days
        on mentions.channel_id = days.channel_id and mentions.mention_date = days.mention_date
    where mentions.reason is not null
    group by mentions.brand_id, mentions.channel_id, mentions.mention_date, mentions.reason
)

select
    counted.*,
    coverage.coverage_rate,
    coverage.definition_version
from counted
inner join {{ ref('coverage') }} as coverage
    on counted.channel_id = coverage.channel_id and counted.mention_date = coverage.coverage_date
