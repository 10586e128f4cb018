-- One row per observation of what one day of advertising cost.
{{ kept_by_segment() }}

select
    landed.source,
    landed.spend_id,
    landed.spend_date,
    landed.level,
    {{ folded('landed.platform') }} as platform,
    landed.account_id,
    landed.campaign_id,
    landed.campaign_name,
    landed.ad_group_id,
    landed.ad_group_name,
    landed.ad_id,
    landed.ad_name,
    landed.brand_id,
    {{ folded('landed.utm_source') }} as utm_source,
    {{ folded('landed.utm_medium') }} as utm_medium,
    {{ folded('landed.utm_campaign') }} as utm_campaign,
    {{ folded('landed.utm_content') }} as utm_content,
    {{ folded('landed.utm_term') }} as utm_term,
    -- to the cent, row by row, so that every sum over rows adds up
    cast(landed.spend_amount as decimal(18, 2)) as spend_amount,
    landed.currency,
    landed.impression_count,
    landed.click_count,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('spend') }} as landed
where
    {{ is_read_now('spend', 'landed.spend_id') }}
