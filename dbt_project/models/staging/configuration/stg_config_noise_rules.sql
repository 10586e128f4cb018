-- One row per rule by which a post is noise and no voice, in the order in which they are asked.
select
    rule,
    reason,
    cast(rule_order as bigint) as rule_order,
    cast(least_score as double) as least_score,
    cast(least_post_count as bigint) as least_post_count,
    cast(least_length as bigint) as least_length
from {{ configured('noise_rules') }}
