-- One row per channel, fan and month in which the fan acted there.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'period_end_date'
    }}
) }}

with

months as (
    select * from {{ ref('int_channel_periods') }} where period_type = 'month'
)

select
    months.channel_id,
    months.source,
    acts.author_key,
    months.period_start_date,
    months.period_end_date,
    {{ month_index('months.period_start_date') }} as month_index,
    count(*) as act_count
from {{ ref('int_acts') }} as acts
inner join months
    on acts.channel_id = months.channel_id
    and {{ month_start('acts.act_date') }} = months.period_start_date
    and acts.act_date <= months.closed_date
where acts.is_eligible
group by
    months.channel_id,
    months.source,
    acts.author_key,
    months.period_start_date,
    months.period_end_date
