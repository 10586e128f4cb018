-- One row per post whose noise is not what the last build found, with the earliest day it concerns.
--
-- A copy that lands today makes noise of a post that nothing else touches.
with

found as (
    select channel_id, post_id, reason, rule from {{ ref('int_noise_found') }}
),

kept as (
    select * from {{ kept_rows('int_noise', ['channel_id', 'post_id', 'reason', 'rule']) }} as noise
),

differing as (
    select
        coalesce(found.channel_id, kept.channel_id) as channel_id,
        coalesce(found.post_id, kept.post_id) as post_id
    from found
    full outer join kept
        on found.channel_id = kept.channel_id and found.post_id = kept.post_id
    where found.reason is distinct from kept.reason or found.rule is distinct from kept.rule
)

select
    differing.channel_id,
    differing.post_id,
    min(acts.act_date) as from_date -- reactions may be told of an earlier day than their post
from differing
left join {{ ref('int_acts') }} as acts
    on differing.channel_id = acts.channel_id and differing.post_id = acts.post_id
group by differing.channel_id, differing.post_id
