-- depends_on: {{ ref('int_agriculture_years') }}
-- In every year that has both, a stage of the vine comes before the next. (Means over years need not: a stage that few years
-- reach is a mean over those years.)
{%- set checks = [] %}
{%- for profile in ['', '_early', '_middle', '_late'] %}
    {%- for earlier, later in [('budburst', 'flowering'), ('flowering', 'veraison'), ('veraison', 'harvest')] %}
        {%- set stages = ('vine_' ~ earlier ~ '_doy' ~ profile, 'vine_' ~ later ~ '_doy' ~ profile) %}
        {%- if stages[0] in projected_indicators() and stages[1] in projected_indicators() %}{% do checks.append(stages) %}{% endif %}
    {%- endfor %}
{%- endfor %}
{%- if checks %}
select *
from {{ ref('int_agriculture_years') }}
where false
    {%- for earlier, later in checks %}
    or {{ earlier }} >= {{ later }}
    {%- endfor %}
{%- else %}
select 1 as nothing_to_compare where false
{%- endif %}
