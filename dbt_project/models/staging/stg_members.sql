-- One row per observation of a member of the CRM.
{{ kept_by_segment() }}

select
    landed.source,
    landed.member_key,
    {{ utc('landed.observed_at') }} as observed_at,
    landed.handles,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('members') }} as landed
where
    {{ is_read_now('members', 'landed.member_key') }}
