{# Lists of structs, and what else differs in shape between engines. #}

{# Join clause that gives one row per element of a list column, as `<alias>.item`. #}
{% macro each_of(column, alias) %}
    {{- return(adapter.dispatch('each_of')(column, alias)) -}}
{% endmacro %}

{% macro duckdb__each_of(column, alias) -%}
    cross join unnest({{ column }}) as {{ alias }} (item)
{%- endmacro %}

{% macro spark__each_of(column, alias) -%}
    lateral view explode({{ column }}) {{ alias }} as item
{%- endmacro %}


{# Text for comparing: trimmed, lower case, NULL when empty. #}
{% macro folded(column) -%}
    nullif(lower(trim({{ column }})), '')
{%- endmacro %}

{# Host of a URL in lower case, without user, port and path; NULL when there is none. #}
{% macro url_host(column) -%}
    nullif(regexp_extract(lower({{ column }}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1), '')
{%- endmacro %}

{# 1 for the greatest value of the month, equal values equal ranks; what is unknown has no rank. #}
{% macro rank_within_month(column) -%}
    case
        when {{ column }} is not null then cast(rank() over (
            partition by period_start_date
            order by {{ column }} desc nulls last
        ) as bigint)
    end
{%- endmacro %}

{# Mean of shares from 0 to 1, NULLs left out. Exact: adding in another order gives the same bits. #}
{% macro mean_of_shares(column) -%}
    {{ sum_of_shares(column) }} / nullif(count({{ column }}), 0)
{%- endmacro %}

{% macro sum_of_shares(column) -%}
    cast(sum(cast({{ column }} as decimal(18, 15))) as double)
{%- endmacro %}


{# Relations are named without their database: a file that is renamed still finds its own views. #}
{% macro ref() -%}
    {{ return(builtins.ref(*varargs, **kwargs).include(database=false)) }}
{%- endmacro %}
