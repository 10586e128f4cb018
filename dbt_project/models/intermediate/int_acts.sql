-- One row per act: a post of any kind, or a reaction. Evidence for every number about fans.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_touched_posts', 'on': ['channel_id', 'post_id'], 'month_of': 'act_date'
    }}
) }}

with

touched as (
    select channel_id, post_id from {{ ref('int_touched_posts') }}
),

official_accounts as (
    select distinct channel_id, author_key from {{ ref('stg_config_official_accounts') }}
),

acts as (
    select
        channel_id,
        source,
        'post:' || channel_id || ':' || post_id as act_key,
        post_id,
        author_key,
        published_at as acted_at,
        post_date as act_date,
        case
            when kind in ('article', 'post', 'thread', 'repost') then 'post'
            when kind in ('comment', 'push') then 'comment'
        end as act_kind,
        kind,
        segment_id
    from {{ ref('int_posts') }}
    union all
    select
        channel_id,
        source,
        'reaction:' || channel_id || ':' || post_id || ':' || kind || ':' || coalesce(
            actor_key, cast(occurred_at as string), '?'
        ) as act_key,
        post_id,
        actor_key as author_key,
        occurred_at as acted_at,
        reaction_date as act_date,
        'reaction' as act_kind,
        kind,
        segment_id
    from {{ ref('int_reactions') }}
)

select
    acts.channel_id,
    acts.source,
    acts.act_key,
    acts.post_id,
    acts.author_key,
    acts.acted_at,
    acts.act_date,
    acts.act_kind,
    acts.kind,
    official_accounts.author_key is not null as is_official,
    acts.author_key is not null and official_accounts.author_key is null as is_eligible,
    acts.segment_id
from acts
inner join touched on acts.channel_id = touched.channel_id and acts.post_id = touched.post_id
left join official_accounts
    on acts.channel_id = official_accounts.channel_id
    and acts.author_key = official_accounts.author_key
