-- A vintage of the official code is its state on 1 January.
select
    code,
    kind,
    valid_from,
    valid_to,
    (year(valid_from) + (valid_from > make_date(year(valid_from), 1, 1))::integer)::smallint as vintage_from,
    (year(valid_to) - (valid_to = make_date(year(valid_to), 1, 1))::integer)::smallint as vintage_to,
    row_number() over (partition by code order by valid_to desc nulls first) = 1 as is_latest,
    if(len(commune_codes) = 1, 'commune:' || commune_codes[1], null) as territory_id,
    list_transform(list_filter(commune_codes, lambda c: c is not null), lambda c: 'commune:' || c) as candidates,
    case
        when len(commune_codes) > 1 then 'ambiguous_split'
        when commune_codes[1] is null then 'abolished'
    end as reason
from {{ ref('int_commune_crosswalk') }}
