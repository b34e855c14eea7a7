-- What classifying operators said last of each conversation, one row a week (UTC), operator and label.
select
    date_trunc('week', r.day::timestamp)::date as week,
    r.operator_id,
    o.name as operator_name,
    r.label,
    count(*) as conversations
from {{ ref('fct_operator_results') }} as r
left join {{ ref('dim_operators') }} as o on o.operator_id = r.operator_id
where r.deleted_at is null
  and r.is_latest
  and r.label is not null
group by 1, 2, 3, 4
