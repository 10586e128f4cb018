-- One row per band and pair of different texts in it that are alike: near-copies of each other.
--
-- A text is what it says, by fingerprint; exact copies are one. In each band a text is held against
-- the first and the one before it, so a band of thousands costs no more than its length. Alike are
-- texts with half of their shingles in common, or when one holds nearly all of the other's.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_touched_bands', 'on': ['band_key'], 'each': 'cast(band_key % 64 as string)'
    }}
) }}

with

bands as (
    select distinct bands.band_key, bands.fingerprint, touched.first_fingerprint
    from {{ ref('int_text_bands') }} as bands
    inner join {{ ref('int_touched_bands') }} as touched on bands.band_key = touched.band_key
),

members as (
    select
        band_key,
        fingerprint,
        first_fingerprint,
        lag(fingerprint) over (
            partition by band_key order by fingerprint
        ) as previous_fingerprint
    from bands
),

candidates as (
    select band_key, fingerprint, first_fingerprint as other_fingerprint
    from members
    where previous_fingerprint is not null
    union all
    select band_key, fingerprint, previous_fingerprint as other_fingerprint
    from members
    where previous_fingerprint <> first_fingerprint
),

-- Copies have the same shingles, so any of them has the same sketch.
sketches as (
    select distinct fingerprint, sketch_low as low, sketch_high as high
    from {{ ref('stg_texts') }}
    where fingerprint is not null
),

sketched as (
    select
        pairs.fingerprint,
        pairs.other_fingerprint,
        cast(bit_count(one.low & other.low) as bigint)
        + bit_count(one.high & other.high) as shared_count,
        cast(bit_count(one.low) as bigint) + bit_count(one.high) as one_count,
        cast(bit_count(other.low) as bigint) + bit_count(other.high) as other_count
    from (select distinct fingerprint, other_fingerprint from candidates) as pairs
    inner join sketches as one on pairs.fingerprint = one.fingerprint
    inner join sketches as other on pairs.other_fingerprint = other.fingerprint
),

likely as (
    select fingerprint, other_fingerprint
    from sketched
    where {{ are_alike() }}
),

-- One text for each fingerprint, the same one whenever it is asked for.
texts as (
    select understood.fingerprint, min(understood.folded_text) as folded_text
    from {{ ref('stg_texts') }} as understood
    inner join (
        select fingerprint from likely
        union
        select other_fingerprint as fingerprint from likely
    ) as wanted on understood.fingerprint = wanted.fingerprint
    group by understood.fingerprint
),

spoken as (
    select fingerprint, {{ said('folded_text') }} as said_text
    from texts
),

shingled as (
    select fingerprint, {{ shingles('said_text') }} as shingles
    from spoken
),

compared as (
    select
        likely.fingerprint,
        likely.other_fingerprint,
        {{ shared_count('one.shingles', 'other.shingles') }} as shared_count,
        {{ item_count('one.shingles') }} as one_count,
        {{ item_count('other.shingles') }} as other_count
    from likely
    inner join shingled as one on likely.fingerprint = one.fingerprint
    inner join shingled as other on likely.other_fingerprint = other.fingerprint
),

alike as (
    select fingerprint, other_fingerprint
    from compared
    where {{ are_alike() }}
)

select
    candidates.band_key,
    candidates.fingerprint,
    candidates.other_fingerprint
from candidates
inner join alike
    on candidates.fingerprint = alike.fingerprint
    and candidates.other_fingerprint = alike.other_fingerprint
