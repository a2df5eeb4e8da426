-- depends_on: {{ ref('stg_lake__cell_years') }}
-- depends_on: {{ ref('int_run_windows') }}
-- Run × context × cell: the 99th percentile of all the days of the window (linear between ranks), from the sixteen wettest days
-- of each year. NULL where a year alone might hold more than sixteen of the days above it.
{%- set ranks = [] %}
{%- for rank in range(1, 17) %}{% do ranks.append('pr_wettest_%02d' % rank) %}{% endfor %}
{%- if has_wettest_days() %}
with windows as (

    select
        years.simulation_id,
        windows.context_id,
        years.cell_id,
        list_reverse_sort(flatten(list([{{ ranks | join(', ') }}]))) as wettest,
        max({{ ranks[-1] }}) as least_kept,
        sum(years.n_days) as n_days,
        count(*) as n_years,
        any_value(windows.n_years_expected) as n_years_expected
    from {{ ref('stg_lake__cell_years') }} as years
    inner join {{ ref('int_run_windows') }} as windows
        on years.simulation_id = windows.simulation_id and years.year between windows.year_start and windows.year_end
    where years.{{ ranks[-1] }} is not null
    group by years.simulation_id, windows.context_id, years.cell_id

),

ranked as (

    -- the rank of the quantile, counted from the largest day (1)
    select *, n_days - 0.99 * (n_days - 1) as rank
    from windows
    where n_years >= {{ var('min_valid_years_share') }} * n_years_expected

),

quantiles as (

    select
        *,
        wettest[floor(rank)::integer] as above,
        wettest[ceil(rank)::integer] as below
    from ranked

)

select
    simulation_id,
    context_id,
    cell_id,
    case when least_kept <= below then above + (rank - floor(rank)) * (below - above) end::float as p99_all
from quantiles
{%- else %}
select null::varchar as simulation_id, null::varchar as context_id, null::integer as cell_id, null::float as p99_all
where false
{%- endif %}
