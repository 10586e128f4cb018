-- One row per member and handle: who the same person is elsewhere, as last exported.
with

observed as (
    select
        source,
        member_key,
        handles,
        row_number() over (
            partition by source, member_key
            order by observed_at desc, collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from {{ ref('stg_members') }}
),

latest as (
    select source, member_key, handles from observed where recency_rank = 1
)

select distinct
    latest.source,
    latest.member_key,
    handle.item.source as handle_source,
    handle.item.key as handle_key
from latest
{{ each_of('latest.handles', 'handle') }}
