select * from {{ source('twilio', 'conversation_overview') }}
