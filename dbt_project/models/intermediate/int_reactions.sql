-- One row per reaction: what one person did to one post, as last observed.
--
-- Where the platform hides who reacted, two reactions are two when their times differ.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_touched_posts', 'on': ['channel_id', 'post_id']}}
) }}

with

touched as (
    select channel_id, post_id from {{ ref('int_touched_posts') }}
),

channels as (
    select channel_id, source from {{ ref('stg_config_channels') }}
),

observed as (
    select
        reactions.*,
        row_number() over (
            partition by
                reactions.channel_id, reactions.post_id, reactions.kind, reactions.actor_key,
                case when reactions.actor_key is null then reactions.occurred_at end
            order by reactions.collected_at desc, reactions.segment_id desc, reactions.content_hash desc
        ) as recency_rank
    from {{ ref('stg_reactions') }} as reactions
    inner join touched
        on reactions.channel_id = touched.channel_id and reactions.post_id = touched.post_id
)

select
    channels.source,
    observed.channel_id,
    observed.post_id,
    observed.kind,
    observed.actor_key,
    observed.occurred_at,
    {{ local_date('observed.occurred_at') }} as reaction_date,
    observed.segment_id
from observed
inner join channels on observed.channel_id = channels.channel_id
where observed.recency_rank = 1
