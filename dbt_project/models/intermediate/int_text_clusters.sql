-- One row per text that other posts repeat, word for word or nearly: its cluster, and who was first.
--
-- A text without copies has no row. Each text goes with the least fingerprint among those that it is
-- alike to, and that one's least: a chain of small changes ends there and does not join everything.
with

pairs as (
    select fingerprint, other_fingerprint from {{ ref('int_text_pairs') }}
    union
    select other_fingerprint as fingerprint, fingerprint as other_fingerprint
    from {{ ref('int_text_pairs') }}
),

near as (
    select fingerprint, least(fingerprint, min(other_fingerprint)) as cluster_id
    from pairs
    group by fingerprint
),

clustered as (
    select near.fingerprint, least(near.cluster_id, beyond.cluster_id) as cluster_id
    from near
    inner join near as beyond on near.cluster_id = beyond.fingerprint
),

posts as (
    select
        texts.text_hash,
        texts.fingerprint,
        coalesce(clustered.cluster_id, texts.fingerprint) as cluster_id,
        posts.channel_id,
        posts.post_id,
        posts.published_at
    from {{ ref('stg_texts') }} as texts
    inner join {{ ref('int_posts') }} as posts on texts.text_hash = posts.text_hash
    left join clustered on texts.fingerprint = clustered.fingerprint
    where texts.fingerprint is not null
),

clusters as (
    select
        cluster_id,
        count(*) as post_count,
        count(distinct fingerprint) as version_count
    from posts
    group by cluster_id
    having count(*) > 1
),

ranked as (
    select
        posts.*,
        clusters.post_count,
        clusters.version_count,
        row_number() over (
            partition by posts.cluster_id
            order by posts.published_at nulls last, posts.channel_id, posts.post_id
        ) as place
    from posts
    inner join clusters on posts.cluster_id = clusters.cluster_id
),

firsts as (
    select cluster_id, fingerprint, channel_id, post_id, published_at
    from ranked
    where place = 1
)

select distinct
    ranked.text_hash,
    ranked.cluster_id,
    ranked.post_count,
    ranked.version_count,
    ranked.fingerprint = firsts.fingerprint as is_exact,
    firsts.channel_id as first_channel_id,
    firsts.post_id as first_post_id,
    firsts.published_at as first_published_at
from ranked
inner join firsts on ranked.cluster_id = firsts.cluster_id
