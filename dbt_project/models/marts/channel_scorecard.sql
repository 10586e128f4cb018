-- One row per channel and month: fans, active fans and buyers, and the channel's rank by each.
{{ config(materialized='table') }} -- channels by months

with

months as (
    select
        activity.channel_id,
        activity.period_start_date,
        activity.period_type,
        activity.period_end_date,
        activity.is_complete_period,
        channels.channel_name,
        activity.source,
        activity.brand_id,
        activity.fan_count,
        activity.active_fan_count,
        activity.activity_rate,
        conversion.identified_fan_count,
        conversion.buyer_count,
        conversion.conversion_rate,
        conversion.conversion_rate_hi,
        activity.coverage_rate,
        activity.definition_version
    from {{ ref('channel_activity') }} as activity
    inner join {{ ref('stg_config_channels') }} as channels
        on activity.channel_id = channels.channel_id
    inner join {{ ref('channel_conversion') }} as conversion
        on activity.channel_id = conversion.channel_id
        and activity.period_start_date = conversion.period_start_date
    where activity.period_type = 'month'
)

select
    channel_id,
    period_start_date,
    period_type,
    period_end_date,
    is_complete_period,
    channel_name,
    source,
    brand_id,
    fan_count,
    active_fan_count,
    activity_rate,
    identified_fan_count,
    buyer_count,
    conversion_rate,
    conversion_rate_hi,
    {{ rank_within_month('fan_count') }} as fan_rank,
    {{ rank_within_month('activity_rate') }} as activity_rank,
    {{ rank_within_month('conversion_rate') }} as conversion_rank,
    coverage_rate,
    definition_version
from months
