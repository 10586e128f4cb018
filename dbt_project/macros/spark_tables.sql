{# How Spark keeps tables: as Parquet files below the workshop, one folder per table, all external, so
   that a catalog only ever points at them. What changes is kept in parts, one folder per month as a
   rule; a build overwrites the parts that it touches and leaves the others as they are.

   An incremental model is two relations: `<model>__rows`, its files, in which the column `in_part`
   names the part; and a view `<model>` of the model's own columns.

   Under `meta.replaces` a model says how its rows are parted:

     month_of: date or timestamp column; when absent, the column in `from`
     each:     text column, or text made of columns, of which every value is a part

   A model that says neither is one part and rewritten whole.
#}


{# Before the models: an empty schema, and in it what earlier builds have kept. #}
{% macro begin_build() %}
    {{- return(adapter.dispatch('begin_build')()) -}}
{% endmacro %}

{% macro default__begin_build() -%}
{%- endmacro %}

{% macro spark__begin_build() -%}
    {%- if execute -%}
        {%- set schema = api.Relation.create(schema=target.schema) -%}
        {%- do adapter.drop_schema(schema) -%}
        {%- do adapter.create_schema(schema) -%}
        {%- for kept in run_query("select * from " ~ configured('kept_tables')) -%}
            {%- do bring_back(schema, kept['table_name'], kept['columns']) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro bring_back(schema, table, columns) -%}
    {%- set model = schema.incorporate(path={'identifier': table | replace('__rows', '')}, type='view') -%}
    {%- set rows = rows_of(model) -%}
    {%- call statement() -%}
        create table {{ rows }} ({{ columns }}) using parquet partitioned by (in_part)
        location '{{ table_folder(table) }}'
    {%- endcall -%}
    {%- do show_rows(model) -%}
    {%- do adapter.cache_added(rows) -%}
    {%- do adapter.cache_added(model) -%}
{%- endmacro %}


{# After the models: the columns of every table, for those who read the files without this catalog. #}
{% macro end_build(results) %}
    {{- return(adapter.dispatch('end_build')(results)) -}}
{% endmacro %}

{% macro default__end_build(results) -%}
{%- endmacro %}

{% macro spark__end_build(results) -%}
    {%- set found = [] -%}
    {%- for result in results if result.status == 'success' and result.node.config.materialized != 'view' -%}
        {%- set model = api.Relation.create(schema=target.schema, identifier=result.node.alias) -%}
        {%- set files = rows_of(model) if result.node.config.materialized == 'incremental' else model -%}
        {%- for column in adapter.get_columns_in_relation(files) -%}
            {%- do found.append(
                "('" ~ files.identifier ~ "', " ~ loop.index ~ ", '" ~ column.name ~ "', '" ~ column.dtype ~ "')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if found -%}
        insert overwrite directory '{{ table_folder("_columns") }}' using parquet
        select * from values {{ found | join(', ') }}
        as columns (table_name, place, column_name, column_type)
    {%- endif -%}
{%- endmacro %}


{% materialization incremental, adapter='spark' %}
    {%- set model_view = this.incorporate(type='view') -%}
    {%- set rows = rows_of(this) -%}
    {%- set new = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {{- run_hooks(pre_hooks) -}}
    {%- if config.get('contract').enforced -%}
        {{- get_assert_columns_equivalent(sql) -}}
    {%- endif -%}

    {%- if adapter.get_relation(none, rows.schema, rows.identifier) is none -%}
        {%- call statement('main') -%}
            create table {{ rows }} using parquet partitioned by (in_part)
            location '{{ table_folder(rows.identifier) }}'
            as {{ parted(sql) }}
        {%- endcall -%}
        {%- do show_rows(model_view) -%}
    {%- else -%}
        {%- call statement('new') -%}
            create table {{ new }} using parquet location '{{ workshop() }}/scratch/{{ new.identifier }}'
            as {{ parted(sql) }}
        {%- endcall -%}
        {{- replace_parts(rows, new) -}}
        {%- do adapter.drop_relation(new) -%}
    {%- endif -%}

    {{- run_hooks(post_hooks) -}}
    {{- return({'relations': [model_view]}) -}}
{% endmaterialization %}


{# Write every part that loses or gains rows: what it keeps and what is new. What has neither left is
   emptied by name, for an overwrite leaves a part alone that it has no row for. #}
{% macro replace_parts(rows, new) -%}
    {%- set touched = parts_touched(rows, new) -%}
    {%- set surviving = rows_kept(rows, touched) -%}
    {%- set emptied = parts_emptied(surviving, touched) -%}
    {%- call statement('main') -%}
        insert overwrite table {{ rows }} partition (in_part)
        select /*+ rebalance(in_part) */ * from ({{ surviving }} union all select * from {{ new }})
    {%- endcall -%}
    {%- for part in emptied -%}
        {%- call statement() -%}
            insert overwrite table {{ rows }} partition (in_part = '{{ part }}')
            select * except (in_part) from {{ new }} where false
        {%- endcall -%}
    {%- endfor -%}
{%- endmacro %}

{# Rows of `in_part` and whether it has new rows, one per part that this build changes. #}
{% macro parts_touched(rows, new) -%}
    {%- set found -%}
        select in_part, max(is_new) as is_new
        from (
            select in_part, 1 as is_new from {{ new }}
            union all
            select in_part, 0 as is_new from {{ rows }} as kept where exists ({{ changed() }})
        )
        group by in_part
    {%- endset -%}
    {{ return(run_query(found).rows) }}
{%- endmacro %}

{% macro rows_kept(rows, touched) -%}
    select * from {{ rows }} as kept
    where
        kept.in_part in ('{{ touched | map(attribute='in_part') | join("', '") }}')
        and not exists ({{ changed() }})
{%- endmacro %}

{% macro parts_emptied(surviving, touched) -%}
    {%- set without_new = touched | rejectattr('is_new') | map(attribute='in_part') | list -%}
    {%- if not without_new -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set filled = run_query("select distinct in_part from (" ~ surviving ~ ")").columns[0].values() -%}
    {{ return(without_new | reject('in', filled) | list) }}
{%- endmacro %}

{% macro changed() -%}
    {%- set replaces = config.get('meta')['replaces'] -%}
    select 1 from {{ this.incorporate(path={'identifier': replaces['in']}) }} as changed
    where {{ replaced_when(replaces) }}
{%- endmacro %}


{% macro rows_of(model) -%}
    {{ return(model.incorporate(path={'identifier': model.identifier ~ '__rows'}, type='table')) }}
{%- endmacro %}

{% macro show_rows(model) -%}
    {%- call statement() -%}
        create view {{ model }} as select * except (in_part) from {{ rows_of(model) }}
    {%- endcall -%}
{%- endmacro %}

{# A model's rows, each with the part that it lies in. #}
{% macro parted(sql) -%}
    {%- set replaces = config.get('meta')['replaces'] -%}
    {%- set month_of = replaces['month_of'] or replaces['from'] -%}
    select
        /*+ rebalance(in_part) */ *,
        {% if month_of -%}
            coalesce(date_format({{ month_of }}, 'yyyy-MM'), 'undated')
        {%- elif replaces['each'] -%}
            {{ replaces['each'] }}
        {%- else -%}
            'all'
        {%- endif %} as in_part
    from ({{ sql }})
{%- endmacro %}

{% macro table_folder(table) -%}
    {{ workshop() }}/tables/{{ table }}
{%- endmacro %}


{# What dbt-spark writes behind `create table`. #}
{% macro spark__file_format_clause() -%}
    using parquet
{%- endmacro %}

{% macro spark__location_clause() -%}
    location '{{ table_folder(model.alias) }}'
{%- endmacro %}

{# A contract's types are told as DuckDB calls them; Spark has no varchar without a length. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
        {%- for column in columns.values() %}
        cast(null as {{ 'string' if column['data_type'] == 'varchar' else column['data_type'] }})
        as {{ column['name'] }}{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{# Parquet keeps no constraint: that keys are not null, the tests of every build see to. #}
{% macro spark__persist_constraints(relation, model) -%}
{%- endmacro %}

{# Seeds: the columns as `column_types` has them, the rows by Spark's own reader. #}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model['config']['column_types'] -%}
    {%- set columns = [] -%}
    {%- for name, kind in types.items() -%}
        {%- do columns.append(name ~ ' ' ~ ('string' if kind == 'varchar' else kind)) -%}
    {%- endfor -%}
    {%- call statement() -%}
        create table {{ this }} ({{ columns | join(', ') }}) using parquet {{ spark__location_clause() }}
    {%- endcall -%}
    {{ return(columns | join(', ')) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set columns = [] -%}
    {%- for name, kind in model['config']['column_types'].items() -%}
        {%- do columns.append(name if kind == 'varchar' else "cast(" ~ name ~ " as " ~ kind ~ ")") -%}
    {%- endfor -%}
    {%- call statement() -%}
        create or replace temporary view {{ model.alias }}__file using csv options (
            path '{{ workshop() }}/{{ model.original_file_path }}',
            header 'true', multiLine 'true', escape '"'
        )
    {%- endcall -%}
    {%- set rows = "insert into " ~ this ~ " select " ~ columns | join(', ') ~ " from " ~ model.alias ~ "__file" -%}
    {%- do adapter.add_query(rows, abridge_sql_log=True) -%}
    {{ return(rows) }}
{%- endmacro %}
