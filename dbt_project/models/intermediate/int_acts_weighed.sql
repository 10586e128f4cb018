-- One row per act, with the reason why it is noise; NULL when it is none.
--
-- A mark on a giveaway is made for the prize, as the entry is. A repost without own words is no
-- voice, but it is an act as a mark is. What an official account does is counted apart.
{{ config(materialized='view') }}

select
    acts.*,
    case
        when acts.is_official then null
        when acts.act_kind = 'reaction' and noise.reason <> 'giveaway' then null
        when noise.reason <> 'repost' then noise.reason
    end as noise_reason
from {{ ref('int_acts') }} as acts
left join {{ ref('int_noise') }} as noise
    on acts.channel_id = noise.channel_id and acts.post_id = noise.post_id
