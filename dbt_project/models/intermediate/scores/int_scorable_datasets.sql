{{ config(materialized='view') }}
-- What a score may read. Climate: validated datasets. Measures: observed or reference ones. Synthetic data only where all the
-- climate of the build is synthetic, so that its release is marked so. Data under evaluation: never.
with climate as (

    select distinct dataset_id from {{ ref('int_simulations') }}

),

datasets as (

    select
        datasets.dataset_id,
        datasets.validation_status,
        climate.dataset_id is not null as is_climate
    from {{ ref('stg_lake__datasets') }} as datasets
    left join climate on datasets.dataset_id = climate.dataset_id

),

build as (

    select coalesce(bool_and(validation_status = 'synthetic') filter (is_climate), false) as is_synthetic from datasets

)

select datasets.*, build.is_synthetic
from datasets
cross join build
where case
    when datasets.validation_status = 'synthetic' then build.is_synthetic
    when datasets.is_climate then datasets.validation_status = 'validated'
    else datasets.validation_status in ('observed', 'reference', 'validated')
end
