-- One row per segment that is new to this build; every one when it starts from nothing.
select ledger.segment_id
from {{ ref('stg_crawls') }} as ledger
cross join {{ ref('int_build_scope') }} as build
where build.is_full or ledger.is_new
