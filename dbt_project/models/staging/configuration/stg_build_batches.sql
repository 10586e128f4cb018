-- One row per batch of understood texts that this build may read.
select
    batch_id,
    is_new
from {{ configured('batches') }}
