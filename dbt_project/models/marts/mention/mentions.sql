-- One row per brand, channel and day on which the brand was mentioned there: how often by voices.
--
-- Beside it stands what is left out: mentions in noise and in words of others.
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
        count(case when mentions.reason is null then 1 end) as mention_count,
        count(case when mentions.reason <> 'quoted' then 1 end) as noise_mention_count,
        count(case when mentions.reason = 'quoted' then 1 end) as quoted_mention_count,
        count(distinct mentions.post_id) as all_post_count,
        count(distinct case when mentions.reason is null then mentions.post_id end) as post_count,
        count(distinct case when mentions.reason is null then mentions.author_key end)
            as author_count
    from {{ ref('int_mentions_weighed') }} as mentions
    inner join days
        on mentions.channel_id = days.channel_id and mentions.mention_date = days.mention_date
    group by mentions.brand_id, mentions.channel_id, mentions.mention_date
)

select
    counted.brand_id,
    counted.channel_id,
    counted.mention_date,
    counted.mention_count,
    counted.noise_mention_count,
    counted.quoted_mention_count,
    counted.post_count,
    counted.all_post_count - counted.post_count as left_out_post_count,
    case when channels.is_identity_visible then counted.author_count end as author_count,
    coverage.coverage_rate,
    coverage.definition_version
from counted
inner join {{ ref('stg_config_channels') }} as channels on counted.channel_id = channels.channel_id
inner join {{ ref('coverage') }} as coverage
    on counted.channel_id = coverage.channel_id and counted.mention_date = coverage.coverage_date
