select
    classification_id,
    unnest(string_split(indicator_ids, ';')) as indicator_id,
    measure,
    class::tinyint as class,
    code,
    label_fr,
    label_en,
    lower::float as lower,
    lower_inclusive::boolean as lower_inclusive,
    upper::float as upper,
    upper_inclusive::boolean as upper_inclusive,
    reference,
    param_status
from {{ ref('indicator_classes') }}
