-- One row per configured channel.
select
    channel_id,
    source,
    channel_name,
    brand_id,
    role,
    time_zone,
    listen_since_date,
    is_identity_visible,
    is_fan_count_visible,
    is_reaction_actor_visible,
    is_community
from {{ configured('channels') }}
