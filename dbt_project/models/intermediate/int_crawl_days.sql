-- One row per channel and day due that a crawl asked for: how many did, and how the last one ended.
with

days as (
    {{ days_due() }}
),

windows as (
    select * from {{ ref('int_windows') }}
),

touching as (
    select
        days.channel_id,
        days.coverage_date,
        windows.crawl_id,
        windows.stop_reason,
        row_number() over (
            partition by days.channel_id, days.coverage_date
            order by
                case when windows.is_last then 0 else 1 end,
                windows.committed_at desc, windows.segment_id desc
        ) as recency_rank
    from days
    inner join windows
        on days.channel_id = windows.channel_id
        and windows.start_at < days.day_end_at
        and windows.end_at > days.day_start_at
)

select
    channel_id,
    coverage_date,
    count(distinct crawl_id) as crawl_count,
    max(case when recency_rank = 1 then stop_reason end) as last_stop_reason
from touching
group by channel_id, coverage_date
