-- One row per closed calendar day and period type: the day, ISO week and month it lies in.
with

bounds as (
    select min(starts.first_date) as first_date, min(settings.through_date) as through_date
    from {{ ref('int_channel_starts') }} as starts
    cross join {{ ref('stg_config_settings') }} as settings
),

days as (
    {{ day_spine('bounds', 'first_date', 'through_date') }}
),

periods as (
    select
        calendar_date,
        'day' as period_type,
        calendar_date as period_start_date,
        calendar_date as period_end_date
    from days
    union all
    select
        calendar_date,
        'week' as period_type,
        {{ week_start('calendar_date') }} as period_start_date,
        {{ days_later(week_start('calendar_date'), 6) }} as period_end_date
    from days
    union all
    select
        calendar_date,
        'month' as period_type,
        {{ month_start('calendar_date') }} as period_start_date,
        last_day(calendar_date) as period_end_date
    from days
)

select
    periods.calendar_date,
    periods.period_type,
    periods.period_start_date,
    periods.period_end_date,
    least(periods.period_end_date, settings.through_date) as closed_date,
    periods.period_end_date <= settings.through_date as is_complete_period
from periods
cross join {{ ref('stg_config_settings') }} as settings
