-- One row per segment committed by `as_of`: the ledger. What has no row here does not exist.
{{ config(materialized='table') }} -- one small file, read by many models

select
    source,
    channel_id,
    segment_id,
    crawl_id,
    route,
    {{ utc('window_start_at') }} as window_start_at,
    {{ utc('window_end_at') }} as window_end_at,
    {{ utc('covered_start_at') }} as covered_start_at,
    {{ utc('covered_end_at') }} as covered_end_at,
    is_last,
    stop_reason,
    {{ utc('committed_at') }} as committed_at,
    is_new
from {{ configured('ledger') }}
