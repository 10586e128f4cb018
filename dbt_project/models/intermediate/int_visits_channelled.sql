-- One row per visit, as last observed, with the channel it came from when a rule tells.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_changes', 'scope': 'shop', 'from': 'visit_date'}}
) }}

with

observed as (
    select
        visits.*,
        row_number() over (
            partition by source, visit_id
            order by collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from {{ ref('stg_visits') }} as visits
),

visits as (
    select observed.*, {{ local_date('occurred_at') }} as visit_date
    from observed
    where recency_rank = 1
),

changes as (
    select from_date from {{ ref('int_changes') }} where scope = 'shop'
)

select
    visits.source,
    visits.visit_id,
    visits.visitor_key,
    visits.occurred_at,
    visits.visit_date,
    mapped.channel_id,
    visits.segment_id
from visits
inner join changes on visits.visit_date >= changes.from_date
left join {{ ref('int_touches_mapped') }} as mapped
    on visits.utm_source is not distinct from mapped.utm_source
    and visits.utm_medium is not distinct from mapped.utm_medium
    and visits.utm_campaign is not distinct from mapped.utm_campaign
    and visits.referrer_host is not distinct from mapped.referrer_host
