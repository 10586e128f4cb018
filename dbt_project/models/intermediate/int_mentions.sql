-- One row per mention of a configured brand in a post. Evidence for every number about mentions.
--
-- Posts of a channel's own official accounts are left out: a brand that talks of itself is no voice.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_touched_posts', 'on': ['channel_id', 'post_id'], 'month_of': 'mention_date'
    }}
) }}

with

touched as (
    select channel_id, post_id from {{ ref('int_touched_posts') }}
),

brands as (
    select brand_id from {{ ref('stg_config_brands') }}
),

official_accounts as (
    select distinct channel_id, author_key from {{ ref('stg_config_official_accounts') }}
),

texts as (
    select text_hash, sentiment from {{ ref('stg_texts') }}
),

posts as (
    select posts.*
    from {{ ref('int_posts') }} as posts
    inner join touched
        on posts.channel_id = touched.channel_id and posts.post_id = touched.post_id
    left join official_accounts
        on posts.channel_id = official_accounts.channel_id
        and posts.author_key = official_accounts.author_key
    where official_accounts.author_key is null
)

select
    mentions.brand_id,
    posts.channel_id,
    posts.post_id,
    posts.post_date as mention_date,
    mentions.span_start,
    mentions.span_end,
    mentions.alias,
    mentions.is_quoted,
    posts.author_key,
    coalesce(texts.sentiment, 'unknown') as sentiment,
    posts.segment_id
from posts
inner join {{ ref('stg_mentions') }} as mentions on posts.text_hash = mentions.text_hash
inner join texts on posts.text_hash = texts.text_hash
inner join brands on mentions.brand_id = brands.brand_id
