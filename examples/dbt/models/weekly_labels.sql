-- What classifying operators said last of each conversation, one row a week (UTC), operator and label.
select
    date_trunc('week', r.conversation_created_at at time zone 'UTC')::date as week,
    r.operator_id,
    o.name as operator_name,
    r.label,
    count(*) as conversations
from {{ ref('operator_results') }} as r
left join {{ source('twilio', 'operators') }} as o on o.id = r.operator_id
where r.deleted_at is null
  and r.is_latest
  and r.label is not null
group by 1, 2, 3, 4
