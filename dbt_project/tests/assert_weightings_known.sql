-- Every indicator asks for the area, and for weightings that dim_weighting knows: another word would drop it in silence.
select indicator_id, weightings
from {{ ref('indicators') }}
where weightings is null
    or not list_contains(string_split(weightings, ';'), 'area')
    or not list_has_all((select list(weighting) from {{ ref('weightings') }} where family <> 'altitude'), string_split(weightings, ';'))
