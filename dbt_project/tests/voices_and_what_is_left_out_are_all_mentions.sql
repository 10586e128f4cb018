-- Brands and channels whose voices, noise and quotations are not all mentions of closed days, or whose
-- noise and quotations are not what is left out by reason.
with

counted as (
    select
        brand_id,
        channel_id,
        sum(mention_count + noise_mention_count + quoted_mention_count) as mention_count,
        sum(noise_mention_count + quoted_mention_count) as left_out_count,
        sum(post_count + left_out_post_count) as post_count
    from {{ ref('mentions') }}
    group by brand_id, channel_id
),

left_out as (
    select brand_id, channel_id, sum(mention_count) as left_out_count
    from {{ ref('left_out_mentions') }}
    group by brand_id, channel_id
),

mentioned as (
    select
        mentions.brand_id,
        mentions.channel_id,
        count(*) as mention_count,
        count(distinct mentions.post_id) as post_count
    from {{ ref('int_mentions') }} as mentions
    cross join {{ ref('stg_config_settings') }} as settings
    where mentions.mention_date <= settings.through_date
    group by mentions.brand_id, mentions.channel_id
)

select
    coalesce(counted.brand_id, mentioned.brand_id) as brand_id,
    coalesce(counted.channel_id, mentioned.channel_id) as channel_id,
    counted.mention_count,
    mentioned.mention_count as mention_count_in_mentions
from counted
full outer join mentioned
    on counted.brand_id = mentioned.brand_id and counted.channel_id = mentioned.channel_id
left join left_out
    on counted.brand_id = left_out.brand_id and counted.channel_id = left_out.channel_id
where
    counted.mention_count is distinct from mentioned.mention_count
    or counted.post_count is distinct from mentioned.post_count
    or counted.left_out_count <> coalesce(left_out.left_out_count, 0) -- no row: nothing left out
