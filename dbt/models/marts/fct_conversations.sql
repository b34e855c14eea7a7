{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='conversation_id',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['conversation_id'], 'unique': True}, {'columns': ['synced_at']}, {'columns': ['day']}],
    post_hook="
      delete from {{ this }} as copy
      where not exists (
        select from {{ source('twilio', 'conversations') }} as source
        where source.id = copy.conversation_id
      )
    ",
) }}

-- One row a conversation, kept up to date by what changed since the last run. synced_at moves whenever anything about a
-- conversation changes, a late message or result and its deletion included: so deleted ones have to stay in, with
-- deleted_at. Left out here, a conversation deleted after it was read would stay as it was for ever. One that was erased
-- from the source (`forget`, SYNC_RETENTION) has no row to say so: the post-hook deletes it.
select *
from {{ ref('stg_twilio__conversations') }}
{% if is_incremental() %}
where synced_at > (select coalesce(max(synced_at), '-infinity') from {{ this }})
{% endif %}
