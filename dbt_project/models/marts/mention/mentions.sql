-- One row per brand, channel and day on which the brand was mentioned there.
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
        count(*) as mention_count,
        count(distinct mentions.post_id) as post_count,
        count(distinct mentions.author_key) as author_count
    from {{ ref('int_mentions') }} as mentions
    inner join days
        on mentions.channel_id = days.channel_id and mentions.mention_date = days.mention_date
    group by mentions.brand_id, mentions.channel_id, mentions.mention_date
)

select
    counted.brand_id,
    counted.channel_id,
    counted.mention_date,
    counted.mention_count,
    counted.post_count,
    case when channels.is_identity_visible then counted.author_count end as author_count,
    coverage.coverage_rate,
    coverage.definition_version
from counted
inner join {{ ref('stg_config_channels') }} as channels on counted.channel_id = channels.channel_id
inner join {{ ref('coverage') }} as coverage
    on counted.channel_id = coverage.channel_id and counted.mention_date = coverage.coverage_date
