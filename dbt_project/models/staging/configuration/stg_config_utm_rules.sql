-- One row per rule that says which channel a touch came from.
select
    cast(rule_order as bigint) as rule_order,
    channel_id,
    {{ folded('utm_source') }} as utm_source,
    {{ folded('utm_medium') }} as utm_medium,
    {{ folded('utm_campaign') }} as utm_campaign,
    {{ folded('referrer_host') }} as referrer_host
from {{ configured('utm_rules') }}
