-- depends_on: {{ source('lake', 'cell_year') }}
-- What each reduced run could not have, and why: the files of cell_year say it of themselves.
{% if lake_has('cell_year') %}
with files as (

    select decode(value)::json as facts
    from parquet_kv_metadata('{{ env_var("CLIMART_LAKE") }}/cell_year/**/*.parquet')
    where decode(key) = 'climart'

),

features as (

    select
        facts ->> 'simulation_id' as simulation_id,
        unnest(json_keys(facts -> 'unavailable')) as feature_id,
        facts -> 'unavailable' as reasons
    from files

)

select simulation_id, feature_id, reasons ->> feature_id as reason from features
{% else %}
select null::varchar as simulation_id, null::varchar as feature_id, null::varchar as reason where false
{% endif %}
