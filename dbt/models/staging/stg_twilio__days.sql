select * from {{ source('twilio', 'days') }}
