-- How many conversations began, and how they were answered, by day. Here the deleted ones are left out: this is made
-- anew each time.
select
    c.day,
    coalesce(d.is_complete, false) as is_complete,
    count(*) as conversations,
    count(*) filter (where c.is_open) as open,
    sum(c.communications) as communications,
    count(c.first_response_seconds) as answered,
    count(*) filter (where c.is_unanswered) as unanswered,
    count(*) filter (where c.is_handed_over) as handed_over,
    count(*) filter (where c.is_contained) as contained,
    percentile_cont(0.5) within group (order by c.first_response_seconds) as median_first_response_seconds,
    percentile_cont(0.5) within group (order by c.duration_seconds) as median_duration_seconds
from {{ ref('fct_conversations') }} as c
left join {{ ref('dim_days') }} as d on d.day = c.day
where c.deleted_at is null
group by 1, 2
