-- One row per channel and period (day, ISO week, month): how many fans there are, how many act.
--
-- A channel in which nobody speaks, a shop, is not silent: it has no row.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'period_end_date'
}}) }}

with

periods as (
    select periods.*
    from {{ ref('int_channel_periods') }} as periods
    inner join {{ ref('stg_config_channels') }} as channels
        on periods.channel_id = channels.channel_id
    where channels.is_community
),

acts as (
    select
        acts.channel_id,
        calendar.period_type,
        calendar.period_start_date,
        acts.author_key,
        acts.act_kind,
        acts.is_eligible,
        acts.is_official,
        acts.noise_reason
    from {{ ref('int_acts_weighed') }} as acts
    inner join {{ ref('int_calendar') }} as calendar on acts.act_date = calendar.calendar_date
    where acts.act_date >= (select min(period_start_date) from periods)
),

counted as (
    select
        periods.channel_id,
        periods.period_type,
        periods.period_start_date,
        count(distinct case when acts.is_eligible then acts.author_key end) as active_fan_count,
        count(distinct case
            when acts.is_eligible and acts.noise_reason is null then acts.author_key
        end) as engaged_fan_count,
        count(case when acts.act_kind = 'post' then 1 end) as post_count,
        count(case when acts.act_kind = 'comment' then 1 end) as comment_count,
        count(case when acts.act_kind = 'reaction' then 1 end) as reaction_count,
        count(acts.channel_id) as act_count,
        count(case when acts.is_official then 1 end) as official_act_count,
        count(case when acts.noise_reason is not null then 1 end) as noise_act_count
    from periods
    left join acts
        on periods.channel_id = acts.channel_id
        and periods.period_type = acts.period_type
        and periods.period_start_date = acts.period_start_date
    group by periods.channel_id, periods.period_type, periods.period_start_date
),

covered as (
    select
        coverage.channel_id,
        calendar.period_type,
        calendar.period_start_date,
        {{ sum_of_shares('coverage.coverage_rate') }} as covered_days
    from {{ ref('coverage') }} as coverage
    inner join {{ ref('int_calendar') }} as calendar
        on coverage.coverage_date = calendar.calendar_date
    group by coverage.channel_id, calendar.period_type, calendar.period_start_date
),

known as (
    select
        periods.*,
        channels.brand_id,
        fans.fan_count,
        case when channels.is_identity_visible then counted.active_fan_count end
            as active_fan_count,
        case when channels.is_identity_visible then counted.engaged_fan_count end
            as engaged_fan_count,
        counted.post_count,
        counted.comment_count,
        counted.reaction_count,
        counted.act_count,
        counted.official_act_count,
        counted.noise_act_count,
        covered.covered_days / periods.closed_day_count as coverage_rate
    from periods
    inner join {{ ref('stg_config_channels') }} as channels
        on periods.channel_id = channels.channel_id
    inner join counted
        on periods.channel_id = counted.channel_id
        and periods.period_type = counted.period_type
        and periods.period_start_date = counted.period_start_date
    left join covered
        on periods.channel_id = covered.channel_id
        and periods.period_type = covered.period_type
        and periods.period_start_date = covered.period_start_date
    left join {{ ref('int_fan_counts') }} as fans
        on periods.channel_id = fans.channel_id
        and fans.observed_date <= periods.closed_date
        and (fans.next_observed_date is null or fans.next_observed_date > periods.closed_date)
)

select
    known.channel_id,
    known.period_type,
    known.period_start_date,
    known.period_end_date,
    known.is_complete_period,
    known.source,
    known.brand_id,
    known.fan_count,
    known.active_fan_count,
    cast(known.active_fan_count as double) / nullif(known.fan_count, 0) as activity_rate,
    known.engaged_fan_count,
    known.post_count,
    known.comment_count,
    known.reaction_count,
    known.act_count,
    known.official_act_count,
    known.noise_act_count,
    known.coverage_rate,
    settings.definition_version
from known
cross join {{ ref('stg_config_settings') }} as settings
