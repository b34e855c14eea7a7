select
    conversation_id,
    id as communication_id,
    position,
    participant_id,
    text,
    created_at,
    extra
from {{ source('twilio', 'communications') }}
