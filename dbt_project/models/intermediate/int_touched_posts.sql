-- One row per post to look at anew, with the earliest day on which any version of it put an act.
with

new_segments as (
    select segment_id from {{ ref('int_new_segments') }}
),

new_texts as (
    select texts.text_hash
    from {{ ref('stg_texts') }} as texts
    inner join {{ ref('int_new_batches') }} as batches on texts.batch_id = batches.batch_id
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

posts as (
    select
        observed.channel_id,
        observed.post_id,
        min(observed.observed_at) as observed_at
    from observed
    left join new_segments on observed.segment_id = new_segments.segment_id
    left join new_texts on observed.text_hash = new_texts.text_hash
    group by observed.channel_id, observed.post_id
    having count(new_segments.segment_id) > 0 or count(new_texts.text_hash) > 0
)

select
    channel_id,
    post_id,
    -- an hour earlier, for where clocks go back over midnight
    {{ local_date("(observed_at - interval '1' hour)") }} as from_date
from posts
