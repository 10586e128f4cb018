-- One row per post to look at anew, with the earliest day on which any version of it put an act.
with

new_segments as (
    select segment_id from {{ ref('int_new_segments') }}
),

build as (
    select is_full from {{ ref('int_build_scope') }}
),

new_texts as (
    select texts.text_hash
    from {{ ref('stg_texts') }} as texts
    inner join {{ ref('stg_build_batches') }} as batches on texts.batch_id = batches.batch_id
    where batches.is_new
),

observed as (
    select
        channel_id,
        post_id,
        text_hash,
        segment_id,
        coalesce(published_at, collected_at) as observed_at
    from {{ ref('stg_posts') }}
    union all
    select
        channel_id,
        post_id,
        cast(null as string) as text_hash,
        segment_id,
        coalesce(occurred_at, collected_at) as observed_at
    from {{ ref('stg_reactions') }}
),

touched as (
    select distinct observed.channel_id, observed.post_id
    from observed
    where
        exists (select 1 from build where build.is_full)
        or exists (select 1 from new_segments where new_segments.segment_id = observed.segment_id)
        or exists (select 1 from new_texts where new_texts.text_hash = observed.text_hash)
)

select
    observed.channel_id,
    observed.post_id,
    min({{ local_date('observed.observed_at') }}) as from_date
from observed
inner join touched
    on observed.channel_id = touched.channel_id and observed.post_id = touched.post_id
group by observed.channel_id, observed.post_id
