-- One row per source and number: whether it can be computed from that source, and why not.
{{ config(materialized='table') }} -- sources by numbers, of which there are few

select
    capabilities.source,
    capabilities.kpi_id,
    capabilities.kpi_name_zh,
    capabilities.kpi_name_en,
    case
        when capabilities.is_computable then 'COMPUTABLE'
        when not capabilities.is_computable then 'NOT_COMPUTABLE'
        else 'UNKNOWN'
    end as status,
    capabilities.is_computable,
    capabilities.missing_capability,
    capabilities.reason_zh,
    capabilities.reason_en,
    settings.definition_version
from {{ ref('stg_config_source_capabilities') }} as capabilities
cross join {{ ref('stg_config_settings') }} as settings
