{# Shares: NULL when unknown, else from 0 to 1. #}
{% test shares(model, columns) %}

select *
from {{ model }}
where
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}{{ column }} < 0 or {{ column }} > 1
    {%- endfor %}

{% endtest %}
