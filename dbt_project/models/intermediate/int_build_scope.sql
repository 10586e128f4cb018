-- One row: whether this build starts from nothing, and the last day that the one before closed.
select
    settings.previous_through_date,
    settings.through_date,
    settings.previous_through_date is null or {{ builds_everything() }} as is_full
from {{ ref('stg_config_settings') }} as settings
