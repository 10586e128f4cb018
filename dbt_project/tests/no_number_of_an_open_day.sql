-- Rows of a day that was not over yet.
with

days as (
    select 'coverage' as mart, coverage_date as row_date from {{ ref('coverage') }}
    union all
    select 'mentions' as mart, mention_date as row_date from {{ ref('mentions') }}
    union all
    select 'sentiment_daily' as mart, sentiment_date as row_date from {{ ref('sentiment_daily') }}
    union all
    select 'left_out_mentions' as mart, mention_date as row_date
    from {{ ref('left_out_mentions') }}
    union all
    select 'noise_acts' as mart, act_date as row_date from {{ ref('noise_acts') }}
    union all
    select 'conversions' as mart, conversion_date as row_date from {{ ref('conversions') }}
    union all
    select 'channel_activity' as mart, period_start_date as row_date
    from {{ ref('channel_activity') }}
)

select days.mart, days.row_date
from days
cross join {{ ref('stg_config_settings') }} as settings
where days.row_date > settings.through_date
