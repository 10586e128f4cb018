-- One row per brand and period (day, ISO week, month): its share of what voices mention.
{{ config(materialized='table') }} -- brands by periods, a sum over mentions

with

periods as (
    select
        period_type,
        period_start_date,
        period_end_date,
        is_complete_period,
        {{ mean_of_shares('coverage_rate') }} as coverage_rate,
        max(definition_version) as definition_version
    from {{ ref('channel_activity') }}
    group by period_type, period_start_date, period_end_date, is_complete_period
),

counted as (
    select
        mentions.brand_id,
        calendar.period_type,
        calendar.period_start_date,
        sum(mentions.mention_count) as mention_count,
        sum(mentions.noise_mention_count) as noise_mention_count,
        sum(mentions.quoted_mention_count) as quoted_mention_count
    from {{ ref('mentions') }} as mentions
    inner join {{ ref('int_calendar') }} as calendar
        on mentions.mention_date = calendar.calendar_date
    group by mentions.brand_id, calendar.period_type, calendar.period_start_date
),

dense as (
    select
        brands.brand_id,
        periods.*,
        -- mentions are sparse: absent is 0
        coalesce(counted.mention_count, 0) as mention_count,
        coalesce(counted.noise_mention_count, 0) as noise_mention_count,
        coalesce(counted.quoted_mention_count, 0) as quoted_mention_count,
        nullif(sum(counted.mention_count) over (
            partition by periods.period_type, periods.period_start_date
        ), 0) as total_mention_count
    from {{ ref('stg_config_brands') }} as brands
    cross join periods
    left join counted
        on brands.brand_id = counted.brand_id
        and periods.period_type = counted.period_type
        and periods.period_start_date = counted.period_start_date
)

select
    brand_id,
    period_type,
    period_start_date,
    period_end_date,
    is_complete_period,
    cast(mention_count as bigint) as mention_count,
    cast(noise_mention_count as bigint) as noise_mention_count,
    cast(quoted_mention_count as bigint) as quoted_mention_count,
    cast(coalesce(total_mention_count, 0) as bigint) as total_mention_count, -- as above
    cast(mention_count as double) / total_mention_count as share_rate,
    case
        when total_mention_count is not null then cast(rank() over (
            partition by period_type, period_start_date
            order by mention_count desc
        ) as bigint)
    end as rank,
    coverage_rate,
    definition_version
from dense
