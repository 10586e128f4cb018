-- The configured zone, when it is not the one in which this build has cut days.
select time_zone
from {{ ref('stg_config_settings') }}
where time_zone <> {{ reporting_zone() }}
