-- One row per source and number: whether it can be computed from that source.
select
    source,
    kpi_id,
    kpi_name_zh,
    kpi_name_en,
    is_computable,
    missing_capability,
    reason_zh,
    reason_en
from {{ configured('source_capabilities') }}
