{{ config(materialized='view') }}
-- What each score is made of, as authored: of every dataset, or of those of a profile.
select * from {{ ref('score_bins') }}
union all by name
select * from {{ ref('habitability_profiles') }}
