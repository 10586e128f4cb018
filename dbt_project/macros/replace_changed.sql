{# Incremental strategy: take out every row that this build computes anew, put in what it computed.

   A model says under `meta.replaces` which rows these are; the model's own SQL must select exactly
   the same ones, for a row that is gone must vanish and a row that stays must not double:

     in:    model that names the changes, e.g. int_changes; the model depends on it
     scope: only its rows with this `scope`
     on:    columns that a row shares with its change; none means that any change counts
     from:  date column: rows on or after the change's `from_date` are replaced

   Two more, `month_of` and `each`, say how Spark parts the rows (spark_tables.sql).
#}
{% macro get_incremental_replace_changed_sql(arguments) %}
    {%- set replaces = config.get('meta')['replaces'] -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arguments['target_relation'] }} as kept
    where exists (
        select 1 from {{ this.incorporate(path={'identifier': replaces['in']}) }} as changed
        where {{ replaced_when(replaces) }}
    );

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{% endmacro %}


{% macro replaced_when(replaces) -%}
    {%- set conditions = [] -%}
    {%- if replaces['scope'] -%}
        {%- do conditions.append("changed.scope = '" ~ replaces['scope'] ~ "'") -%}
    {%- endif -%}
    {%- for column in replaces['on'] or [] -%}
        {%- do conditions.append('changed.' ~ column ~ ' = kept.' ~ column) -%}
    {%- endfor -%}
    {%- if replaces['from'] -%}
        {%- do conditions.append('kept.' ~ replaces['from'] ~ ' >= changed.from_date') -%}
    {%- endif -%}
    {{ conditions | join(' and ') }}
{%- endmacro %}


{# A staging model that keeps what it has read: a build reads new segments only. #}
{% macro kept_by_segment() %}
    {{- config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        meta={'replaces': {
            'in': 'int_new_segments', 'on': ['segment_id'], 'month_of': 'collected_at'
        }}
    ) -}}
{% endmacro %}


{# Whether nothing was built before, so that everything is new. #}
{% macro builds_everything() -%}
    {%- if not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set posts = adapter.get_relation(database=target.database, schema=target.schema, identifier='stg_posts') -%}
    {{ return(flags.FULL_REFRESH or posts is none) }}
{%- endmacro %}


{# Rows that the last build left in an incremental model, before this one replaces any; none when
   there was no last build. Not `ref`: the model that asks comes before the one it asks about. #}
{% macro kept_rows(model, columns) -%}
    {%- set kept = adapter.get_relation(
        database=target.database, schema=target.schema, identifier=model
    ) if execute and not flags.FULL_REFRESH -%}
    (
        {%- if kept %}
        select {{ columns | join(', ') }} from {{ kept.include(database=false) }}
        {%- else %}
        select {% for column in columns %}cast(null as string) as {{ column }}{{ ', ' if not loop.last }}{% endfor %}
        where false
        {%- endif %}
    )
{%- endmacro %}
