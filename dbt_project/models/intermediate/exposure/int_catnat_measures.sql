-- Dated events counted per commune of today: the measures that an undated source has, and those that only dates can give.
with periods as (

    select dataset_id, max(date_published) as date_end from {{ ref('stg_lake__catnat_events') }} group by dataset_id

),

counts as (

    select
        dataset_id,
        commune_code,
        any_value(source_file_id) as source_file_id,
        date '{{ var("catnat_start") }}' as date_start,
        any_value(periods.date_end) as date_end,
        count_if(not is_blanket) as catnat_n_total,
        {%- for peril in ('flood', 'drought', 'ground', 'storm', 'marine') %}
        count_if(not is_blanket and peril_group = '{{ peril }}') as catnat_n_{{ peril }},
        {%- endfor %}
        count_if(not is_blanket and int_catnat_events.date_start > periods.date_end - interval 20 year) as catnat_n_last20,
        count_if(is_blanket) as catnat_n_blanket,
        max(year(int_catnat_events.date_start)) filter (not is_blanket) as catnat_last_year
    from {{ ref('int_catnat_events') }}
    inner join periods using (dataset_id)
    group by dataset_id, commune_code

)

select dataset_id, source_file_id, commune_code, measure_id, date_start, date_end, value
from (
    unpivot (select * replace ({% for measure in catnat_columns() %}{{ measure }}::double as {{ measure }}{{ ", " if not loop.last }}{% endfor %}) from counts)
    on {{ catnat_columns() | join(', ') }}
    into name measure_id value value
)
