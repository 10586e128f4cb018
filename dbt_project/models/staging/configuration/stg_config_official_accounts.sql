-- One row per account that speaks for a channel's owner.
select
    source,
    channel_id,
    author_key
from {{ configured('official_accounts') }}
