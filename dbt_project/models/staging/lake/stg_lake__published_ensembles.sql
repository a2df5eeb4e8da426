-- depends_on: {{ source('lake', 'published_ensemble') }}
{% if lake_has('published_ensemble') %}
select * from {{ source('lake', 'published_ensemble') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as grid_id,
    null::integer as cell_id,
    null::varchar as commune_code,
    null::varchar as index_code,
    null::varchar as season,
    null::varchar as statistic,
    null::varchar as context_id,
    null::float as low,
    null::float as median,
    null::float as high,
    null::varchar as low_statistic,
    null::varchar as high_statistic,
    null::smallint as n_runs,
    null::varchar as unit,
    null::varchar as reason
where false
{% endif %}
