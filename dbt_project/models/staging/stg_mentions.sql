-- One row per mention of a brand in a text; spans count code points of the text as written.
with

texts as (
    select text_hash, mentions from {{ ref('stg_texts') }}
)

select
    texts.text_hash,
    mention.item.brand_id as brand_id,
    mention.item.product_id as product_id,
    mention.item.alias as alias,
    mention.item.rule as rule,
    mention.item.is_quoted as is_quoted,
    cast(mention.item.start as bigint) as span_start,
    cast(mention.item.end as bigint) as span_end
from texts
{{ each_of('texts.mentions', 'mention') }}
