-- One row per band that a text new to this build shares with another: its pairs are found anew.
select
    bands.band_key,
    min(bands.fingerprint) as first_fingerprint
from {{ ref('int_text_bands') }} as bands
left join {{ ref('int_new_batches') }} as new on bands.batch_id = new.batch_id
group by bands.band_key
having min(bands.fingerprint) < max(bands.fingerprint) and count(new.batch_id) > 0
