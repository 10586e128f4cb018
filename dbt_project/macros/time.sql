{# Instants are naive UTC timestamps, days are cut in the reporting time zone. #}

{% macro reporting_zone() -%}
    '{{ env_var("TINGCHAO_TIME_ZONE", "Asia/Taipei") | replace("'", "''") }}'
{%- endmacro %}


{% macro utc(instant) %}
    {{- return(adapter.dispatch('utc')(instant)) -}}
{% endmacro %}

{% macro duckdb__utc(instant) -%}
    cast({{ instant }} at time zone 'UTC' as timestamp)
{%- endmacro %}

{% macro spark__utc(instant) -%}
    cast({{ instant }} as timestamp_ntz)
{%- endmacro %}


{# Calendar day of an instant in the reporting time zone. #}
{% macro local_date(instant) %}
    {{- return(adapter.dispatch('local_date')(instant)) -}}
{% endmacro %}

{% macro duckdb__local_date(instant) -%}
    cast(({{ instant }} at time zone 'UTC') at time zone {{ reporting_zone() }} as date)
{%- endmacro %}

{% macro spark__local_date(instant) -%}
    cast(convert_timezone('UTC', {{ reporting_zone() }}, {{ instant }}) as date)
{%- endmacro %}


{# First instant of a calendar day. Where clocks are put back over midnight the day begins at the
   first of its two midnights; where they are put forward over it, when the clocks go forward. #}
{% macro local_midnight(day) %}
    {{- return(adapter.dispatch('local_midnight')(day)) -}}
{% endmacro %}

{% macro duckdb__local_midnight(day) -%}
    {%- set later = "(cast(" ~ day ~ " as timestamp) at time zone " ~ reporting_zone()
        ~ ") at time zone 'UTC'" -%}
    {%- set earlier = later ~ " - interval '1' hour" -%}
    case when {{ local_date("(" ~ earlier ~ ")") }} = {{ day }} then {{ earlier }} else {{ later }} end
{%- endmacro %}

{% macro spark__local_midnight(day) -%}
    convert_timezone({{ reporting_zone() }}, 'UTC', cast({{ day }} as timestamp_ntz))
{%- endmacro %}


{# Monday of the ISO week. #}
{% macro week_start(day) -%}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}

{% macro month_start(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{# Months since year 0: neighbouring months differ by one. #}
{% macro month_index(day) -%}
    cast(extract(year from {{ day }}) * 12 + extract(month from {{ day }}) as bigint)
{%- endmacro %}

{% macro days_later(day, count) -%}
    cast({{ day }} + interval '{{ count }}' day as date)
{%- endmacro %}


{# The instant `count` times 24 hours earlier; `count` may be a column. #}
{% macro days_earlier(instant, count) %}
    {{- return(adapter.dispatch('days_earlier')(instant, count)) -}}
{% endmacro %}

{% macro duckdb__days_earlier(instant, count) -%}
    {{ instant }} - to_days(cast({{ count }} as integer))
{%- endmacro %}

{% macro spark__days_earlier(instant, count) -%}
    {{ instant }} - make_dt_interval(cast({{ count }} as int))
{%- endmacro %}


{% macro seconds_between(earlier, later) %}
    {{- return(adapter.dispatch('seconds_between')(earlier, later)) -}}
{% endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    date_diff('second', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    timestampdiff(second, date_trunc('second', {{ earlier }}), date_trunc('second', {{ later }}))
{%- endmacro %}


{% macro day_count(first_day, last_day) %}
    {{- return(adapter.dispatch('day_count')(first_day, last_day)) -}}
{% endmacro %}

{# Days from the first to the last, both included. #}
{% macro duckdb__day_count(first_day, last_day) -%}
    (date_diff('day', {{ first_day }}, {{ last_day }}) + 1)
{%- endmacro %}

{% macro spark__day_count(first_day, last_day) -%}
    (datediff({{ last_day }}, {{ first_day }}) + 1)
{%- endmacro %}


{# One row per day between two columns of `bounds`, which has one row. #}
{% macro day_spine(bounds, first_day, last_day) %}
    {{- return(adapter.dispatch('day_spine')(bounds, first_day, last_day)) -}}
{% endmacro %}

{% macro duckdb__day_spine(bounds, first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval '1' day)) as date) as calendar_date
    from {{ bounds }}
{%- endmacro %}

{% macro spark__day_spine(bounds, first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval '1' day)) as calendar_date
    from {{ bounds }}
{%- endmacro %}


{# Earlier than any day that something happened on. #}
{% macro beginning_of_time() -%}
    date '0001-01-01'
{%- endmacro %}
