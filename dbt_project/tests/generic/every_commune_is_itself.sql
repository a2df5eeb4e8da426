{% test every_commune_is_itself(model) %}
{# A commune of today, read without a vintage, is itself. #}
select territories.territory_id, crosswalk.territory_id as becomes
from {{ ref('dim_territory') }} as territories
left join {{ model }} as crosswalk on territories.code = crosswalk.code and crosswalk.is_latest
where territories.kind = 'commune' and territories.territory_id is distinct from crosswalk.territory_id
{% endtest %}
