-- Totals by day, which add up, and days of other time zones.
CREATE VIEW twilio.daily_totals AS
WITH RECURSIVE days AS (
  -- The days that have conversations, as in daily_volume: each is found from the one before by one look into the index of created_at.
  SELECT (min(created_at) AT TIME ZONE 'UTC')::date AS day FROM twilio.conversations
  UNION ALL
  SELECT ((SELECT min(created_at) FROM twilio.conversations WHERE created_at >= (days.day + 1)::timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')::date
  FROM days WHERE day IS NOT NULL
)
SELECT days.day, totals.conversations, totals.open
FROM days
CROSS JOIN LATERAL (
  SELECT count(*) AS conversations, count(*) FILTER (WHERE status IN ('ACTIVE', 'INACTIVE')) AS open
  FROM twilio.conversations
  WHERE deleted_at IS NULL AND created_at >= days.day::timestamp AT TIME ZONE 'UTC'
    AND created_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
) AS totals
WHERE days.day IS NOT NULL;
--> statement-breakpoint
COMMENT ON VIEW twilio.daily_totals IS 'How many conversations began, one row per day (UTC), without deleted ones. Each conversation counts once: sum these for a total. For numbers by channel, see twilio.daily_volume.';
COMMENT ON COLUMN twilio.daily_totals.day IS 'The day they were created, UTC.';
COMMENT ON COLUMN twilio.daily_totals.conversations IS 'How many. The sum over days is the total.';
COMMENT ON COLUMN twilio.daily_totals.open IS 'How many of them are ACTIVE or INACTIVE now.';
COMMENT ON VIEW twilio.daily_volume IS 'How many conversations began, by day (UTC), channel and status, without deleted ones. A conversation with several channels counts once under each, so the sum over channels is too high: for a total, sum twilio.daily_totals.';
COMMENT ON COLUMN twilio.daily_volume.conversations IS 'How many. Do not sum over channels: twilio.daily_totals has the totals.';
--> statement-breakpoint
-- Where a clock is set back at one in the morning, midnight is there twice: Postgres takes the second, and the day begins with the first.
CREATE FUNCTION twilio.day_start(day date, zone text DEFAULT 'UTC') RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN ((day::timestamp AT TIME ZONE zone AT TIME ZONE 'UTC' - interval '1 hour') AT TIME ZONE 'UTC' AT TIME ZONE zone)::date = day
  THEN (day::timestamp AT TIME ZONE zone AT TIME ZONE 'UTC' - interval '1 hour') AT TIME ZONE 'UTC'
  ELSE day::timestamp AT TIME ZONE zone
END;
--> statement-breakpoint
COMMENT ON FUNCTION twilio.day_start(date, text) IS 'The instant at which a day begins in a time zone, by its IANA name. created_at >= twilio.day_start(''2026-06-01'', ''America/New_York'') uses the index of created_at.';
