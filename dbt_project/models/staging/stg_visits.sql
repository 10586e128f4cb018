-- One row per observation of a visit to the shop's site.
{{ kept_by_segment() }}

select
    landed.source,
    landed.visit_id,
    landed.visitor_key,
    {{ utc('landed.occurred_at') }} as occurred_at,
    {{ folded('landed.utm_source') }} as utm_source,
    {{ folded('landed.utm_medium') }} as utm_medium,
    {{ folded('landed.utm_campaign') }} as utm_campaign,
    {{ url_host('landed.referrer') }} as referrer_host,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('visits') }} as landed
where
    {{ is_read_now('visits', 'landed.visit_id') }}
