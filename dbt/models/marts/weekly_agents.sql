-- What agents did, one row a week (UTC) and agent. Every agent of a conversation counts, not only the first one.
select
    date_trunc('week', p.day::timestamp)::date as week,
    p.address,
    a.name,
    a.type,
    a.is_shared,
    count(distinct p.conversation_id) as conversations,
    sum(p.communications) as communications,
    sum(p.responses) as responses,
    sum(p.average_response_seconds * p.responses) / nullif(sum(p.responses), 0) as average_response_seconds
from {{ ref('fct_participants') }} as p
left join {{ ref('dim_agents') }} as a on a.address = p.address
where p.deleted_at is null
  and p.type in ('HUMAN_AGENT', 'AGENT', 'AI_AGENT')
  and p.address is not null
  and p.communications > 0
group by 1, 2, 3, 4, 5
