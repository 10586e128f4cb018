-- One row per batch of understood texts that is new to this build.
select batches.batch_id
from {{ ref('stg_build_batches') }} as batches
cross join {{ ref('int_build_scope') }} as build
where build.is_full or batches.is_new
