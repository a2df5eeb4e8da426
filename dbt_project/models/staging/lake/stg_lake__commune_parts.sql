select * from {{ source('lake', 'commune_part') }}
