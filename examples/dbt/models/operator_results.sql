{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='conversation_id') }}

-- One row an operator result, kept up to date by what changed since the last run. All results of a conversation that
-- changed are read again. A conversation without results has one row, with operator_result_id null: it takes the place of
-- results that are gone. Names are left to the models that read this one, since they change without synced_at.
select
    c.id as conversation_id,
    c.created_at as conversation_created_at,
    c.deleted_at,
    c.synced_at,
    r.id as operator_result_id,
    r.operator_id,
    r.output_format,
    r.label,
    r.text,
    r.result,
    r.created_at,
    r.is_latest
from {{ source('twilio', 'conversations') }} as c
left join {{ source('twilio', 'results') }} as r on r.conversation_id = c.id
{% if is_incremental() %}
where c.synced_at > (select coalesce(max(synced_at), '-infinity') from {{ this }})
{% endif %}
