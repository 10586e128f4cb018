-- One row per post that is noise as of now: the first configured rule that tells it so.
--
-- A text tells by its score. Of posts that say the same, word for word or nearly, the first one
-- counts and the others are copies, once they are many and say too much to be alike by chance.
with

rules as (
    select * from {{ ref('stg_config_noise_rules') }}
),

posts as (
    select channel_id, post_id, text_hash, published_at from {{ ref('int_posts') }}
),

texts as (
    select text_hash, noise, own_length, fingerprint from {{ ref('stg_texts') }}
),

told as (
    select
        texts.text_hash,
        sign.item.rule as rule,
        sign.item.score as score
    from texts
    {{ each_of('texts.noise', 'sign') }}
),

-- scores are single precision: 0.95 there is a little less than 0.95 here
noisy as (
    select told.text_hash, rules.rule, rules.reason, rules.rule_order
    from told
    inner join rules on told.rule = rules.rule
    where cast(told.score as decimal(4, 3)) >= cast(rules.least_score as decimal(4, 3))
),

repeated as (
    select
        posts.channel_id,
        posts.post_id,
        texts.own_length,
        count(*) over (partition by texts.fingerprint) as post_count,
        row_number() over (
            partition by texts.fingerprint
            order by posts.published_at nulls last, posts.channel_id, posts.post_id
        ) as place
    from posts
    inner join texts on posts.text_hash = texts.text_hash
    where texts.fingerprint is not null
),

alike as (
    select
        posts.channel_id,
        posts.post_id,
        texts.own_length,
        clusters.post_count,
        clusters.first_channel_id = posts.channel_id
        and clusters.first_post_id = posts.post_id as is_first
    from posts
    inner join texts on posts.text_hash = texts.text_hash
    inner join {{ ref('int_text_clusters') }} as clusters on posts.text_hash = clusters.text_hash
),

copied as (
    select 'copy' as rule, channel_id, post_id, post_count, own_length
    from repeated
    where place > 1
    union all
    select 'near_copy' as rule, channel_id, post_id, post_count, own_length
    from alike
    where not is_first
),

noise as (
    select posts.channel_id, posts.post_id, noisy.rule, noisy.reason, noisy.rule_order
    from posts
    inner join noisy on posts.text_hash = noisy.text_hash
    union all
    select copied.channel_id, copied.post_id, rules.rule, rules.reason, rules.rule_order
    from copied
    inner join rules
        on copied.rule = rules.rule
        and copied.post_count >= rules.least_post_count
        and copied.own_length >= rules.least_length
),

ranked as (
    select
        noise.*,
        row_number() over (partition by channel_id, post_id order by rule_order) as place
    from noise
)

select channel_id, post_id, reason, rule
from ranked
where place = 1
