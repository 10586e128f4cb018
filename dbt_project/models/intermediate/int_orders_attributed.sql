-- One row per valid order, with the channel that earned it. Evidence for every number about money.
--
-- Last touch: the visitor's last visit that came from a channel, no longer than the lookback before
-- the order; else the channel that the order's own tracking names; else nobody.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_changes', 'scope': 'shop', 'from': 'order_date'}}
) }}

with

settings as (
    select lookback_days from {{ ref('stg_config_settings') }}
),

changes as (
    select from_date from {{ ref('int_changes') }} where scope = 'shop'
),

observed as (
    select
        orders.*,
        row_number() over (
            partition by source, order_id
            order by collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from {{ ref('stg_orders') }} as orders
),

dated as (
    select observed.*, {{ local_date('ordered_at') }} as order_date
    from observed
    where recency_rank = 1 and status not in ('cancelled', 'test')
),

orders as (
    select dated.*
    from dated
    inner join changes on dated.order_date >= changes.from_date
),

touches as (
    select
        orders.source,
        orders.order_id,
        visits.visit_id,
        visits.channel_id,
        row_number() over (
            partition by orders.source, orders.order_id
            order by visits.occurred_at desc, visits.visit_id desc, visits.source desc
        ) as recency_rank
    from orders
    cross join settings
    inner join {{ ref('int_visits_channelled') }} as visits
        on orders.visitor_key = visits.visitor_key
        and visits.channel_id is not null
        and visits.occurred_at <= orders.ordered_at
        and visits.occurred_at >= {{ days_earlier('orders.ordered_at', 'settings.lookback_days') }}
),

last_touches as (
    select source, order_id, visit_id, channel_id from touches where recency_rank = 1
)

select
    orders.source,
    orders.order_id,
    coalesce(orders.brand_id, '(none)') as brand_id,
    coalesce(last_touches.channel_id, mapped.channel_id, '(unattributed)') as channel_id,
    'last_touch' as attribution_model,
    case
        when last_touches.channel_id is not null then 'visit'
        when mapped.channel_id is not null then 'order'
        else 'none'
    end as attributed_by,
    last_touches.visit_id,
    orders.ordered_at,
    orders.order_date,
    orders.customer_key,
    coalesce(orders.customer_key, 'order:' || orders.source || ':' || orders.order_id) as buyer_key,
    orders.currency,
    orders.amount,
    -- a shop that tells no sum has given all of a refunded order back, and nothing of another; of
    -- one refunded in part nobody knows how much
    case
        when orders.refund_amount is not null then orders.refund_amount
        when orders.status = 'refunded' then orders.amount
        when orders.status <> 'partially_refunded' then cast(0 as decimal(18, 2))
    end as refund_amount,
    orders.segment_id
from orders
left join last_touches
    on orders.source = last_touches.source and orders.order_id = last_touches.order_id
left join {{ ref('int_touches_mapped') }} as mapped
    on orders.utm_source is not distinct from mapped.utm_source
    and orders.utm_medium is not distinct from mapped.utm_medium
    and orders.utm_campaign is not distinct from mapped.utm_campaign
    and orders.referrer_host is not distinct from mapped.referrer_host
