-- The version of a score: its authored label and a hash of all its bins, authored and computed. Another bin is another version.
with written as (

    select dataset_id, axis, score_id, bins::varchar as row_text from {{ ref('int_score_bins') }} as bins
    union all
    select dataset_id, axis, score_id, classes::varchar from {{ ref('int_score_classes') }} as classes

),

labels as (

    select dataset_id, axis, score_id, min(label) as label from {{ ref('int_score_bins') }} group by all

)

select
    dataset_id,
    axis,
    score_id,
    any_value(labels.label) || '-' || left(md5(string_agg(row_text, '|' order by row_text)), 8) as bin_version
from written
inner join labels using (dataset_id, axis, score_id)
group by all
