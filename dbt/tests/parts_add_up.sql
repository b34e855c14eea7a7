-- Fails with the conversations whose parts are more than the whole.
select conversation_id
from {{ ref('fct_conversations') }}
where customer_communications + agent_communications > communications
