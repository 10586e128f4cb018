-- One row per observation of a post, comment, push or repost.
{{ kept_by_segment() }}

select
    landed.source,
    landed.channel_id,
    landed.post_id,
    landed.kind,
    landed.parent_id,
    landed.root_id,
    landed.author_key,
    landed.text_hash,
    landed.url,
    {{ utc('landed.published_at') }} as published_at,
    landed.published_precision,
    landed.is_deleted,
    {{ utc('landed.collected_at') }} as collected_at,
    landed.segment_id,
    landed.content_hash
from {{ landed('posts') }} as landed
where
    {{ is_read_now('posts', 'landed.post_id') }}
