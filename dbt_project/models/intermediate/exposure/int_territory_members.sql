-- Commune → the territories made of communes that hold it. The country is metropolitan France, as everywhere.
select territory_id as commune_id, unnest([
    epci_id, departement_id, region_id, caisse_id, case when zone = 'metro' then 'country:FR' end
]) as territory_id
from {{ ref('stg_lake__territories') }}
where kind = 'commune'
