-- One row per brand, channel, attribution model, currency and day with orders.
{{ config(materialized='table') }} -- a sum over evidence that is itself kept up to date

with

orders as (
    select orders.*
    from {{ ref('int_orders_attributed') }} as orders
    cross join {{ ref('stg_config_settings') }} as settings
    where orders.order_date <= settings.through_date
),

summed as (
    select
        brand_id,
        channel_id,
        attribution_model,
        currency,
        order_date as conversion_date,
        count(*) as order_count,
        count(distinct buyer_key) as buyer_count,
        cast(sum(amount) as decimal(18, 2)) as gross_amount,
        -- with one refund of unknown size, the sum is unknown too
        case when count(refund_amount) = count(*) then cast(sum(refund_amount) as decimal(18, 2)) end
            as refund_amount,
        case
            when count(refund_amount) = count(*)
                then cast(sum(amount - refund_amount) as decimal(18, 2))
        end as net_amount
    from orders
    group by brand_id, channel_id, attribution_model, currency, order_date
),

coverage_by_day as (
    select coverage_date, {{ mean_of_shares('coverage_rate') }} as coverage_rate
    from {{ ref('coverage') }}
    group by coverage_date
)

select
    summed.*,
    case
        when summed.channel_id = '(unattributed)' then coverage_by_day.coverage_rate
        else coverage.coverage_rate
    end as coverage_rate,
    settings.definition_version
from summed
cross join {{ ref('stg_config_settings') }} as settings
left join {{ ref('coverage') }} as coverage
    on summed.channel_id = coverage.channel_id and summed.conversion_date = coverage.coverage_date
left join coverage_by_day on summed.conversion_date = coverage_by_day.coverage_date
