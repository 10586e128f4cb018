{# What a text says, and how alike two texts are. Each engine has its own words for lists and patterns. #}

{# Letters and digits of a folded text, without addresses and emoticons. #}
{% macro said(column) %}
    {{- return(adapter.dispatch('said')(column)) -}}
{% endmacro %}

{% macro duckdb__said(column) -%}
    regexp_replace(lower({{ column }}), '{{ unsaid() }}', '', 'g')
{%- endmacro %}

{% macro spark__said(column) -%}
    regexp_replace(lower({{ column }}), '{{ unsaid() | replace('\\', '\\\\') }}', '')
{%- endmacro %}

{% macro unsaid() -%}
    (https?://|www\.)[!-~]+|\[[^\[\]\s]{1,8}\]|[^\p{L}\p{N}]
{%- endmacro %}


{# Every three characters in a row of a text, each once. #}
{% macro shingles(column) %}
    {{- return(adapter.dispatch('shingles')(column)) -}}
{% endmacro %}

{% macro duckdb__shingles(column) -%}
    list_distinct([{{ column }}[place : place + 2] for place in range(1, length({{ column }}) - 1)])
{%- endmacro %}

{% macro spark__shingles(column) -%}
    array_distinct(transform(
        sequence(1, greatest(length({{ column }}) - 2, 1)), place -> substring({{ column }}, place, 3)
    ))
{%- endmacro %}


{% macro shared_count(one, other) %}
    {{- return(adapter.dispatch('shared_count')(one, other)) -}}
{% endmacro %}

{% macro duckdb__shared_count(one, other) -%}
    len(list_intersect({{ one }}, {{ other }}))
{%- endmacro %}

{% macro spark__shared_count(one, other) -%}
    size(array_intersect({{ one }}, {{ other }}))
{%- endmacro %}


{% macro item_count(column) %}
    {{- return(adapter.dispatch('item_count')(column)) -}}
{% endmacro %}

{% macro duckdb__item_count(column) -%}
    len({{ column }})
{%- endmacro %}

{% macro spark__item_count(column) -%}
    size({{ column }})
{%- endmacro %}


{# Join clause that gives one row per element of a list column with its place from 0, as `<alias>.place` and `.item`. #}
{% macro each_placed(column, alias) %}
    {{- return(adapter.dispatch('each_placed')(column, alias)) -}}
{% endmacro %}

{% macro duckdb__each_placed(column, alias) -%}
    cross join (
        select unnest({{ column }}) as item, generate_subscripts({{ column }}, 1) - 1 as place
    ) as {{ alias }}
{%- endmacro %}

{% macro spark__each_placed(column, alias) -%}
    lateral view posexplode({{ column }}) {{ alias }} as place, item
{%- endmacro %}


{# Whether two sets have half of all in common, or the one nearly all of the other, by their counts. #}
{% macro are_alike() -%}
    (
        shared_count >= 0.55 * (one_count + other_count - shared_count)
        or (
            shared_count >= 0.4 * (one_count + other_count - shared_count)
            and shared_count >= 0.85 * least(one_count, other_count)
        )
    )
{%- endmacro %}
