-- One row per observation of an act without text of its own.
{{ kept_by_segment() }}

select
    landed.source,
    landed.channel_id,
    landed.post_id,
    landed.actor_key,
    landed.kind,
    {{ utc('landed.occurred_at') }} as occurred_at,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('reactions') }} as landed
where
    {{ is_read_now('reactions', 'landed.post_id') }}
