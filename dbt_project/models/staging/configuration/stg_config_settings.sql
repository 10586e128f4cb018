-- One row: how this build reads the world, and the instant up to which it does.
select
    time_zone,
    {{ utc('as_of_at') }} as as_of_at,
    through_date,
    previous_through_date,
    cast(lookback_days as bigint) as lookback_days,
    currency,
    cast(suppress_below as bigint) as suppress_below,
    definition_version
from {{ configured('settings') }}
