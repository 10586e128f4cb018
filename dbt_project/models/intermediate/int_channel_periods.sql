-- One row per channel and period that this build computes anew, without gaps from its first day on.
with

periods as (
    select distinct
        period_type, period_start_date, period_end_date, closed_date, is_complete_period
    from {{ ref('int_calendar') }}
),

changes as (
    select channel_id, from_date from {{ ref('int_changes') }} where scope = 'listening'
)

select
    starts.channel_id,
    starts.source,
    periods.period_type,
    periods.period_start_date,
    periods.period_end_date,
    periods.closed_date,
    periods.is_complete_period,
    {{ day_count('periods.period_start_date', 'periods.closed_date') }} as closed_day_count
from {{ ref('int_channel_starts') }} as starts
inner join changes on starts.channel_id = changes.channel_id
inner join periods
    on periods.period_end_date >= starts.first_date
    and periods.period_end_date >= changes.from_date
