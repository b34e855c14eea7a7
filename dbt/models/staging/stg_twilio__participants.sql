select * from {{ source('twilio', 'participant_metrics') }}
