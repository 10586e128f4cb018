{# The columns say the same in both models: what is kept from build to build has missed nothing. #}
{% test same_rows(model, other, columns) %}

(
    select {{ columns | join(', ') }} from {{ model }}
    except
    select {{ columns | join(', ') }} from {{ other }}
)
union all
(
    select {{ columns | join(', ') }} from {{ other }}
    except
    select {{ columns | join(', ') }} from {{ model }}
)

{% endtest %}
