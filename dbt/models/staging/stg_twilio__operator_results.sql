-- Without the names of operators and configurations: they change without synced_at, so a copy would keep old ones.
select
    r.conversation_id,
    r.id as operator_result_id,
    r.operator_id,
    r.operator_version,
    r.intelligence_configuration_id,
    r.intelligence_configuration_version,
    r.output_format,
    r.text,
    r.label,
    r.result,
    r.trigger,
    r.triggered_at,
    r.created_at,
    r.is_latest,
    c.created_at as conversation_created_at,
    c.day,
    c.channel,
    c.deleted_at,
    c.synced_at
from {{ source('twilio', 'results') }} as r
inner join {{ source('twilio', 'conversation_overview') }} as c on c.conversation_id = r.conversation_id
