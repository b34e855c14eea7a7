{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='conversation_id') }}

-- One row a conversation, kept up to date by what changed since the last run. synced_at moves whenever anything about a
-- conversation changes, a late message or result and its deletion included: so deleted ones have to stay in, with
-- deleted_at. Left out here, a conversation deleted after it was read would stay as it was for ever.
select
    conversation_id,
    status,
    is_open,
    created_at,
    deleted_at,
    synced_at,
    channels,
    duration_seconds,
    first_response_seconds,
    first_response_type,
    communications,
    customer_communications,
    agent_communications,
    agent_address,
    agent_name,
    operator_results
from {{ source('twilio', 'conversation_overview') }}
{% if is_incremental() %}
where synced_at > (select coalesce(max(synced_at), '-infinity') from {{ this }})
{% endif %}
