{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='conversation_id',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['conversation_id', 'operator_result_id'], 'unique': True}, {'columns': ['synced_at']}, {'columns': ['operator_id', 'day']}],
    post_hook="
      delete from {{ this }} as copy
      where not exists (
        select from {{ source('twilio', 'operator_results') }} as source
        where source.conversation_id = copy.conversation_id
      )
    ",
) }}

-- One row an operator result. All results of a conversation that changed are read again, in place of those of the last run. A
-- conversation that has none left, or was erased, has no row to say so: the post-hook deletes its rows. What changed after
-- fct_conversations was built waits for the next run, so that the facts fit together.
select *
from {{ ref('stg_twilio__operator_results') }}
where synced_at <= (select max(synced_at) from {{ ref('fct_conversations') }})
{% if is_incremental() %}
and synced_at > (select coalesce(max(synced_at), '-infinity') from {{ this }})
{% endif %}
