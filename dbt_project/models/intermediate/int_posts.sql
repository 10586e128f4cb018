-- One row per post: its latest observation, its first known author, its last known time.
--
-- A tombstone says only that the post is gone: what was seen before stays. A post that was never
-- seen but as a tombstone has no row.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_touched_posts', 'on': ['channel_id', 'post_id'], 'month_of': 'post_date'
    }}
) }}

with

touched as (
    {{ observed_of_touched_posts('stg_posts') }}
),

observed as (
    select
        touched.*,
        row_number() over (
            partition by channel_id, post_id
            order by collected_at, segment_id, content_hash
        ) as turn
    from touched
),

turns as (
    select
        channel_id,
        post_id,
        max(turn) as last_turn,
        max(case when not is_deleted then turn end) as content_turn,
        min(case when author_key is not null then turn end) as author_turn,
        max(case when published_at is not null then turn end) as time_turn,
        min(collected_at) as first_seen_at
    from observed
    group by channel_id, post_id
),

posts as (
    select
        content.channel_source as source,
        content.channel_id,
        content.post_id,
        content.kind,
        content.parent_id,
        content.root_id,
        content.text_hash,
        content.url,
        content.segment_id,
        author.author_key,
        timed.published_at,
        timed.published_precision,
        turns.content_turn < turns.last_turn as is_deleted,
        turns.first_seen_at
    from turns
    inner join observed as content
        on turns.channel_id = content.channel_id
        and turns.post_id = content.post_id
        and turns.content_turn = content.turn
    left join observed as author
        on turns.channel_id = author.channel_id
        and turns.post_id = author.post_id
        and turns.author_turn = author.turn
    left join observed as timed
        on turns.channel_id = timed.channel_id
        and turns.post_id = timed.post_id
        and turns.time_turn = timed.turn
)

select
    posts.*,
    {{ local_date('posts.published_at') }} as post_date,
    {{ local_date('posts.first_seen_at') }} as first_seen_date
from posts
