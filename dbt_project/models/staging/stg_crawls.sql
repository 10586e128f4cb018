-- One row per segment committed by `as_of`: the ledger. What has no row here does not exist.
{{ config(materialized='table') }} -- read by every other staging model

select
    landed.source,
    landed.channel_id,
    landed.segment_id,
    landed.crawl_id,
    landed.route,
    {{ utc('landed.window_start_at') }} as window_start_at,
    {{ utc('landed.window_end_at') }} as window_end_at,
    {{ utc('landed.covered_start_at') }} as covered_start_at,
    {{ utc('landed.covered_end_at') }} as covered_end_at,
    landed.is_last,
    landed.stop_reason,
    {{ utc('landed.committed_at') }} as committed_at
from {{ landed('crawls') }} as landed
inner join {{ ref('stg_build_segments') }} as segments on landed.segment_id = segments.segment_id
