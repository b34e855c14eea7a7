-- Fails with the days for which the source's own totals differ.
select coalesce(c.day, t.day) as day
from {{ source('twilio', 'coverage') }} as c
full join {{ source('twilio', 'daily_totals') }} as t on t.day = c.day
where coalesce(c.stored, 0) <> coalesce(t.conversations, 0)
