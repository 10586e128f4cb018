-- One row per channel that was ever heard: the first day that was covered or acted on.
with

days as (
    select channel_id, min(act_date) as first_date
    from {{ ref('int_acts') }}
    group by channel_id
    union all
    select channel_id, min({{ local_date('start_at') }}) as first_date
    from {{ ref('int_coverage_islands') }}
    group by channel_id
)

select
    days.channel_id,
    channels.source,
    min(days.first_date) as first_date
from days
inner join {{ ref('stg_config_channels') }} as channels on days.channel_id = channels.channel_id
cross join {{ ref('stg_config_settings') }} as settings
where days.first_date <= settings.through_date
group by days.channel_id, channels.source
