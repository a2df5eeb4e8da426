-- depends_on: {{ ref('stg_lake__cell_years') }}
-- A drought index is a standard normal score in its own reference: over the cells of a run, its mean is within 0.1 of 0, and
-- the share of months below -1.28 (a tenth) is that of a standard deviation between 0.9 and 1.1. An index that the lake does
-- not hold is passed over.
{%- set indices = ['spi3', 'spi6', 'spi12', 'spei3', 'spei6', 'spei12', 'sswi3'] %}
{%- set found = [] %}
{%- if execute and lake_has('cell_year') %}
    {%- set columns = run_query("select column_name from (describe " ~ ref('stg_lake__cell_years') ~ ")").columns[0].values() %}
    {%- for index in indices if index in columns and index ~ '_below_10y' in columns %}{% do found.append(index) %}{% endfor %}
{%- endif %}
{%- for index in found %}
select simulation_id, '{{ index }}' as indicator_id, avg({{ index }}) as mean, avg({{ index }}_below_10y) as below_10y
from {{ ref('stg_lake__cell_years') }}
where year between {{ var('reference_start') }} and {{ var('reference_end') }}
group by simulation_id
having not (abs(mean) < 0.1 and below_10y between 7.75 and 12.2)  -- 100 Φ(-1.28/0.9), 100 Φ(-1.28/1.1)
{{ "union all" if not loop.last }}
{%- else %}
select 1 as nothing_to_look_at where false
{%- endfor %}
