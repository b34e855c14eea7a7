select * from {{ source('twilio', 'customers') }}
