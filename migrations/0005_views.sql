-- What BI asks most, as views. Each looks everything up by the conversation's key, so that one conversation, or one day of them, costs
-- no more than its own rows; each keeps every conversation, also one without a participant or a communication. What is joined is one row by
-- its form, an aggregate without groups: Postgres leaves out those whose columns nobody asks for.
CREATE VIEW twilio.conversation_overview AS
SELECT c.id AS conversation_id, c.name, c.status, coalesce(c.status IN ('ACTIVE', 'INACTIVE'), false) AND c.deleted_at IS NULL AS is_open,
       c.created_at, c.updated_at, c.deleted_at, c.synced_at, c.conversation_configuration_id, channels.channels,
       talk.first_communication_at, talk.last_communication_at,
       extract(epoch FROM talk.last_communication_at - talk.first_communication_at)::float8 AS duration_seconds,
       extract(epoch FROM response.answered_at - response.asked_at)::float8 AS first_response_seconds, response.type AS first_response_type,
       talk.communications, talk.customer_communications, talk.agent_communications, talk.ai_agent_communications,
       talk.communications - talk.customer_communications - talk.agent_communications AS other_communications,
       customer.name AS customer_name, customer.address AS customer_address,
       agent.name AS agent_name, agent.address AS agent_address, agent.type AS agent_type, results.operator_results
FROM twilio.conversations c
LEFT JOIN LATERAL (
  SELECT coalesce(array_agg(channel ORDER BY channel), '{}') AS channels FROM twilio.conversation_channels WHERE conversation_id = c.id
) AS channels ON true
LEFT JOIN LATERAL (
  SELECT count(*) AS operator_results FROM twilio.operator_result_links WHERE conversation_id = c.id
) AS results ON true
LEFT JOIN LATERAL (
  SELECT count(*) AS communications, min(m.created_at) AS first_communication_at, max(m.created_at) AS last_communication_at,
         count(*) FILTER (WHERE p.type = 'CUSTOMER') AS customer_communications,
         count(*) FILTER (WHERE p.type IN ('HUMAN_AGENT', 'AGENT', 'AI_AGENT')) AS agent_communications,
         count(*) FILTER (WHERE p.type = 'AI_AGENT') AS ai_agent_communications
  FROM twilio.communications m
  LEFT JOIN twilio.participants p ON p.conversation_id = m.conversation_id AND p.id = m.participant_id
  WHERE m.conversation_id = c.id
) AS talk ON true
LEFT JOIN LATERAL (
  SELECT min(created_at) AS asked_at, min(created_at) FILTER (WHERE by_agent) AS answered_at,
         (array_agg(type ORDER BY created_at, position) FILTER (WHERE by_agent))[1] AS type
  FROM (
    SELECT m.created_at, m.position, p.type, p.type IN ('HUMAN_AGENT', 'AGENT', 'AI_AGENT') AS by_agent,
           count(*) FILTER (WHERE p.type = 'CUSTOMER') OVER (ORDER BY m.created_at, m.position) AS asked
    FROM twilio.communications m
    JOIN twilio.participants p ON p.conversation_id = m.conversation_id AND p.id = m.participant_id
    WHERE m.conversation_id = c.id AND m.created_at IS NOT NULL
  ) AS said WHERE asked > 0
) AS response ON true
LEFT JOIN LATERAL (
  SELECT (array_agg(p.name ORDER BY p.position))[1] AS name, (array_agg(a.address ORDER BY p.position))[1] AS address
  FROM twilio.participants p CROSS JOIN LATERAL (
    SELECT min(address COLLATE "C") AS address FROM twilio.participant_addresses WHERE conversation_id = p.conversation_id AND participant_id = p.id
  ) AS a
  WHERE p.conversation_id = c.id AND p.type = 'CUSTOMER'
) AS customer ON true
LEFT JOIN LATERAL (
  SELECT (array_agg(p.name ORDER BY p.type = 'AI_AGENT', p.position))[1] AS name,
         (array_agg(a.address ORDER BY p.type = 'AI_AGENT', p.position))[1] AS address,
         (array_agg(p.type ORDER BY p.type = 'AI_AGENT', p.position))[1] AS type
  FROM twilio.participants p CROSS JOIN LATERAL (
    SELECT min(address COLLATE "C") AS address FROM twilio.participant_addresses WHERE conversation_id = p.conversation_id AND participant_id = p.id
  ) AS a
  WHERE p.conversation_id = c.id AND p.type IN ('HUMAN_AGENT', 'AGENT', 'AI_AGENT')
) AS agent ON true;
--> statement-breakpoint
COMMENT ON VIEW twilio.conversation_overview IS 'One row a conversation, deleted ones too (deleted_at): who, when, how long, how much. Agents are HUMAN_AGENT, AGENT and AI_AGENT.';
COMMENT ON COLUMN twilio.conversation_overview.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.conversation_overview.name IS 'Display name, where the API gives one.';
COMMENT ON COLUMN twilio.conversation_overview.status IS 'ACTIVE, INACTIVE or CLOSED; a value the API adds later is kept as it comes.';
COMMENT ON COLUMN twilio.conversation_overview.is_open IS 'ACTIVE or INACTIVE, and not deleted.';
COMMENT ON COLUMN twilio.conversation_overview.created_at IS 'When the conversation began, by the API.';
COMMENT ON COLUMN twilio.conversation_overview.updated_at IS 'When the API last changed it.';
COMMENT ON COLUMN twilio.conversation_overview.deleted_at IS 'When it was found to be gone from the API; null while it is there.';
COMMENT ON COLUMN twilio.conversation_overview.synced_at IS 'When anything in this row last changed here: read increments with synced_at > the last value seen.';
COMMENT ON COLUMN twilio.conversation_overview.conversation_configuration_id IS 'The configuration that made the conversation.';
COMMENT ON COLUMN twilio.conversation_overview.channels IS 'The channels it used, in alphabetical order; empty where the API names none.';
COMMENT ON COLUMN twilio.conversation_overview.first_communication_at IS 'When the first thing was said; null where nothing was.';
COMMENT ON COLUMN twilio.conversation_overview.last_communication_at IS 'When the last thing was said, so far.';
COMMENT ON COLUMN twilio.conversation_overview.duration_seconds IS 'From the first to the last communication, in seconds; null where nothing was said.';
COMMENT ON COLUMN twilio.conversation_overview.first_response_seconds IS 'From the first communication of a customer to the first one of an agent after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversation_overview.first_response_type IS 'The type of the agent who responded first: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversation_overview.communications IS 'How many communications it has: those of customers, of agents and others add up to it.';
COMMENT ON COLUMN twilio.conversation_overview.customer_communications IS 'Of those, how many are by customers.';
COMMENT ON COLUMN twilio.conversation_overview.agent_communications IS 'How many are by agents, AI agents included.';
COMMENT ON COLUMN twilio.conversation_overview.ai_agent_communications IS 'Of those by agents, how many are by AI agents.';
COMMENT ON COLUMN twilio.conversation_overview.other_communications IS 'How many are by participants who are not listed, or of any other type.';
COMMENT ON COLUMN twilio.conversation_overview.customer_name IS 'Display name of the first customer listed.';
COMMENT ON COLUMN twilio.conversation_overview.customer_address IS 'That customer''s address; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_overview.agent_name IS 'Display name of the first agent listed; an AI agent only where no other is.';
COMMENT ON COLUMN twilio.conversation_overview.agent_address IS 'That agent''s address, which says who is the same agent in another conversation; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_overview.agent_type IS 'That agent''s type: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversation_overview.operator_results IS 'How many operator results it has.';
--> statement-breakpoint
CREATE VIEW twilio.transcripts AS
SELECT c.id AS conversation_id, c.status, c.created_at, c.deleted_at, c.synced_at, talk.communications, talk.transcript
FROM twilio.conversations c
LEFT JOIN LATERAL (
  SELECT count(*) AS communications, coalesce(string_agg(
           concat('[', coalesce(to_char(m.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'no time'), '] ',
                  coalesce(p.name, p.type, m.participant_id, 'unknown'), ': ', m.text), E'\n' ORDER BY m.position), '') AS transcript
  FROM twilio.communications m
  LEFT JOIN twilio.participants p ON p.conversation_id = m.conversation_id AND p.id = m.participant_id
  WHERE m.conversation_id = c.id
) AS talk ON true;
--> statement-breakpoint
COMMENT ON VIEW twilio.transcripts IS 'One row a conversation, deleted ones too (deleted_at): all that was said, in order, as one text.';
COMMENT ON COLUMN twilio.transcripts.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.transcripts.status IS 'ACTIVE, INACTIVE or CLOSED; a value the API adds later is kept as it comes.';
COMMENT ON COLUMN twilio.transcripts.created_at IS 'When the conversation began, by the API.';
COMMENT ON COLUMN twilio.transcripts.deleted_at IS 'When it was found to be gone from the API; null while it is there.';
COMMENT ON COLUMN twilio.transcripts.synced_at IS 'When anything in this row last changed here: read increments with synced_at > the last value seen.';
COMMENT ON COLUMN twilio.transcripts.communications IS 'How many communications the text is made of.';
COMMENT ON COLUMN twilio.transcripts.transcript IS 'A line a communication, in the API''s order: [time, UTC] name: text. The name is the participant''s, else its type, else its id. Empty where nothing was said.';
--> statement-breakpoint
CREATE VIEW twilio.daily_volume AS
WITH RECURSIVE days AS (
  -- The days that have conversations, each found from the one before by one look into the index of created_at.
  SELECT (min(created_at) AT TIME ZONE 'UTC')::date AS day FROM twilio.conversations
  UNION ALL
  SELECT ((SELECT min(created_at) FROM twilio.conversations WHERE created_at >= (days.day + 1)::timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')::date
  FROM days WHERE day IS NOT NULL
)
SELECT days.day, volume.channel, volume.status, volume.conversations
FROM days
CROSS JOIN LATERAL (
  SELECT coalesce(h.channel, '(none)') AS channel, coalesce(c.status, '(none)') AS status, count(*) AS conversations
  FROM twilio.conversations c
  LEFT JOIN twilio.conversation_channels h ON h.conversation_id = c.id
  WHERE c.deleted_at IS NULL AND c.created_at >= days.day::timestamp AT TIME ZONE 'UTC'
    AND c.created_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
  GROUP BY 1, 2
) AS volume;
--> statement-breakpoint
COMMENT ON VIEW twilio.daily_volume IS 'How many conversations began, by day (UTC), channel and status, without deleted ones. One with several channels counts once under each.';
COMMENT ON COLUMN twilio.daily_volume.day IS 'The day they were created, UTC.';
COMMENT ON COLUMN twilio.daily_volume.channel IS 'The channel; (none) for conversations without one.';
COMMENT ON COLUMN twilio.daily_volume.status IS 'The status they have now; (none) for conversations without one.';
COMMENT ON COLUMN twilio.daily_volume.conversations IS 'How many.';
