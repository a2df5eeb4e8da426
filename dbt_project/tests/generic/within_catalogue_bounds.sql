{% test within_catalogue_bounds(model) %}
{# Levels stay within the bounds of the catalogue. #}
select values.territory_id, values.indicator_id, values.context_id, values.q05, values.q95, catalogue.bound_lo, catalogue.bound_hi
from {{ model }} as values
inner join {{ ref('dim_indicator') }} as catalogue using (indicator_id)
where values.q05 < catalogue.bound_lo or values.q95 > catalogue.bound_hi
{% endtest %}
