-- Fails with the results whose conversation is not there, and with those that are there twice.
select r.operator_result_id
from {{ ref('operator_results') }} as r
left join {{ ref('conversations') }} as c on c.conversation_id = r.conversation_id
where c.conversation_id is null
union all
select operator_result_id
from {{ ref('operator_results') }}
where operator_result_id is not null
group by conversation_id, operator_result_id
having count(*) > 1
