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
    landed.is_test,
    {{ utc('landed.cancelled_at') }} as cancelled_at,
    {{ folded('landed.sales_channel') }} as sales_channel,
    -- to the cent, order by order, so that every sum over orders adds up
    cast(landed.amount as decimal(18, 2)) as amount,
    cast(landed.tax_amount as decimal(18, 2)) as tax_amount,
    cast(landed.shipping_amount as decimal(18, 2)) as shipping_amount,
    cast(landed.discount_amount as decimal(18, 2)) as discount_amount,
    cast(landed.refund_amount as decimal(18, 2)) as refund_amount,
    cast(landed.refunded_tax_amount as decimal(18, 2)) as refunded_tax_amount,
    cast(landed.refunded_shipping_amount as decimal(18, 2)) as refunded_shipping_amount,
    landed.currency,
    {{ folded('landed.utm_source') }} as utm_source,
    {{ folded('landed.utm_medium') }} as utm_medium,
    {{ folded('landed.utm_campaign') }} as utm_campaign,
    {{ folded('landed.utm_content') }} as utm_content,
    {{ folded('landed.utm_term') }} as utm_term,
    {{ url_host('landed.referrer') }} as referrer_host,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('orders') }} as landed
where
    {{ is_read_now('orders', 'landed.order_id') }}
