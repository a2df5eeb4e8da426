{% test only_scorable(model) %}
{# No row of a dataset under evaluation, ever; none of a synthetic one unless all the climate of the build is synthetic. #}
select *
from {{ model }}
where validation_status is null
    or validation_status not in ('validated', 'synthetic')
    or (
        validation_status = 'synthetic'
        and exists (
            select 1
            from {{ ref('int_simulations') }}
            inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
            where datasets.validation_status <> 'synthetic'
        )
    )
{% endtest %}
