-- Channels whose days count more or fewer acts than there are on closed days.
with

counted as (
    select channel_id, sum(act_count) as act_count
    from {{ ref('channel_activity') }}
    where period_type = 'day'
    group by channel_id
),

acted as (
    select acts.channel_id, count(*) as act_count
    from {{ ref('int_acts') }} as acts
    cross join {{ ref('stg_config_settings') }} as settings
    where acts.act_date <= settings.through_date
    group by acts.channel_id
)

select
    coalesce(counted.channel_id, acted.channel_id) as channel_id,
    counted.act_count,
    acted.act_count as act_count_in_acts
from counted
full outer join acted on counted.channel_id = acted.channel_id
where coalesce(counted.act_count, 0) <> coalesce(acted.act_count, 0)
