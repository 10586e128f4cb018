-- One row per kind of touch ever seen, with the channel that the first fitting rule gives it.
with

touches as (
    select utm_source, utm_medium, utm_campaign, referrer_host from {{ ref('stg_visits') }}
    union
    select utm_source, utm_medium, utm_campaign, referrer_host from {{ ref('stg_orders') }}
),

fitting as (
    select
        touches.*,
        rules.channel_id,
        row_number() over (
            partition by
                touches.utm_source, touches.utm_medium, touches.utm_campaign, touches.referrer_host
            order by rules.rule_order
        ) as rule_rank
    from touches
    inner join {{ ref('stg_config_utm_rules') }} as rules
        on (rules.utm_source is null or rules.utm_source = touches.utm_source)
        and (rules.utm_medium is null or rules.utm_medium = touches.utm_medium)
        and (rules.utm_campaign is null or rules.utm_campaign = touches.utm_campaign)
        and (
            rules.referrer_host is null
            or rules.referrer_host = touches.referrer_host
            or right(touches.referrer_host, length(rules.referrer_host) + 1)
            = '.' || rules.referrer_host
        )
)

select utm_source, utm_medium, utm_campaign, referrer_host, channel_id
from fitting
where rule_rank = 1
