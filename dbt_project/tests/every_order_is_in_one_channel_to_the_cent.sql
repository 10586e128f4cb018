-- Currencies in which the marts and the orders themselves disagree on orders, amounts or refunds.
with

observed as (
    select
        orders.*,
        row_number() over (
            partition by source, order_id
            order by collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from {{ ref('stg_orders') }} as orders
),

ordered as (
    select
        observed.currency,
        count(*) as order_count,
        sum(observed.amount) as gross_amount,
        sum(
            case
                when observed.refund_amount is not null then observed.refund_amount
                when observed.status = 'refunded' then observed.amount
                else 0
            end
        ) as refund_amount,
        count(
            case when observed.status = 'partially_refunded' and observed.refund_amount is null then 1 end
        ) as unknown_refund_count
    from observed
    cross join {{ ref('stg_config_settings') }} as settings
    where
        observed.recency_rank = 1
        and observed.status not in ('cancelled', 'test')
        and {{ local_date('observed.ordered_at') }} <= settings.through_date
    group by observed.currency
),

attributed as (
    select
        attribution_model,
        currency,
        sum(order_count) as order_count,
        sum(gross_amount) as gross_amount,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount
    from {{ ref('conversions') }}
    group by attribution_model, currency
)

select
    ordered.currency,
    attributed.attribution_model,
    ordered.order_count,
    attributed.order_count as attributed_order_count,
    ordered.gross_amount,
    attributed.gross_amount as attributed_gross_amount
from ordered
full outer join attributed on ordered.currency = attributed.currency
where
    ordered.order_count is distinct from attributed.order_count
    or ordered.gross_amount is distinct from attributed.gross_amount
    or (
        -- one refund of unknown size leaves out the known ones of its channel and day
        ordered.unknown_refund_count = 0
        and (
            ordered.refund_amount is distinct from attributed.refund_amount
            or ordered.gross_amount - ordered.refund_amount is distinct from attributed.net_amount
        )
    )
