-- depends_on: {{ ref('int_cell_indicators') }}
-- depends_on: {{ ref('int_cell_projections') }}
-- In every run, context and cell, what cannot be less than another indicator is not: (smaller, larger, factor) says
-- smaller <= factor × larger. An indicator that the lake does not hold is passed over.
{%- set orders = [
    ('tx40', 'tx35', 1), ('tx35', 'tx30', 1), ('tx30', 'su25', 1),
    ('id0', 'fd', 1), ('frost_apr_may', 'fd', 1),
    ('cooling_dd22', 'cooling_dd18', 1), ('heating_dd18', 'heating_dd18_costic', 1),
    ('hw_mf_max', 'hw_mf_days', 1),
    ('humidex45', 'humidex40', 1), ('humidex40', 'humidex35', 1), ('utci38', 'utci32', 1),
    ('t_mean_djf', 't_mean_jja', 1), ('t_mean_jja', 'tx_mean_jja', 1), ('tx_mean_jja', 'txx', 1),
    ('rx1d', 'rx5d', 1), ('rx5d', 'rx1d', 5), ('rr_jja', 'rr_yr', 1), ('p_apr_oct', 'rr_yr', 1),
    ('r99ptot', 'r95ptot', 1), ('r95ptot', 'rr_yr', 1),
    ('scd100', 'scd50', 1), ('scd50', 'scd30', 1), ('scd30', 'scd5', 1),
    ('prsn_sum', 'rr_yr', 1),
    ('dry_soil_days_jja', 'dry_soil_days', 1),
    ('grass_spring', 'grass_yield', 1), ('grass_summer', 'grass_yield', 1), ('grass_autumn', 'grass_yield', 1),
] %}
{%- for index in ['spi3', 'spi6', 'spi12', 'spei3', 'spei6', 'spei12', 'sswi3'] %}
    {%- do orders.append((index ~ '_below_25y', index ~ '_below_10y', 1)) %}
{%- endfor %}
{%- set checks = [] %}
{%- for table, indicators in [
    (ref('int_cell_indicators'), exported_indicators()), (ref('int_cell_projections'), projected_indicators())
] %}
    {%- for smaller, larger, factor in orders if smaller in indicators and larger in indicators %}
        {%- do checks.append((table, smaller, larger, factor)) %}
    {%- endfor %}
{%- endfor %}
{%- for table, smaller, larger, factor in checks %}
select simulation_id, context_id, cell_id, '{{ smaller }}' as smaller, {{ smaller }} as value, '{{ larger }}' as larger, {{ larger }} as bound
from {{ table }}
-- the tolerance is the noise of float32
where {{ smaller }} > {{ factor }} * {{ larger }} + 0.001
{{ "union all" if not loop.last }}
{%- else %}
select 1 as nothing_to_compare where false
{%- endfor %}
