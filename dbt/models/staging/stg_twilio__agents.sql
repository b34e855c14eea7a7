select * from {{ source('twilio', 'agents') }}
