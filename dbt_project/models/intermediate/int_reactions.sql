-- One row per reaction: what one person did to one post, as last observed.
--
-- Where the platform hides who reacted, two reactions are two when their times differ.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_touched_posts', 'on': ['channel_id', 'post_id'], 'month_of': 'reaction_date'
    }}
) }}

with

touched as (
    {{ observed_of_touched_posts('stg_reactions') }}
),

observed as (
    select
        touched.*,
        row_number() over (
            partition by
                channel_id, post_id, kind, actor_key,
                case when actor_key is null then occurred_at end
            order by collected_at desc, segment_id desc, content_hash desc
        ) as recency_rank
    from touched
)

select
    channel_source as source,
    channel_id,
    post_id,
    kind,
    actor_key,
    occurred_at,
    {{ local_date('occurred_at') }} as reaction_date,
    segment_id
from observed
where recency_rank = 1
