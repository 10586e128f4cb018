-- One row per mention of a configured brand, with the reason why it is no voice; NULL when it is one.
--
-- What a post that is noise says is noise, whoever said it first.
{{ config(materialized='view') }}

select
    mentions.*,
    case
        when noise.reason is not null then noise.reason
        when mentions.is_quoted then 'quoted'
    end as reason
from {{ ref('int_mentions') }} as mentions
left join {{ ref('int_noise') }} as noise
    on mentions.channel_id = noise.channel_id and mentions.post_id = noise.post_id
