-- One row per channel and day with a known fan count, which holds until the day before the next.
with

observed as (
    select
        channel_id,
        {{ local_date('observed_at') }} as observed_date,
        fan_count,
        row_number() over (
            partition by channel_id, {{ local_date('observed_at') }}
            order by observed_at desc, collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from {{ ref('stg_channels') }}
    where fan_count is not null
)

select
    channel_id,
    observed_date,
    fan_count,
    lead(observed_date) over (partition by channel_id order by observed_date) as next_observed_date
from observed
where recency_rank = 1
