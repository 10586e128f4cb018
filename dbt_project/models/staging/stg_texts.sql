-- One row per distinct text, as the text engine of `as_of` understood it.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {'in': 'int_new_batches', 'on': ['batch_id'], 'each': 'batch_id'}}
) }}

select
    understood.text_hash,
    understood.script,
    understood.sentiment,
    understood.mentions,
    understood.noise,
    cast({{ item_count('understood.word_lengths') }} as bigint) as word_count,
    cast(understood.own_length as bigint) as own_length,
    understood.folded_text,
    understood.fingerprint,
    understood.bands,
    understood.sketch_low,
    understood.sketch_high,
    understood.batch_id
from {{ understood() }} as understood
inner join {{ ref('int_new_batches') }} as new on understood.batch_id = new.batch_id
