-- One row per distinct text, as the text engine of `as_of` understood it.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_new_batches', 'on': ['batch_id'], 'each': 'batch_id'}}
) }}

select
    understood.text_hash,
    understood.sentiment,
    understood.mentions,
    understood.batch_id
from {{ understood() }} as understood
inner join {{ ref('int_new_batches') }} as new on understood.batch_id = new.batch_id
