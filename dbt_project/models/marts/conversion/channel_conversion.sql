-- One row per channel and month: how many of its active fans are known to have bought.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'conversion', 'on': ['channel_id'], 'from': 'period_end_date'
}}) }}

with

months as (
    select activity.*
    from {{ ref('channel_activity') }} as activity
    inner join {{ ref('int_changes') }} as changes
        on activity.channel_id = changes.channel_id
        and activity.period_end_date >= changes.from_date
    where activity.period_type = 'month' and changes.scope = 'conversion'
),

handles as (
    select source, member_key, handle_source, handle_key from {{ ref('int_member_handles') }}
),

settings as (
    select through_date from {{ ref('stg_config_settings') }}
),

orders as (
    select
        orders.*,
        {{ month_start('orders.order_date') }} as period_start_date
    from {{ ref('int_orders_attributed') }} as orders
    inner join settings on orders.order_date <= settings.through_date
),

visits as (
    select
        visits.*,
        {{ month_start('visits.visit_date') }} as period_start_date
    from {{ ref('int_visits_channelled') }} as visits
    inner join settings on visits.visit_date <= settings.through_date
),

-- where no member names a handle, nobody can be told to be a member: that is not "none of them is"
named_sources as (
    select distinct handle_source as source from handles
),

-- before its first file, a shop or an analytics account is unknown, not empty
first_months as (
    select
        (select min(period_start_date) from orders) as first_order_month,
        (
            select min(orders.period_start_date)
            from orders
            inner join named_sources on orders.source = named_sources.source
        ) as first_buyer_month,
        (select min(period_start_date) from visits) as first_visit_month
),

identified as (
    select
        fans.channel_id,
        fans.period_start_date,
        fans.author_key,
        handles.source as member_source,
        handles.member_key
    from {{ ref('int_fan_months') }} as fans
    inner join handles
        on fans.source = handles.handle_source and fans.author_key = handles.handle_key
),

buyers as (
    select
        identified.channel_id,
        identified.period_start_date,
        count(distinct identified.author_key) as identified_fan_count,
        count(distinct case when orders.order_id is not null then identified.author_key end)
            as buyer_count
    from identified
    left join handles
        on identified.member_source = handles.source
        and identified.member_key = handles.member_key
    left join orders
        on handles.handle_source = orders.source
        and handles.handle_key = orders.customer_key
        and identified.period_start_date = orders.period_start_date
    group by identified.channel_id, identified.period_start_date
),

visited as (
    select
        channel_id,
        period_start_date,
        count(*) as visit_count,
        count(distinct visitor_key) as visitor_count
    from visits
    group by channel_id, period_start_date
),

ordered as (
    select channel_id, period_start_date, count(*) as order_count
    from orders
    group by channel_id, period_start_date
),

counted as (
    select
        months.channel_id,
        months.period_start_date,
        months.period_type,
        months.period_end_date,
        months.is_complete_period,
        months.active_fan_count,
        case
            when months.active_fan_count is not null and named_sources.source is not null
                then coalesce(buyers.identified_fan_count, 0) -- identified by us: absent is 0
        end as identified_fan_count,
        case
            when
                months.active_fan_count is not null
                and named_sources.source is not null
                and months.period_start_date >= first_months.first_buyer_month
                then coalesce(buyers.buyer_count, 0) -- the shop was known: absent is 0
        end as buyer_count,
        case
            when months.period_start_date >= first_months.first_visit_month
                then coalesce(visited.visit_count, 0) -- visits were known: absent is 0
        end as visit_count,
        case
            when months.period_start_date >= first_months.first_visit_month
                then coalesce(visited.visitor_count, 0) -- as above
        end as visitor_count,
        case
            when months.period_start_date >= first_months.first_order_month
                then coalesce(ordered.order_count, 0) -- the shop was known: absent is 0
        end as order_count,
        months.coverage_rate,
        months.definition_version
    from months
    cross join first_months
    left join named_sources on months.source = named_sources.source
    left join buyers
        on months.channel_id = buyers.channel_id
        and months.period_start_date = buyers.period_start_date
    left join visited
        on months.channel_id = visited.channel_id
        and months.period_start_date = visited.period_start_date
    left join ordered
        on months.channel_id = ordered.channel_id
        and months.period_start_date = ordered.period_start_date
)

select
    channel_id,
    period_start_date,
    period_type,
    period_end_date,
    is_complete_period,
    active_fan_count,
    identified_fan_count,
    buyer_count,
    cast(identified_fan_count as double) / nullif(active_fan_count, 0) as identified_rate,
    cast(buyer_count as double) / nullif(active_fan_count, 0) as conversion_rate,
    cast(buyer_count + active_fan_count - identified_fan_count as double)
    / nullif(active_fan_count, 0) as conversion_rate_hi,
    visit_count,
    visitor_count,
    order_count,
    coverage_rate,
    definition_version
from counted
