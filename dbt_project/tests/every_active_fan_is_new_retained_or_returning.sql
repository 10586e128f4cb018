-- Months in which the kinds of active fans do not add up, or two marts disagree on how many there are.
select
    lifecycle.channel_id,
    lifecycle.period_start_date,
    lifecycle.active_fan_count,
    activity.active_fan_count as active_fan_count_in_channel_activity
from {{ ref('fan_lifecycle') }} as lifecycle
left join {{ ref('channel_activity') }} as activity
    on lifecycle.channel_id = activity.channel_id
    and lifecycle.period_type = activity.period_type
    and lifecycle.period_start_date = activity.period_start_date
where
    lifecycle.active_fan_count is distinct from activity.active_fan_count
    or lifecycle.active_fan_count
    <> lifecycle.new_fan_count + lifecycle.retained_fan_count + lifecycle.returning_fan_count
