select * from {{ source('lake', 'cell') }}
