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

said as (
    select 'copy' as rule, text_hash, own_length, fingerprint as wording
    from texts
    where fingerprint is not null
    union all
    select 'near_copy' as rule, texts.text_hash, texts.own_length, clusters.cluster_id as wording
    from texts
    inner join {{ ref('int_text_clusters') }} as clusters on texts.text_hash = clusters.text_hash
),

repeated as (
    select
        posts.channel_id,
        posts.post_id,
        rules.rule,
        rules.reason,
        rules.rule_order,
        rules.least_post_count,
        count(*) over (partition by said.rule, said.wording) as post_count,
        row_number() over (
            partition by said.rule, said.wording
            order by posts.published_at nulls last, posts.channel_id, posts.post_id
        ) as place
    from said
    inner join rules on said.rule = rules.rule and said.own_length >= rules.least_length
    inner join posts on said.text_hash = posts.text_hash
),

noise as (
    select posts.channel_id, posts.post_id, noisy.rule, noisy.reason, noisy.rule_order
    from posts
    inner join noisy on posts.text_hash = noisy.text_hash
    union all
    select channel_id, post_id, rule, reason, rule_order
    from repeated
    where place > 1 and post_count >= least_post_count
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
