-- One row per channel and month: which fans are new, stayed, came back, went quiet, were lost.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'period_end_date'
}}) }}

with

months as (
    select
        periods.*,
        {{ month_index('periods.period_start_date') }} as month_index
    from {{ ref('int_channel_periods') }} as periods
    where periods.period_type = 'month'
),

fans as (
    select
        channel_id,
        author_key,
        month_index,
        lag(month_index) over (partition by channel_id, author_key order by month_index)
            as previous_month_index,
        lead(month_index) over (partition by channel_id, author_key order by month_index)
            as next_month_index
    from {{ ref('int_fan_months') }}
),

active as (
    select
        channel_id,
        month_index,
        count(*) as active_fan_count,
        count(case when previous_month_index is null then 1 end) as new_fan_count,
        count(case when previous_month_index = month_index - 1 then 1 end) as retained_fan_count,
        count(case when previous_month_index < month_index - 1 then 1 end) as returning_fan_count
    from fans
    group by channel_id, month_index
),

silences as (
    select 1 as silent_months
    union all
    select 2 as silent_months
    union all
    select 3 as silent_months
),

silent as (
    select
        fans.channel_id,
        fans.month_index + silences.silent_months as month_index,
        count(case when silences.silent_months < 3 then 1 end) as dormant_fan_count,
        count(case when silences.silent_months = 3 then 1 end) as lost_fan_count
    from fans
    cross join silences
    where
        fans.next_month_index is null
        or fans.next_month_index > fans.month_index + silences.silent_months
    group by fans.channel_id, fans.month_index + silences.silent_months
),

counted as (
    select
        months.*,
        -- nobody counted is 0 where people can be told apart
        coalesce(active.active_fan_count, 0) as active_fan_count,
        coalesce(active.new_fan_count, 0) as new_fan_count,
        coalesce(active.retained_fan_count, 0) as retained_fan_count,
        coalesce(active.returning_fan_count, 0) as returning_fan_count,
        coalesce(silent.dormant_fan_count, 0) as dormant_fan_count,
        coalesce(silent.lost_fan_count, 0) as lost_fan_count
    from months
    left join active
        on months.channel_id = active.channel_id and months.month_index = active.month_index
    left join silent
        on months.channel_id = silent.channel_id and months.month_index = silent.month_index
)

select
    counted.channel_id,
    counted.period_start_date,
    counted.period_type,
    counted.period_end_date,
    counted.is_complete_period,
    case when channels.is_identity_visible then counted.active_fan_count end as active_fan_count,
    case when channels.is_identity_visible then counted.new_fan_count end as new_fan_count,
    case when channels.is_identity_visible then counted.retained_fan_count end
        as retained_fan_count,
    case when channels.is_identity_visible then counted.returning_fan_count end
        as returning_fan_count,
    case when channels.is_identity_visible then counted.dormant_fan_count end
        as dormant_fan_count,
    case when channels.is_identity_visible then counted.lost_fan_count end as lost_fan_count,
    activity.coverage_rate,
    activity.definition_version
from counted
inner join {{ ref('stg_config_channels') }} as channels on counted.channel_id = channels.channel_id
inner join {{ ref('channel_activity') }} as activity
    on counted.channel_id = activity.channel_id
    and counted.period_type = activity.period_type
    and counted.period_start_date = activity.period_start_date
