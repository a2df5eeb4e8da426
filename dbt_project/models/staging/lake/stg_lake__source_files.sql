select * from {{ source('lake', 'source_file') }}
