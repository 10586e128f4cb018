-- One row per observation of a channel's audience.
{{ kept_by_segment() }}

select
    landed.source,
    landed.channel_id,
    {{ utc('landed.observed_at') }} as observed_at,
    landed.fan_count,
    landed.fan_count_how,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('channels') }} as landed
where
    {{ is_read_now('channels', 'landed.channel_id') }}
