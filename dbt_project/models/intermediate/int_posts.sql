-- One row per post: its latest observation, its first known author, its last known time.
--
-- A tombstone says only that the post is gone: what was seen before stays. A post that was never
-- seen but as a tombstone has no row.
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
        posts.*,
        row_number() over (
            partition by posts.channel_id, posts.post_id
            order by posts.is_deleted, posts.collected_at desc, posts.segment_id desc, posts.content_hash desc
        ) as content_rank,
        row_number() over (
            partition by posts.channel_id, posts.post_id
            order by posts.collected_at desc, posts.segment_id desc, posts.content_hash desc
        ) as recency_rank,
        row_number() over (
            partition by posts.channel_id, posts.post_id
            order by
                case when posts.author_key is null then 1 else 0 end,
                posts.collected_at, posts.segment_id, posts.content_hash
        ) as author_rank,
        row_number() over (
            partition by posts.channel_id, posts.post_id
            order by
                case when posts.published_at is null then 1 else 0 end,
                posts.collected_at desc, posts.segment_id desc, posts.content_hash desc
        ) as time_rank
    from {{ ref('stg_posts') }} as posts
    inner join touched
        on posts.channel_id = touched.channel_id and posts.post_id = touched.post_id
),

posts as (
    select
        channel_id,
        post_id,
        max(case when content_rank = 1 then kind end) as kind,
        max(case when content_rank = 1 then parent_id end) as parent_id,
        max(case when content_rank = 1 then root_id end) as root_id,
        max(case when content_rank = 1 then text_hash end) as text_hash,
        max(case when content_rank = 1 then url end) as url,
        max(case when content_rank = 1 then segment_id end) as segment_id,
        max(case when author_rank = 1 then author_key end) as author_key,
        max(case when time_rank = 1 then published_at end) as published_at,
        max(case when time_rank = 1 then published_precision end) as published_precision,
        max(case when recency_rank = 1 and is_deleted then 1 else 0 end) = 1 as is_deleted,
        min(collected_at) as first_seen_at
    from observed
    group by channel_id, post_id
    having count(case when not is_deleted then 1 end) > 0
)

select
    channels.source,
    posts.*,
    {{ local_date('posts.published_at') }} as post_date,
    {{ local_date('posts.first_seen_at') }} as first_seen_date
from posts
inner join channels on posts.channel_id = channels.channel_id
