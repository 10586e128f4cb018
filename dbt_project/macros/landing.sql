{# What build lays out in its workshop: the landed segments that are new, the configuration, the understood texts.
   What users wrote is inside the files and never part of the SQL. #}

{% macro landed(table) %}
    {{- return(adapter.dispatch('landed')(table)) -}}
{% endmacro %}

{% macro duckdb__landed(table) -%}
    read_parquet(
        '{{ workshop() }}/landing/{{ table }}/*/*/*.parquet',
        hive_partitioning = false,
        union_by_name = true
    )
{%- endmacro %}

{% macro spark__landed(table) -%}
    parquet.`{{ workshop() }}/landing/{{ table }}/*/*/*.parquet`
{%- endmacro %}


{% macro configured(table) %}
    {{- return(adapter.dispatch('configured')(table)) -}}
{% endmacro %}

{% macro duckdb__configured(table) -%}
    read_parquet('{{ workshop() }}/inputs/{{ table }}.parquet')
{%- endmacro %}

{% macro spark__configured(table) -%}
    parquet.`{{ workshop() }}/inputs/{{ table }}.parquet`
{%- endmacro %}


{# The understood texts of one version, with the batch that brought each. #}
{% macro understood() %}
    {{- return(adapter.dispatch('understood')()) -}}
{% endmacro %}

{% macro duckdb__understood() -%}
    (
        select *, regexp_extract(filename, '([^/]+)[.]parquet$', 1) as batch_id
        from read_parquet(
            '{{ workshop() }}/texts/*.parquet',
            filename = true,
            hive_partitioning = false,
            union_by_name = true
        )
    )
{%- endmacro %}

{% macro spark__understood() -%}
    (
        select *, regexp_extract(_metadata.file_path, '([^/]+)[.]parquet$', 1) as batch_id
        from parquet.`{{ workshop() }}/texts/*.parquet`
    )
{%- endmacro %}


{% macro workshop() -%}
    {{- env_var('TINGCHAO_WORKSHOP', '.') | replace("'", "''") -}}
{%- endmacro %}


{# A landed row is read when its segment is new, in the ledger by `as_of`, and no gate refused it.
   A refusal of rows that an earlier build has read makes the next one start from nothing. #}
{% macro is_read_now(table, record_id) -%}
    exists (
        select 1 from {{ ref('int_new_segments') }} as new
        where new.segment_id = landed.segment_id
    )
    and not exists (
        select 1 from {{ ref('stg_quarantine') }} as refused
        where
            refused.table_name = '{{ table }}'
            and refused.of_segment_id = landed.segment_id
            and refused.record_id = {{ record_id }}
            and refused.of_content_hash in ('*', landed.content_hash)
    )
{%- endmacro %}


{# Seeds are read where they lie now, not where they lay when the project was parsed. #}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {%- set rows -%}
        copy {{ this.render() }} from '{{ workshop() }}/{{ model.original_file_path }}' (format csv, header true)
    {%- endset -%}
    {%- do adapter.add_query(rows, abridge_sql_log=True) -%}
    {{ return(rows) }}
{% endmacro %}
