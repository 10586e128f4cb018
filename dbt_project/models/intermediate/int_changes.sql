-- One row per scope and channel: the earliest day whose numbers this build computes anew.
--
-- `listening`: what a channel's posts, their noise, reactions, fan counts and covered windows feed,
-- by channel.
-- `shop`: what orders and visits feed, for all channels at once (`channel_id` is '(all)').
-- `conversion`: both, and the members who tie fans to customers, by channel.
with

build as (
    select * from {{ ref('int_build_scope') }}
),

new_segments as (
    select segment_id from {{ ref('int_new_segments') }}
),

channels as (
    select channel_id from {{ ref('stg_config_channels') }}
),

windows as (
    select
        windows.channel_id,
        windows.start_at,
        new_segments.segment_id is not null as is_new
    from {{ ref('int_windows') }} as windows
    left join new_segments on windows.segment_id = new_segments.segment_id
),

heard as (
    select channel_id, from_date
    from {{ ref('int_touched_posts') }}
    union all
    select channel_id, from_date
    from {{ ref('int_noise_changes') }}
    union all
    select channel_id, {{ local_date('observed_at') }} as from_date
    from {{ ref('stg_channels') }}
    where segment_id in (select segment_id from new_segments)
    union all
    select channel_id, {{ local_date('start_at') }} as from_date
    from windows
    where is_new
    union all
    -- with a first window, the coverage of all earlier days turns from unknown to known
    select channel_id, {{ beginning_of_time() }} as from_date
    from windows
    group by channel_id
    having count(*) = count(case when is_new then 1 end)
),

heard_by_channel as (
    select channel_id, min(from_date) as from_date
    from heard
    group by channel_id
),

sold as (
    select {{ local_date('every.ordered_at') }} as from_date
    from {{ ref('stg_orders') }} as every
    inner join {{ ref('stg_orders') }} as touched
        on every.source = touched.source and every.order_id = touched.order_id
    where touched.segment_id in (select segment_id from new_segments)
    union all
    select {{ local_date('every.occurred_at') }} as from_date
    from {{ ref('stg_visits') }} as every
    inner join {{ ref('stg_visits') }} as touched
        on every.source = touched.source and every.visit_id = touched.visit_id
    where touched.segment_id in (select segment_id from new_segments)
),

sold_at_all as (
    select min(from_date) as from_date from sold
),

members_at_all as (
    select case when count(*) > 0 then {{ beginning_of_time() }} end as from_date
    from {{ ref('stg_members') }}
    where segment_id in (select segment_id from new_segments)
),

changes as (
    select
        'listening' as scope,
        channels.channel_id,
        heard_by_channel.from_date
    from channels
    left join heard_by_channel on channels.channel_id = heard_by_channel.channel_id
    union all
    select
        'shop' as scope,
        '(all)' as channel_id,
        from_date
    from sold_at_all
    union all
    select
        'conversion' as scope,
        channels.channel_id,
        least(heard_by_channel.from_date, sold_at_all.from_date, members_at_all.from_date)
            as from_date
    from channels
    left join heard_by_channel on channels.channel_id = heard_by_channel.channel_id
    cross join sold_at_all
    cross join members_at_all
)

select
    changes.scope,
    changes.channel_id,
    case
        when build.is_full then {{ beginning_of_time() }}
        -- days that were still open when the last build looked
        else least(changes.from_date, {{ days_later('build.previous_through_date', 1) }})
    end as from_date
from changes
cross join build
