{{ config(severity='warn') }}

-- Warns of days that are not whole: not listed to their end yet, or with conversations that cannot be fetched.
select day
from {{ source('twilio', 'coverage') }}
where listed_completely_at is null
   or quarantined > 0
