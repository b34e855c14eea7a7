-- A word that was frequent long ago, and is not any more: its matches are read a few days at a time too. And no later column can be taken
-- for a variable.
CREATE OR REPLACE FUNCTION twilio.search_communications(query text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (conversation_id text, communication_id text, created_at timestamptz, participant_name text, participant_type text, headline text, rank real)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- The configuration has to be a constant to the planner: only then does it find the index.
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET jit = off
-- A bitmap of more matches than fit becomes one of pages, and each text on them would be read again.
SET work_mem = '64MB'
-- Columns are qualified in the body, so that a later column of the same name as a variable changes nothing.
AS $$
#variable_conflict use_variable
DECLARE
  most CONSTANT int := 1000;
  many CONSTANT int := 5000;
  indexed CONSTANT regconfig := twilio.search_configuration();
  configuration CONSTANT regconfig := coalesce(indexed, 'simple'::regconfig);
  words CONSTANT tsquery := websearch_to_tsquery(configuration, query);
  newest CONSTANT timestamptz := least(until, (SELECT max(m.created_at) FROM twilio.communications m));
  oldest timestamptz := coalesce(since, '-infinity');
  before timestamptz := coalesce(until, 'infinity');
  day int;
  days int := 1;
  longest int := 64;
  wanted tsquery;
  read int;
  more_conversations text[];
  more_ids text[];
  conversations text[] := '{}';
  ids text[] := '{}';
BEGIN
  IF numnode(words) = 0 OR isfinite(newest) IS NOT TRUE THEN
    RETURN;
  END IF;
  IF indexed IS NULL AND since IS NULL THEN
    oldest := newest - interval '7 days';
    RAISE NOTICE 'without an index, only the last 7 days are searched: see conversation-sync search-index';
  END IF;
  IF indexed IS NULL THEN
    SELECT array_agg(near.conversation_id), array_agg(near.id) INTO conversations, ids FROM (
      SELECT m.conversation_id, m.id FROM twilio.communications m
      JOIN twilio.conversations c ON c.id = m.conversation_id AND c.deleted_at IS NULL
      WHERE m.created_at < before AND m.created_at >= oldest AND twilio.search_document(configuration, m.text, m.created_at) @@ words
      ORDER BY m.created_at DESC, m.conversation_id, m.position LIMIT most) AS near;
  ELSE
    -- All matches of a frequent word are too many to read. The index is asked for those of the newest day, of the 4 days before, of the
    -- 16 before those, and of the rest. If the rest has too many, it is taken 16 days at a time, and less if those have too many.
    day := floor(extract(epoch FROM newest) / 86400);
    oldest := greatest(since, (SELECT min(m.created_at) FROM twilio.communications m));
    WHILE cardinality(ids) < most AND before > oldest LOOP
      wanted := words;
      IF days <= 16 THEN
        SELECT words && string_agg('''@' || each || '''', '|')::tsquery INTO wanted FROM generate_series(day - days + 1, day) AS each;
      END IF;
      WITH near AS MATERIALIZED (
        SELECT m.conversation_id, m.id, m.created_at, m.position FROM twilio.communications m
        WHERE twilio.search_document(indexed, m.text, m.created_at) @@ wanted
        -- As a subquery: for a limit that it knows, Postgres might read the table in place of the index.
        LIMIT (SELECT CASE WHEN days > 1 THEN many + 1 END)
      ), fresh AS (
        SELECT near.conversation_id, near.id FROM near JOIN twilio.conversations c ON c.id = near.conversation_id AND c.deleted_at IS NULL
        WHERE near.created_at < before AND near.created_at >= oldest
        ORDER BY near.created_at DESC, near.conversation_id, near.position LIMIT most - cardinality(ids)
      )
      SELECT (SELECT count(*) FROM near), array_agg(fresh.conversation_id), array_agg(fresh.id)
      INTO read, more_conversations, more_ids FROM fresh;
      IF read > many AND days > 1 THEN
        longest := least(longest, 16);
        days := days / 4;
        CONTINUE;
      END IF;
      conversations := conversations || more_conversations;
      ids := ids || more_ids;
      EXIT WHEN days > 16;
      day := day - days;
      before := least(before, to_timestamp((day + 1) * 86400.0));
      days := least(days * 4, longest);
    END LOOP;
  END IF;
  RETURN QUERY
    SELECT m.conversation_id, m.id, m.created_at, p.name, p.type,
           ts_headline(configuration, left(m.text, 2000), words, 'StartSel=**, StopSel=**'),
           ts_rank(to_tsvector(configuration, left(m.text, 100000)), words)
    FROM unnest(conversations, ids) AS found(conversation_id, id)
    JOIN twilio.communications m ON m.conversation_id = found.conversation_id AND m.id = found.id
    LEFT JOIN twilio.participants p ON p.conversation_id = m.conversation_id AND p.id = m.participant_id
    ORDER BY 7 DESC, m.created_at DESC, m.conversation_id, m.position;
END
$$;
