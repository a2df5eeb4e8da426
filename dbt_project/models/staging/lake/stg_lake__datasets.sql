select * from {{ source('lake', 'dataset') }}
