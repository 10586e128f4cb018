-- One row per landed row that a gate refused by `as_of`.
{{ config(materialized='table') }} -- read by every other staging model

select distinct
    landed.table_name,
    landed.of_segment_id,
    landed.record_id,
    coalesce(landed.of_content_hash, '*') as of_content_hash
from {{ landed('quarantine') }} as landed
where
    landed.of_segment_id is not null
    and landed.record_id is not null
    and exists (
        select 1 from {{ ref('stg_crawls') }} as ledger
        where ledger.segment_id = landed.segment_id
    )
