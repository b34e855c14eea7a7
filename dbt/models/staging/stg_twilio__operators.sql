select
    id as operator_id,
    name,
    description,
    version,
    author,
    output_format,
    extra,
    synced_at,
    deleted_at
from {{ source('twilio', 'operators') }}
