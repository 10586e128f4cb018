{# Openings that two models share, each as the select of one CTE. #}

{# What was observed of the posts that this build computes anew, under their channel's own source. #}
{% macro observed_of_touched_posts(model) -%}
    select
        seen.*,
        channels.source as channel_source
    from {{ ref(model) }} as seen
    inner join {{ ref('int_touched_posts') }} as touched
        on seen.channel_id = touched.channel_id and seen.post_id = touched.post_id
    inner join {{ ref('stg_config_channels') }} as channels
        on seen.channel_id = channels.channel_id
{%- endmacro %}

{# The days of each channel that this build computes anew, with the instants at which they begin and end. #}
{% macro days_due() -%}
    select
        channel_id,
        period_start_date as coverage_date,
        {{ local_midnight('period_start_date') }} as day_start_at,
        {{ local_midnight(days_later('period_start_date', 1)) }} as day_end_at
    from {{ ref('int_channel_periods') }}
    where period_type = 'day'
{%- endmacro %}
