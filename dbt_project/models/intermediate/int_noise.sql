-- One row per post that is noise and no voice, with the reason why. The posts themselves stay.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    meta={'replaces': {
        'in': 'int_noise_changes', 'on': ['channel_id', 'post_id'], 'each': 'channel_id'
    }}
) }}

select found.channel_id, found.post_id, found.reason, found.rule
from {{ ref('int_noise_found') }} as found
inner join {{ ref('int_noise_changes') }} as changes
    on found.channel_id = changes.channel_id and found.post_id = changes.post_id
