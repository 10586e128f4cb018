-- One row per brand, channel and day on which the brand was mentioned: the mood of voices.
{{ config(meta={'replaces': {
    'in': 'int_changes', 'scope': 'listening', 'on': ['channel_id'], 'from': 'sentiment_date'
}}) }}

with

days as (
    select channel_id, period_start_date as sentiment_date
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
),

posts as (
    select
        brand_id,
        channel_id,
        mention_date as sentiment_date,
        post_id,
        sentiment,
        count(case when reason is null then 1 end) > 0 as is_voice
    from {{ ref('int_mentions_weighed') }}
    group by brand_id, channel_id, mention_date, post_id, sentiment
),

counted as (
    select
        posts.brand_id,
        posts.channel_id,
        posts.sentiment_date,
        count(case when posts.is_voice then 1 end) as post_count,
        count(case when not posts.is_voice then 1 end) as left_out_post_count,
        count(case when posts.is_voice and posts.sentiment = 'positive' then 1 end) as positive_count,
        count(case when posts.is_voice and posts.sentiment = 'neutral' then 1 end) as neutral_count,
        count(case when posts.is_voice and posts.sentiment = 'negative' then 1 end) as negative_count,
        count(case when posts.is_voice and posts.sentiment = 'unknown' then 1 end) as unknown_count
    from posts
    inner join days
        on posts.channel_id = days.channel_id and posts.sentiment_date = days.sentiment_date
    group by posts.brand_id, posts.channel_id, posts.sentiment_date
)

select
    counted.*,
    cast(counted.positive_count - counted.negative_count as double)
    / nullif(counted.positive_count + counted.negative_count, 0) as net_sentiment_rate,
    coverage.coverage_rate,
    coverage.definition_version
from counted
inner join {{ ref('coverage') }} as coverage
    on counted.channel_id = coverage.channel_id and counted.sentiment_date = coverage.coverage_date
