-- One row per channel and unbroken stretch of time that its crawls covered.
with

covered as (
    select channel_id, covered_start_at, covered_end_at
    from {{ ref('int_windows') }}
    where covered_start_at < covered_end_at
),

reached as (
    select
        covered.*,
        max(covered_end_at) over (
            partition by channel_id
            order by covered_start_at, covered_end_at
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from covered
),

numbered as (
    select
        reached.*,
        sum(case when reached_at >= covered_start_at then 0 else 1 end) over (
            partition by channel_id
            order by covered_start_at, covered_end_at
            rows between unbounded preceding and current row
        ) as island
    from reached
)

select
    channel_id,
    min(covered_start_at) as start_at,
    max(covered_end_at) as end_at
from numbered
group by channel_id, island
