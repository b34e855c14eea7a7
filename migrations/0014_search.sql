-- Search in communications. The index is made by `search-index` where somebody wants it: see there.
CREATE FUNCTION twilio.search_document(configuration regconfig, said text, created_at timestamptz) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- The words of a text, and a word for its day, such as @20614: the search asks for one day after the other. Postgres refuses a
-- tsvector of more than 1 MB, and so would the index refuse the row: the words after the first 100,000 characters are left out.
RETURN CASE WHEN created_at IS NULL THEN to_tsvector(configuration, left(said, 100000))
  ELSE to_tsvector(configuration, left(said, 100000))
    || array_to_tsvector(ARRAY['@' || floor(extract(epoch FROM created_at AT TIME ZONE 'UTC') / 86400)::text])
END;
--> statement-breakpoint
COMMENT ON FUNCTION twilio.search_document(regconfig, text, timestamptz) IS 'What the index of search_communications holds of a communication: its words, and one for its day.';
--> statement-breakpoint
CREATE FUNCTION twilio.search_configuration() RETURNS regconfig
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT replace(substring(pg_get_indexdef(indexrelid, 1, false) FROM '''((?:[^'']|'''')+)''::regconfig'), '''''', '''')::regconfig
  FROM pg_index WHERE indexrelid = to_regclass('twilio.communications_search') AND indisvalid
$$;
--> statement-breakpoint
COMMENT ON FUNCTION twilio.search_configuration() IS 'The text search configuration of the index that search_communications uses; null where there is no index.';
--> statement-breakpoint
CREATE FUNCTION twilio.search_communications(query text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (conversation_id text, communication_id text, created_at timestamptz, participant_name text, participant_type text, headline text, rank real)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- The configuration has to be a constant to the planner: only then does it find the index.
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET jit = off
-- Columns are qualified in the body, so that a later column of the same name as a variable changes nothing.
AS $$
#variable_conflict use_variable
DECLARE
  most CONSTANT int := 1000;
  indexed CONSTANT regconfig := twilio.search_configuration();
  configuration CONSTANT regconfig := coalesce(indexed, 'simple'::regconfig);
  words CONSTANT tsquery := websearch_to_tsquery(configuration, query);
  newest CONSTANT timestamptz := least(until, (SELECT max(m.created_at) FROM twilio.communications m));
  oldest timestamptz := coalesce(since, '-infinity');
  before timestamptz := coalesce(until, 'infinity');
  day int;
  days int;
  wanted tsquery := words;
  matches twilio.communications[] := '{}';
BEGIN
  IF numnode(words) > 0 AND isfinite(newest) THEN
    IF indexed IS NULL THEN
      IF since IS NULL THEN
        oldest := newest - interval '7 days';
        RAISE NOTICE 'without an index, only the last 7 days are searched: see conversation-sync search-index';
      END IF;
      matches := ARRAY(
        SELECT m FROM twilio.communications m JOIN twilio.conversations c ON c.id = m.conversation_id
        WHERE m.created_at < before AND m.created_at >= oldest AND c.deleted_at IS NULL
          AND twilio.search_document(configuration, m.text, m.created_at) @@ words
        ORDER BY m.created_at DESC, m.conversation_id, m.position LIMIT most);
    ELSE
      -- All matches of a frequent word are too many to read. The index is asked for those of the newest day, then of the 4 days before,
      -- the 16 before those and the 64 before those. A word with fewer than 1,000 matches in 85 days is looked up in the rest at once.
      day := floor(extract(epoch FROM newest) / 86400);
      FOREACH days IN ARRAY '{1,4,16,64,0}'::int[] LOOP
        IF days = 0 THEN
          wanted := words;
        ELSE
          SELECT words && string_agg('''@' || each || '''', '|')::tsquery INTO wanted FROM generate_series(day - days + 1, day) AS each;
        END IF;
        matches := matches || ARRAY(
          SELECT near.m FROM (
            SELECT m, m.created_at, m.conversation_id, m.position FROM twilio.communications m
            WHERE twilio.search_document(indexed, m.text, m.created_at) @@ wanted
            -- OFFSET keeps the other conditions out of here: with them, Postgres might read a span of time in place of the index.
            ORDER BY m.created_at DESC, m.conversation_id, m.position OFFSET 0) AS near
          JOIN twilio.conversations c ON c.id = near.conversation_id
          WHERE near.created_at < before AND near.created_at >= oldest AND c.deleted_at IS NULL
          ORDER BY near.created_at DESC, near.conversation_id, near.position LIMIT most - cardinality(matches));
        day := day - days;
        before := least(before, to_timestamp((day + 1) * 86400.0));
        EXIT WHEN cardinality(matches) >= most OR before <= oldest;
      END LOOP;
    END IF;
  END IF;
  RETURN QUERY
    SELECT m.conversation_id, m.id, m.created_at, p.name, p.type,
           ts_headline(configuration, left(m.text, 2000), words, 'StartSel=**, StopSel=**'),
           ts_rank(to_tsvector(configuration, left(m.text, 100000)), words)
    FROM unnest(matches) AS m
    LEFT JOIN twilio.participants p ON p.conversation_id = m.conversation_id AND p.id = m.participant_id
    ORDER BY 7 DESC, m.created_at DESC, m.conversation_id, m.position;
END
$$;
--> statement-breakpoint
COMMENT ON FUNCTION twilio.search_communications(text, timestamptz, timestamptz) IS 'Finds communications by their words: the newest 1,000 matches since a time and before another, the best first, without those of deleted conversations. Syntax as in web search: invoice "not paid" -refund, parcel or package. With an index (conversation-sync search-index) it searches all of history; without one the last 7 days, unless since is given, and word forms as they are.';
--> statement-breakpoint
COMMENT ON VIEW twilio.transcripts IS 'One row a conversation, deleted ones too (deleted_at): all that was said, in order, as one text. To search, use twilio.search_communications() or twilio.communications.text: this text is put together for every row that a filter looks at, and no index helps.';
COMMENT ON COLUMN twilio.transcripts.transcript IS 'A line a communication, in the API''s order: [time, UTC] name: text. The name is the participant''s, else its type, else its id. Empty where nothing was said. Not for searching: see the comment of the view.';
