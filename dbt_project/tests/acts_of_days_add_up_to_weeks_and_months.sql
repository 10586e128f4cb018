-- Weeks and months whose acts are not the sum over their days.
with

activity as (
    select * from {{ ref('channel_activity') }}
),

days as (
    select
        activity.channel_id,
        calendar.period_type,
        calendar.period_start_date,
        sum(activity.act_count) as act_count,
        sum(activity.post_count + activity.comment_count + activity.reaction_count) as kind_count
    from activity
    inner join {{ ref('int_calendar') }} as calendar
        on activity.period_start_date = calendar.calendar_date
    where activity.period_type = 'day'
    group by activity.channel_id, calendar.period_type, calendar.period_start_date
)

select
    activity.channel_id,
    activity.period_type,
    activity.period_start_date,
    activity.act_count,
    days.act_count as act_count_of_days
from activity
left join days
    on activity.channel_id = days.channel_id
    and activity.period_type = days.period_type
    and activity.period_start_date = days.period_start_date
where activity.act_count is distinct from days.act_count or days.act_count <> days.kind_count
