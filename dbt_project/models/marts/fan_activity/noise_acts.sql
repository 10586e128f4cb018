-- One row per channel, day and reason for which acts are noise.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'act_date'
}}) }}

with

days as (
    select channel_id, period_start_date as act_date
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
),

counted as (
    select
        acts.channel_id,
        acts.act_date,
        acts.noise_reason as reason,
        count(*) as act_count,
        count(case when acts.act_kind <> 'reaction' then 1 end) as post_count
    from {{ ref('int_acts_weighed') }} as acts
    inner join days on acts.channel_id = days.channel_id and acts.act_date = days.act_date
    where acts.noise_reason is not null
    group by acts.channel_id, acts.act_date, acts.noise_reason
)

select
    counted.*,
    coverage.coverage_rate,
    coverage.definition_version
from counted
inner join {{ ref('coverage') }} as coverage
    on counted.channel_id = coverage.channel_id and counted.act_date = coverage.coverage_date
