-- depends_on: {{ source('lake', 'crop_yield') }}
{% if lake_has('crop_yield') %}
select * from {{ source('lake', 'crop_yield') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as territory_id,
    null::varchar as crop_group,
    null::varchar as crop,
    null::boolean as is_total,
    null::smallint as year,
    null::double as area_ha,
    null::double as area_in_production_ha,
    null::double as yield,
    null::double as production,
    null::varchar as yield_unit,
    null::varchar as production_unit,
    null::varchar as area_reason,
    null::varchar as yield_reason,
    null::varchar as production_reason
where false
{% endif %}
