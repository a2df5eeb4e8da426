-- depends_on: {{ ref('int_agriculture_years') }}
-- Budburst < flowering < véraison < maturity in every year that reaches them, for every profile. (Means over years do not keep
-- this order where a late stage is reached in the warmest years only.)
{%- if 'vine_budburst_doy' in projected_indicators() %}
select simulation_id, cell_id, year
from {{ ref('int_agriculture_years') }}
where
    {%- for profile in ['', '_early', '_middle', '_late'] %}
    vine_budburst_doy{{ profile }} >= vine_flowering_doy{{ profile }}
    or vine_flowering_doy{{ profile }} >= vine_veraison_doy{{ profile }}
    or vine_veraison_doy{{ profile }} >= vine_harvest_doy{{ profile }}
    {{ "or" if not loop.last }}
    {%- endfor %}
{%- else %}
select 1 as nothing_to_compare where false
{%- endif %}
