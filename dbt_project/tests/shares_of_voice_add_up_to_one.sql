-- Periods in which the brands' shares do not add up to one, or not to all mentions.
select
    period_type,
    period_start_date,
    sum(share_rate) as share_rate,
    sum(mention_count) as mention_count,
    max(total_mention_count) as total_mention_count
from {{ ref('share_of_voice') }}
group by period_type, period_start_date
having
    abs(sum(share_rate) - 1) > 0.000001
    or sum(mention_count) <> max(total_mention_count)
