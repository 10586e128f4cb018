-- One row per distinct text, as the text engine of `as_of` understood it.
select
    understood.text_hash,
    understood.sentiment,
    understood.mentions,
    understood.batch_id
from {{ understood() }} as understood
inner join {{ ref('stg_build_batches') }} as batches on understood.batch_id = batches.batch_id
