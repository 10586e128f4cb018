-- One row per text and band: texts that share one may be near-copies, others hardly are.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_new_batches', 'on': ['batch_id'], 'each': 'batch_id'}}
) }}

select
    texts.fingerprint,
    cast(band.place as bigint) * 4294967296 + band.item as band_key,
    texts.batch_id
from {{ ref('stg_texts') }} as texts
inner join {{ ref('int_new_batches') }} as new on texts.batch_id = new.batch_id
{{ each_placed('texts.bands', 'band') }}
