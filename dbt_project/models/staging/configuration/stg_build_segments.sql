-- One row per segment that this build may read: those committed by `as_of`.
select
    segment_id,
    is_new
from {{ configured('segments') }}
