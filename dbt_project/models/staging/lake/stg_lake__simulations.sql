select * from {{ source('lake', 'simulation') }}
