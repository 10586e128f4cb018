-- One row per channel and day due: its length, and how much of it some crawl covered.
--
-- Unknown, not zero, when nobody ever asked the channel for a stretch of time (files, for example).
with

days as (
    {{ days_due() }}
),

islands as (
    select channel_id, start_at, end_at from {{ ref('int_coverage_islands') }}
),

asked as (
    select distinct channel_id from {{ ref('int_windows') }}
),

covered as (
    select
        days.channel_id,
        days.coverage_date,
        sum({{ seconds_between(
            'greatest(islands.start_at, days.day_start_at)',
            'least(islands.end_at, days.day_end_at)'
        ) }}) as covered_seconds
    from days
    inner join islands
        on days.channel_id = islands.channel_id
        and islands.start_at < days.day_end_at
        and islands.end_at > days.day_start_at
    group by days.channel_id, days.coverage_date
)

select
    days.channel_id,
    days.coverage_date,
    cast(case when asked.channel_id is not null then coalesce(covered.covered_seconds, 0) end as bigint)
        as covered_seconds,
    {{ seconds_between('days.day_start_at', 'days.day_end_at') }} as day_seconds
from days
left join asked on days.channel_id = asked.channel_id
left join covered
    on days.channel_id = covered.channel_id and days.coverage_date = covered.coverage_date
