select * from {{ ref('stg_twilio__days') }}
