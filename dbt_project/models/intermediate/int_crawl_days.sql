-- One row per channel and day due that a crawl asked for: how many did, and how the last one ended.
with

days as (
    select
        channel_id,
        period_start_date as coverage_date,
        {{ local_midnight('period_start_date') }} as day_start_at,
        {{ local_midnight(days_later('period_start_date', 1)) }} as day_end_at
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
),

crawls as (
    select
        ledger.*,
        coalesce(covered_start_at, window_start_at) as start_at,
        coalesce(covered_end_at, window_end_at) as end_at
    from {{ ref('stg_crawls') }} as ledger
),

touching as (
    select
        days.channel_id,
        days.coverage_date,
        crawls.crawl_id,
        crawls.stop_reason,
        row_number() over (
            partition by days.channel_id, days.coverage_date
            order by
                case when crawls.is_last then 0 else 1 end,
                crawls.committed_at desc, crawls.segment_id desc
        ) as recency_rank
    from days
    inner join crawls
        on days.channel_id = crawls.channel_id
        and crawls.start_at < days.day_end_at
        and crawls.end_at > days.day_start_at
)

select
    channel_id,
    coverage_date,
    count(distinct crawl_id) as crawl_count,
    max(case when recency_rank = 1 then stop_reason end) as last_stop_reason
from touching
group by channel_id, coverage_date
