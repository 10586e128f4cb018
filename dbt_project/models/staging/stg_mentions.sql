-- One row per mention of a brand in a text; spans count code points of the text as written.
with

texts as (
    select text_hash, mentions from {{ ref('stg_texts') }}
)

select
    texts.text_hash,
    mention.item.brand_id as brand_id,
    mention.item.alias as alias,
    cast(mention.item.start as bigint) as span_start,
    cast(mention.item.end as bigint) as span_end
from texts
{{ each_of('texts.mentions', 'mention') }}
