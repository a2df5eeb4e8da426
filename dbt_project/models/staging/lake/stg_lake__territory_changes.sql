select * from {{ source('lake', 'territory_change') }}
