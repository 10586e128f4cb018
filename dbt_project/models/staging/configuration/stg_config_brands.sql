-- One row per configured brand.
select
    brand_id,
    brand_name,
    is_own
from {{ configured('brands') }}
