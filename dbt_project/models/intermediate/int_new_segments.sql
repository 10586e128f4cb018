-- One row per segment that is new to this build; every one when it starts from nothing.
select segments.segment_id
from {{ ref('stg_build_segments') }} as segments
cross join {{ ref('int_build_scope') }} as build
where build.is_full or segments.is_new
