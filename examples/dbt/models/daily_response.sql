-- How soon customers were answered, by day. Here the deleted ones are left out: this is made anew each time.
select
    (created_at at time zone 'UTC')::date as day,
    count(*) as conversations,
    count(first_response_seconds) as answered,
    percentile_cont(0.5) within group (order by first_response_seconds) as median_first_response_seconds
from {{ ref('conversations') }}
where deleted_at is null
group by 1
