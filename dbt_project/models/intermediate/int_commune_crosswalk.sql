-- Any commune code ever used → the communes of today that hold its ground, stretch of time by stretch of time.
with recursive changes as (

    -- What moves ground from one code to another; names (10) and matters inside a commune (70, 71, 72) do not.
    select
        effective_on,
        change_code,
        if(from_kind = 'commune', 'commune', 'part') as from_state,
        from_code,
        if(to_kind = 'commune', 'commune', 'part') as to_state,
        to_code
    from {{ ref('stg_lake__territory_changes') }}
    where change_code not in (10, 70, 71, 72)
        and 'arrondissement' not in (coalesce(from_kind, ''), coalesce(to_kind, ''))

),

-- Re-established communes, and since when the commune that they leave had held them.
returns as (

    select
        split.effective_on,
        split.from_code,
        split.to_code,
        max(absorbed.effective_on) as absorbed_on
    from changes as split
    inner join changes as absorbed
        on absorbed.from_code = split.to_code and absorbed.from_state = 'commune'
        and absorbed.to_code <> absorbed.from_code and absorbed.effective_on < split.effective_on
    where split.change_code = 21 and split.from_state = 'commune' and split.to_state = 'commune'
        and split.from_code <> split.to_code
    group by all

),

leavers as (

    select from_code, effective_on, list(to_code) as codes from returns group by all

),

-- The days on which a code begins (arrives), ends (leaves), or lives through a change (stays).
days as (

    select
        state,
        code,
        effective_on,
        bool_or(leaves) as leaves,
        bool_or(arrives) as arrives,
        bool_or(leaves and arrives) as stays
    from (
        select
            from_state as state,
            from_code as code,
            effective_on,
            true as leaves,
            to_code is not distinct from from_code and to_state = from_state as arrives
        from changes
        where from_code is not null
        union all
        select to_state, to_code, effective_on, to_code is not distinct from from_code and to_state = from_state, true
        from changes
        where to_code is not null
    )
    group by all

),

-- Who becomes what on a day. A commune that lives on as a part (associée, déléguée) of the new one is followed as that
-- part: where it is re-established later, its ground is known exactly.
links as (

    select distinct
        changes.from_state,
        changes.from_code,
        changes.effective_on,
        changes.to_state,
        changes.to_code,
        returns.absorbed_on
    from changes
    left join returns
        on changes.change_code = 21 and changes.from_state = 'commune'
        and returns.effective_on = changes.effective_on
        and returns.from_code = changes.from_code and returns.to_code = changes.to_code
    where changes.from_code is not null
    qualify case
        when bool_or(changes.to_state = 'part' and changes.to_code = changes.from_code)
            over (partition by changes.from_state, changes.from_code, changes.effective_on)
            then changes.to_state = 'part' and changes.to_code = changes.from_code
        else changes.to_state = 'commune' or changes.from_state = 'part' or changes.to_code is null
    end

    union all

    -- The file may name a commune that receives another only as the receiver: it lives on.
    select state, code, effective_on, state, code, null
    from days
    where arrives and not leaves

),

-- A code between two such days. starts_on NULL: since before 1943; ends_on NULL: until now. A code that is made and
-- changed again on one day has a stretch of no length.
stretches as (

    select
        state,
        code,
        effective_on as starts_on,
        if(
            leaves and not stays,
            effective_on,
            lead(effective_on) over (partition by state, code order by effective_on)
        ) as ends_on
    from days
    qualify arrives

    union all

    select state, code, null as starts_on, min(effective_on) as ends_on
    from days
    group by state, code
    having arg_min(leaves and (stays or not arrives), effective_on)

),

-- From each stretch to what followed it, day after day. When a commune is re-established, it takes with it only what had
-- joined with it: what was never together is not torn apart.
routes as (

    select state, code, starts_on, ends_on, state as at_state, code as at_code, starts_on as at_start, ends_on as at_end
    from stretches

    union

    select
        routes.state,
        routes.code,
        routes.starts_on,
        routes.ends_on,
        links.to_state,
        links.to_code,
        links.effective_on,
        next_stretch.ends_on
    from routes
    inner join links
        on routes.at_state = links.from_state and routes.at_code = links.from_code
        and routes.at_end = links.effective_on
    left join leavers
        on routes.at_state = 'commune' and routes.at_code = leavers.from_code
        and routes.at_end = leavers.effective_on
    left join stretches as next_stretch
        on links.to_state = next_stretch.state and links.to_code = next_stretch.code
        and links.effective_on = next_stretch.starts_on
    where if(
        list_contains(leavers.codes, routes.code),
        links.to_code = routes.code,
        links.absorbed_on is null or links.absorbed_on < routes.ends_on
    )

),

found as (

    select
        routes.state,
        routes.code,
        coalesce(routes.starts_on, date '0001-01-01') as starts_on,
        coalesce(routes.ends_on, date '9999-12-31') as ends_on,
        list_sort(list(distinct if(routes.at_state = 'commune', routes.at_code, parts.commune_code))) as commune_codes
    from routes
    left join {{ ref('stg_lake__commune_parts') }} as parts
        on routes.at_state = 'part' and routes.at_code = parts.code
    where routes.at_end is null and routes.starts_on is distinct from routes.ends_on
    group by all

),

-- Where a code names both a commune and a part of it, the commune speaks.
pieces as (

    select
        found.state,
        bounds.code,
        bounds.starts_on,
        bounds.ends_on,
        found.commune_codes
    from (
        select code, starts_on, lead(starts_on) over (partition by code order by starts_on) as ends_on
        from (select code, starts_on from found union select code, ends_on from found)
    ) as bounds
    inner join found
        on bounds.code = found.code and bounds.starts_on >= found.starts_on and bounds.ends_on <= found.ends_on
    qualify row_number() over (partition by bounds.code, bounds.starts_on order by found.state) = 1

),

merged as (

    select state, code, min(starts_on) as starts_on, max(ends_on) as ends_on, any_value(commune_codes) as commune_codes
    from (
        select *, sum(is_new) over (partition by code order by starts_on) as island
        from (
            select
                *,
                (
                    lag(ends_on) over by_code is distinct from starts_on
                    or lag(commune_codes) over by_code is distinct from commune_codes
                    or lag(state) over by_code is distinct from state
                )::integer as is_new
            from pieces
            window by_code as (partition by code order by starts_on)
        )
    )
    group by state, code, island

),

unmoved as (

    select 'commune' as state, code, [code] as commune_codes
    from {{ ref('stg_lake__territories') }}
    where kind = 'commune'
    union all
    select if(kind = 'arrondissement', kind, 'part'), code, [commune_code]
    from {{ ref('stg_lake__commune_parts') }}
    where code not in (select code from {{ ref('stg_lake__territories') }} where kind = 'commune')

)

select
    code,
    state as kind,
    nullif(starts_on, date '0001-01-01') as valid_from,
    nullif(ends_on, date '9999-12-31') as valid_to,
    commune_codes
from merged

union all

select code, state, null, null, commune_codes
from unmoved
where code not in (select code from merged)
