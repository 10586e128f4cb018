-- One row per observation of an order.
{{ kept_by_segment() }}

select
    landed.source,
    landed.order_id,
    landed.customer_key,
    landed.visitor_key,
    landed.brand_id,
    {{ utc('landed.ordered_at') }} as ordered_at,
    landed.status,
    -- to the cent, order by order, so that every sum over orders adds up
    cast(landed.amount as decimal(18, 2)) as amount,
    cast(landed.refund_amount as decimal(18, 2)) as refund_amount,
    landed.currency,
    {{ folded('landed.utm_source') }} as utm_source,
    {{ folded('landed.utm_medium') }} as utm_medium,
    {{ folded('landed.utm_campaign') }} as utm_campaign,
    {{ url_host('landed.referrer') }} as referrer_host,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('orders') }} as landed
where
    {{ is_read_now('orders', 'landed.order_id') }}
