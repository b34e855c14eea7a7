-- What is whole, for readers who see schema twilio alone: both read the bookkeeping by their owner's rights. Anybody who may use the
-- schema may ask for the time, and learns nothing else by it: so the function is left to PUBLIC.
COMMENT ON COLUMN twilio_sync.scope.history_from IS 'How far back history goes: SYNC_START, as the last writer was given it.';
COMMENT ON COLUMN twilio_sync.due.created_from IS 'Of a conversation that was listed: when it was created, or the earliest it can have been.';
--> statement-breakpoint
-- What waits already does not say when it was created: taken for changed, it is asked for again when it is next listed, and then does.
UPDATE twilio_sync.due SET fingerprint = NULL WHERE reason IN ('failed', 'absent');
--> statement-breakpoint
CREATE FUNCTION twilio.data_complete_through() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH listed AS (
    -- `reached`: what the windows before this one, in the order of created_at, have covered from the start of history.
    SELECT history_from, from_at, to_at, greatest(history_from,
             max(to_at) OVER (ORDER BY from_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS reached
    FROM twilio_sync.windows CROSS JOIN twilio_sync.scope
    WHERE completed_at IS NOT NULL AND sweep <> 'open' AND to_at > history_from
  ), whole AS (
    SELECT min(history_from) AS history_from,
           coalesce(min(reached) FILTER (WHERE from_at > reached), max(to_at)) AS listed_through
    FROM listed
  )
  SELECT through FROM whole CROSS JOIN LATERAL (
    SELECT least(listed_through, (
      SELECT min(created_from) FROM twilio_sync.due
      WHERE created_from >= history_from AND (reason = 'failed' OR reason = 'absent' AND attempts <= 3)
        AND NOT EXISTS (SELECT FROM twilio.conversations WHERE id = conversation_id AND deleted_at IS NULL)
    )) AS through
  ) AS held_back
  WHERE through > history_from
$$;
--> statement-breakpoint
COMMENT ON FUNCTION twilio.data_complete_through() IS 'Up to when, by created_at, the copy is whole: every second from the start of history up to it was listed completely under the present filters, and every conversation listed there is stored. Null until history is loaded, which goes newest first: see twilio.coverage meanwhile.';
--> statement-breakpoint
CREATE VIEW twilio.coverage AS
WITH listed AS (
  SELECT from_at, to_at, completed_at FROM twilio_sync.windows WHERE completed_at IS NOT NULL AND sweep <> 'open'
), scope AS (
  SELECT (SELECT history_from FROM twilio_sync.scope) AS history_from, (SELECT max(to_at) FROM listed) AS reached
), wanted AS (
  SELECT (coalesce(c.created_at, d.created_from) AT TIME ZONE 'UTC')::date AS day,
         count(DISTINCT d.conversation_id) FILTER (WHERE d.reason = 'failed') AS quarantined,
         count(DISTINCT d.conversation_id) FILTER (WHERE d.created_from IS NOT NULL AND (c.id IS NULL OR c.deleted_at IS NOT NULL)
           AND (d.reason = 'failed' OR d.attempts <= 3)) AS awaited
  FROM twilio_sync.due d LEFT JOIN twilio.conversations c ON c.id = d.conversation_id
  WHERE d.reason IN ('failed', 'absent')
  GROUP BY 1
), days AS (
  SELECT generate_series(date_trunc('day', history_from AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC', '1 day')::date AS day FROM scope
  UNION
  SELECT (created_at AT TIME ZONE 'UTC')::date FROM twilio.conversations
  WHERE created_at < coalesce((SELECT history_from FROM scope), 'infinity')
  UNION
  SELECT (created_at AT TIME ZONE 'UTC')::date FROM twilio.conversations WHERE created_at > now()
  UNION
  SELECT day FROM wanted WHERE quarantined + awaited > 0 AND day IS NOT NULL
)
SELECT days.day, seen.listed_completely_at, kept.stored, kept.open, coalesce(wanted.quarantined, 0) AS quarantined,
       coalesce(wanted.awaited, 0) AS awaited, kept.deleted
FROM days
CROSS JOIN scope
CROSS JOIN LATERAL (
  SELECT days.day::timestamp AT TIME ZONE 'UTC' AS begins, (days.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
) AS whole
CROSS JOIN LATERAL (
  -- The first day begins with history; a day that is not over ends, for now, where listing has got to.
  SELECT CASE WHEN history_from > begins AND history_from < ends THEN history_from ELSE begins END AS begins,
         CASE WHEN ends <= now() THEN ends ELSE least(ends, coalesce(reached, begins)) END AS ends
) AS part
CROSS JOIN LATERAL (
  -- How recently an instant was listed falls only where a window ends: it is enough to look there, and where the day begins.
  SELECT CASE WHEN count(*) = count(newest) THEN min(newest) END AS listed_completely_at
  FROM (
    SELECT part.begins AS at WHERE part.begins < part.ends
    UNION
    SELECT to_at FROM listed WHERE to_at > part.begins AND to_at < part.ends
  ) AS edges
  CROSS JOIN LATERAL (SELECT max(completed_at) AS newest FROM listed WHERE from_at <= edges.at AND to_at > edges.at) AS over
) AS seen
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS stored,
         count(*) FILTER (WHERE deleted_at IS NULL AND status IN ('ACTIVE', 'INACTIVE')) AS open,
         count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted
  FROM twilio.conversations WHERE created_at >= whole.begins AND created_at < whole.ends
) AS kept
LEFT JOIN wanted ON wanted.day = days.day;
--> statement-breakpoint
COMMENT ON VIEW twilio.coverage IS 'How whole the copy is, one row a day of created_at (UTC): every day from the start of history to today, and days outside of it that anything is stored for.';
COMMENT ON COLUMN twilio.coverage.day IS 'The day, UTC.';
COMMENT ON COLUMN twilio.coverage.listed_completely_at IS 'When the whole of the day was last listed, every second of it at this time or later; null while any is not listed under the present filters. Of a day that is not over: as far as listing has got.';
COMMENT ON COLUMN twilio.coverage.stored IS 'Conversations created that day that are stored and not deleted.';
COMMENT ON COLUMN twilio.coverage.open IS 'Of those stored, the ones that are ACTIVE or INACTIVE.';
COMMENT ON COLUMN twilio.coverage.quarantined IS 'Conversations of that day whose last fetch failed; the version stored before, where there is one, is counted as stored too.';
COMMENT ON COLUMN twilio.coverage.awaited IS 'Conversations that were listed and are not stored yet, most of them in quarantine. They hold twilio.data_complete_through() back.';
COMMENT ON COLUMN twilio.coverage.deleted IS 'Conversations of that day that are gone from the API; their rows stay.';
