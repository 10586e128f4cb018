-- Days whose noise is not the sum over its reasons.
with

by_reason as (
    select channel_id, act_date, sum(act_count) as act_count
    from {{ ref('noise_acts') }}
    group by channel_id, act_date
),

days as (
    select channel_id, period_start_date as act_date, noise_act_count
    from {{ ref('channel_activity') }}
    where period_type = 'day' and noise_act_count > 0
)

select
    coalesce(days.channel_id, by_reason.channel_id) as channel_id,
    coalesce(days.act_date, by_reason.act_date) as act_date,
    days.noise_act_count,
    by_reason.act_count
from days
full outer join by_reason
    on days.channel_id = by_reason.channel_id and days.act_date = by_reason.act_date
where days.noise_act_count is distinct from by_reason.act_count
