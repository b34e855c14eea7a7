CREATE TABLE "twilio_sync"."metrics" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"version" integer NOT NULL,
	"reached_at" timestamp with time zone,
	"reached_id" text,
	"filled_at" timestamp with time zone,
	CONSTRAINT "metrics_only" CHECK ("twilio_sync"."metrics"."singleton")
);
--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "communications" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "customer_communications" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "agent_communications" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "ai_agent_communications" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "words" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "turns" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_communication_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "last_communication_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_response_seconds" double precision;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_response_participant_id" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_response_type" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_response_name" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "first_response_address" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "person_response_seconds" double precision;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "longest_wait_seconds" double precision;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "is_handed_over" boolean;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "is_contained" boolean;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "is_unanswered" boolean;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "participants" integer;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "customer_name" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "customer_address" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "agent_name" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "agent_address" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "agent_type" text;--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "channels" text[];--> statement-breakpoint
ALTER TABLE "twilio"."conversations" ADD COLUMN "operator_results" integer;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "address" text;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "communications" integer;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "words" integer;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "first_communication_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "last_communication_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "responses" integer;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD COLUMN "response_seconds" double precision;
--> statement-breakpoint
INSERT INTO twilio_sync.metrics (version) VALUES (1);
--> statement-breakpoint
-- The same columns as before, then new ones. All are read from the conversation's row.
CREATE OR REPLACE VIEW twilio.conversation_overview AS
SELECT c.id AS conversation_id, c.name, c.status, coalesce(c.status IN ('ACTIVE', 'INACTIVE'), false) AND c.deleted_at IS NULL AS is_open,
       c.created_at, c.updated_at, c.deleted_at, c.synced_at, c.conversation_configuration_id, c.channels,
       c.first_communication_at, c.last_communication_at,
       extract(epoch FROM c.last_communication_at - c.first_communication_at)::float8 AS duration_seconds,
       c.first_response_seconds, c.first_response_type,
       c.communications::bigint AS communications, c.customer_communications::bigint AS customer_communications,
       c.agent_communications::bigint AS agent_communications, c.ai_agent_communications::bigint AS ai_agent_communications,
       (c.communications - c.customer_communications - c.agent_communications)::bigint AS other_communications,
       c.customer_name, c.customer_address COLLATE "C" AS customer_address, c.agent_name, c.agent_address COLLATE "C" AS agent_address,
       c.agent_type, c.operator_results::bigint AS operator_results,
       (c.created_at AT TIME ZONE 'UTC')::date AS day, c.channels[1] AS channel, array_to_string(c.channels, ', ') AS channel_list,
       c.first_response_participant_id, c.first_response_name, c.first_response_address, c.person_response_seconds,
       c.longest_wait_seconds, c.turns, c.words, c.participants, c.is_handed_over, c.is_contained, c.is_unanswered
FROM twilio.conversations c;
--> statement-breakpoint
CREATE VIEW twilio.conversation_metrics AS
SELECT c.id AS conversation_id, (c.created_at AT TIME ZONE 'UTC')::date AS day, c.channels[1] AS channel,
       array_to_string(c.channels, ', ') AS channel_list, c.channels, c.participants, c.communications, c.customer_communications,
       c.agent_communications, c.ai_agent_communications,
       c.communications - c.customer_communications - c.agent_communications AS other_communications, c.words, c.turns,
       c.first_communication_at, c.last_communication_at,
       extract(epoch FROM c.last_communication_at - c.first_communication_at)::float8 AS duration_seconds,
       c.first_response_seconds, c.first_response_participant_id, c.first_response_type, c.first_response_name, c.first_response_address,
       c.person_response_seconds, c.longest_wait_seconds, c.is_handed_over, c.is_contained, c.is_unanswered,
       c.customer_name, c.customer_address, c.agent_name, c.agent_address, c.agent_type, c.operator_results
FROM twilio.conversations c;
--> statement-breakpoint
CREATE VIEW twilio.participant_metrics AS
SELECT p.conversation_id, p.id AS participant_id, p.position, p.name, p.type, p.address, c.created_at,
       (c.created_at AT TIME ZONE 'UTC')::date AS day, c.deleted_at, c.synced_at,
       p.communications, p.words, p.first_communication_at, p.last_communication_at,
       p.communications::float8 / nullif(c.communications, 0) AS share_of_communications,
       p.words::float8 / nullif(c.words, 0) AS share_of_words,
       p.responses, p.response_seconds / nullif(p.responses, 0) AS average_response_seconds
FROM twilio.participants p
JOIN twilio.conversations c ON c.id = p.conversation_id;
--> statement-breakpoint
CREATE VIEW twilio.agents AS
WITH seen AS (
  -- One row an address and conversation: somebody can be listed twice.
  SELECT p.address, p.conversation_id, min(p.name) AS name, min(p.type) AS type, min(c.created_at) AS created_at, sum(p.communications) AS communications
  FROM twilio.participants p
  JOIN twilio.conversations c ON c.id = p.conversation_id
  WHERE p.type IN ('HUMAN_AGENT', 'AGENT', 'AI_AGENT') AND p.address IS NOT NULL AND c.deleted_at IS NULL
  GROUP BY p.address, p.conversation_id
), named AS (
  SELECT address, name, type, count(*) AS conversations, count(*) FILTER (WHERE communications > 0) AS spoken_in,
         sum(communications) AS communications, min(created_at) AS first_seen_at, max(created_at) AS last_seen_at
  FROM seen
  GROUP BY address, name, type
)
SELECT address, (array_agg(name ORDER BY conversations DESC, name) FILTER (WHERE name IS NOT NULL))[1] AS name,
       (array_agg(type ORDER BY conversations DESC, type))[1] AS type, count(DISTINCT name) AS names,
       count(DISTINCT type) > 1 OR count(DISTINCT name) > 1 AND max(conversations) * 2 < sum(conversations) AS is_shared,
       min(first_seen_at) AS first_seen_at, max(last_seen_at) AS last_seen_at, sum(conversations)::bigint AS conversations,
       sum(spoken_in)::bigint AS conversations_spoken_in, sum(communications)::bigint AS communications
FROM named
GROUP BY address;
--> statement-breakpoint
CREATE VIEW twilio.customers AS
WITH seen AS (
  SELECT p.address, p.conversation_id, min(p.name) AS name, min(c.created_at) AS created_at
  FROM twilio.participants p
  JOIN twilio.conversations c ON c.id = p.conversation_id
  WHERE p.type = 'CUSTOMER' AND p.address IS NOT NULL AND c.deleted_at IS NULL
  GROUP BY p.address, p.conversation_id
), contacts AS (
  SELECT address, name, created_at,
         created_at - lag(created_at) OVER (PARTITION BY address ORDER BY created_at, conversation_id) <= interval '168 hours' AS is_repeat
  FROM seen
), named AS (
  SELECT address, name, count(*) AS contacts, count(*) FILTER (WHERE is_repeat) AS repeats,
         min(created_at) AS first_seen_at, max(created_at) AS last_seen_at
  FROM contacts
  GROUP BY address, name
)
SELECT address, (array_agg(name ORDER BY contacts DESC, name) FILTER (WHERE name IS NOT NULL))[1] AS name, count(DISTINCT name) AS names,
       count(DISTINCT name) > 1 AND max(contacts) * 2 < sum(contacts) AS is_shared,
       min(first_seen_at) AS first_seen_at, max(last_seen_at) AS last_seen_at,
       sum(contacts)::bigint AS contacts, sum(repeats)::bigint AS repeats_within_7_days
FROM named
GROUP BY address;
--> statement-breakpoint
CREATE VIEW twilio.days AS
SELECT day, date_trunc('week', day::timestamp)::date AS week, date_trunc('month', day::timestamp)::date AS month,
       extract(isodow FROM day)::int AS weekday,
       listed_completely_at IS NOT NULL AND quarantined = 0 AND awaited = 0 AS is_complete
FROM twilio.coverage;
--> statement-breakpoint
COMMENT ON COLUMN twilio.conversations.communications IS 'Computed. How many communications it has.';
COMMENT ON COLUMN twilio.conversations.customer_communications IS 'Computed. Of those, how many are by customers.';
COMMENT ON COLUMN twilio.conversations.agent_communications IS 'Computed. How many are by agents (HUMAN_AGENT, AGENT, AI_AGENT).';
COMMENT ON COLUMN twilio.conversations.ai_agent_communications IS 'Computed. Of those by agents, how many are by AI agents.';
COMMENT ON COLUMN twilio.conversations.words IS 'Computed. Words of all communications: what stands between spaces, tabs and line breaks. Languages that write no spaces have few.';
COMMENT ON COLUMN twilio.conversations.turns IS 'Computed. How often the speaker changed, the first one included. Like all that follows the course of the talk, of communications with a time alone; 0 where there is none.';
COMMENT ON COLUMN twilio.conversations.first_communication_at IS 'Computed. When the first thing was said; null where nothing was.';
COMMENT ON COLUMN twilio.conversations.last_communication_at IS 'Computed. When the last thing was said, so far; null where nothing was.';
COMMENT ON COLUMN twilio.conversations.first_response_seconds IS 'Computed. From the first communication of a customer to the first one of an agent after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversations.first_response_participant_id IS 'Computed. The participant who gave that answer; null while there is none.';
COMMENT ON COLUMN twilio.conversations.first_response_type IS 'Computed. That participant''s type: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversations.first_response_name IS 'Computed. That participant''s display name.';
COMMENT ON COLUMN twilio.conversations.first_response_address IS 'Computed. That participant''s address, which says who is the same agent in another conversation; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversations.person_response_seconds IS 'Computed. From the first communication of a customer to the first one of a person (HUMAN_AGENT, AGENT) after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversations.longest_wait_seconds IS 'Computed. The longest that a customer waited for an agent''s answer, in seconds; null where no agent ever answered. A wait that nobody has ended does not count.';
COMMENT ON COLUMN twilio.conversations.is_handed_over IS 'Computed. An AI agent said something, and later a person did. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversations.is_contained IS 'Computed. An AI agent said something and no person did, so far. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversations.is_unanswered IS 'Computed. A customer said something, and no agent has said anything after that. False where no customer did.';
COMMENT ON COLUMN twilio.conversations.participants IS 'Computed. How many participants are listed.';
COMMENT ON COLUMN twilio.conversations.customer_name IS 'Computed. Display name of the first customer listed; null where none is.';
COMMENT ON COLUMN twilio.conversations.customer_address IS 'Computed. That customer''s address; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversations.agent_name IS 'Computed. Display name of the first agent listed, not always the one who answered; an AI agent only where no other is.';
COMMENT ON COLUMN twilio.conversations.agent_address IS 'Computed. That agent''s address; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversations.agent_type IS 'Computed. That agent''s type: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversations.channels IS 'Computed. The channels it used, in alphabetical order; empty where the API names none.';
COMMENT ON COLUMN twilio.conversations.operator_results IS 'Computed. How many operator results it names.';
COMMENT ON COLUMN twilio.participants.address IS 'Computed. The participant''s address; of several, the first by its bytes. All of them are in participant_addresses.';
COMMENT ON COLUMN twilio.participants.communications IS 'Computed. How many communications are by this participant.';
COMMENT ON COLUMN twilio.participants.words IS 'Computed. Words of these communications: what stands between spaces, tabs and line breaks.';
COMMENT ON COLUMN twilio.participants.first_communication_at IS 'Computed. When this participant first said something; null where nothing was said.';
COMMENT ON COLUMN twilio.participants.last_communication_at IS 'Computed. When this participant last said something; null where nothing was said.';
COMMENT ON COLUMN twilio.participants.responses IS 'Computed. Of an agent: how often this one''s words ended a customer''s wait. 0 for everybody else.';
COMMENT ON COLUMN twilio.participants.response_seconds IS 'Computed. How long customers had waited for these responses, in seconds, all together; null where there are none.';
COMMENT ON VIEW twilio.conversation_overview IS 'One row a conversation, deleted ones too (deleted_at): who, when, how long, how much. Agents are HUMAN_AGENT, AGENT and AI_AGENT. Who answered first is first_response_…; agent_… is the first one listed.';
COMMENT ON COLUMN twilio.conversation_overview.day IS 'The day it was created, UTC.';
COMMENT ON COLUMN twilio.conversation_overview.channel IS 'Its channel; of several, the first in alphabetical order. Null where the API names none.';
COMMENT ON COLUMN twilio.conversation_overview.channel_list IS 'Its channels as one text, separated by commas, for tools that know no arrays.';
COMMENT ON COLUMN twilio.conversation_overview.first_response_participant_id IS 'The participant who gave that answer; null while there is none.';
COMMENT ON COLUMN twilio.conversation_overview.first_response_name IS 'That participant''s display name.';
COMMENT ON COLUMN twilio.conversation_overview.first_response_address IS 'That participant''s address, which says who is the same agent in another conversation; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_overview.person_response_seconds IS 'From the first communication of a customer to the first one of a person (HUMAN_AGENT, AGENT) after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversation_overview.longest_wait_seconds IS 'The longest that a customer waited for an agent''s answer, in seconds; null where no agent ever answered. A wait that nobody has ended does not count.';
COMMENT ON COLUMN twilio.conversation_overview.turns IS 'How often the speaker changed, the first one included. Like all that follows the course of the talk, of communications with a time alone; 0 where there is none.';
COMMENT ON COLUMN twilio.conversation_overview.words IS 'Words of all communications: what stands between spaces, tabs and line breaks. Languages that write no spaces have few.';
COMMENT ON COLUMN twilio.conversation_overview.participants IS 'How many participants are listed.';
COMMENT ON COLUMN twilio.conversation_overview.is_handed_over IS 'An AI agent said something, and later a person did. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversation_overview.is_contained IS 'An AI agent said something and no person did, so far. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversation_overview.is_unanswered IS 'A customer said something, and no agent has said anything after that. False where no customer did.';
COMMENT ON COLUMN twilio.conversation_overview.agent_name IS 'Display name of the first agent listed, not always the one who answered; an AI agent only where no other is.';
COMMENT ON VIEW twilio.conversation_metrics IS 'What is computed of a conversation: one row a conversation. conversation_overview has the same, with the columns of the conversation.';
COMMENT ON COLUMN twilio.conversation_metrics.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.conversation_metrics.day IS 'The day it was created, UTC.';
COMMENT ON COLUMN twilio.conversation_metrics.channel IS 'Its channel; of several, the first in alphabetical order. Null where the API names none.';
COMMENT ON COLUMN twilio.conversation_metrics.channel_list IS 'Its channels as one text, separated by commas, for tools that know no arrays.';
COMMENT ON COLUMN twilio.conversation_metrics.channels IS 'The channels it used, in alphabetical order; empty where the API names none.';
COMMENT ON COLUMN twilio.conversation_metrics.participants IS 'How many participants are listed.';
COMMENT ON COLUMN twilio.conversation_metrics.communications IS 'How many communications it has.';
COMMENT ON COLUMN twilio.conversation_metrics.customer_communications IS 'Of those, how many are by customers.';
COMMENT ON COLUMN twilio.conversation_metrics.agent_communications IS 'How many are by agents (HUMAN_AGENT, AGENT, AI_AGENT).';
COMMENT ON COLUMN twilio.conversation_metrics.ai_agent_communications IS 'Of those by agents, how many are by AI agents.';
COMMENT ON COLUMN twilio.conversation_metrics.other_communications IS 'How many are by participants who are not listed, or of any other type.';
COMMENT ON COLUMN twilio.conversation_metrics.words IS 'Words of all communications: what stands between spaces, tabs and line breaks. Languages that write no spaces have few.';
COMMENT ON COLUMN twilio.conversation_metrics.turns IS 'How often the speaker changed, the first one included. Like all that follows the course of the talk, of communications with a time alone; 0 where there is none.';
COMMENT ON COLUMN twilio.conversation_metrics.first_communication_at IS 'When the first thing was said; null where nothing was.';
COMMENT ON COLUMN twilio.conversation_metrics.last_communication_at IS 'When the last thing was said, so far; null where nothing was.';
COMMENT ON COLUMN twilio.conversation_metrics.duration_seconds IS 'From the first to the last communication, in seconds; null where nothing was said.';
COMMENT ON COLUMN twilio.conversation_metrics.first_response_seconds IS 'From the first communication of a customer to the first one of an agent after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversation_metrics.first_response_participant_id IS 'The participant who gave that answer; null while there is none.';
COMMENT ON COLUMN twilio.conversation_metrics.first_response_type IS 'That participant''s type: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversation_metrics.first_response_name IS 'That participant''s display name.';
COMMENT ON COLUMN twilio.conversation_metrics.first_response_address IS 'That participant''s address, which says who is the same agent in another conversation; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_metrics.person_response_seconds IS 'From the first communication of a customer to the first one of a person (HUMAN_AGENT, AGENT) after it, in seconds; null while there is none.';
COMMENT ON COLUMN twilio.conversation_metrics.longest_wait_seconds IS 'The longest that a customer waited for an agent''s answer, in seconds; null where no agent ever answered. A wait that nobody has ended does not count.';
COMMENT ON COLUMN twilio.conversation_metrics.is_handed_over IS 'An AI agent said something, and later a person did. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversation_metrics.is_contained IS 'An AI agent said something and no person did, so far. False where no AI agent did.';
COMMENT ON COLUMN twilio.conversation_metrics.is_unanswered IS 'A customer said something, and no agent has said anything after that. False where no customer did.';
COMMENT ON COLUMN twilio.conversation_metrics.customer_name IS 'Display name of the first customer listed; null where none is.';
COMMENT ON COLUMN twilio.conversation_metrics.customer_address IS 'That customer''s address; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_metrics.agent_name IS 'Display name of the first agent listed, not always the one who answered; an AI agent only where no other is.';
COMMENT ON COLUMN twilio.conversation_metrics.agent_address IS 'That agent''s address; of several, the first by its bytes.';
COMMENT ON COLUMN twilio.conversation_metrics.agent_type IS 'That agent''s type: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.conversation_metrics.operator_results IS 'How many operator results it names.';
COMMENT ON VIEW twilio.participant_metrics IS 'What is computed of each who took part in a conversation: one row a participant, so that each agent of a conversation counts.';
COMMENT ON COLUMN twilio.participant_metrics.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.participant_metrics.participant_id IS 'The participant''s id, which belongs to this conversation alone.';
COMMENT ON COLUMN twilio.participant_metrics.position IS 'The participant''s place in the API''s list, from 0.';
COMMENT ON COLUMN twilio.participant_metrics.name IS 'Display name.';
COMMENT ON COLUMN twilio.participant_metrics.type IS 'CUSTOMER, HUMAN_AGENT, AI_AGENT, AGENT, UNKNOWN, or what the API adds later.';
COMMENT ON COLUMN twilio.participant_metrics.address IS 'The participant''s address; of several, the first by its bytes. All of them are in participant_addresses.';
COMMENT ON COLUMN twilio.participant_metrics.created_at IS 'When the conversation began, by the API.';
COMMENT ON COLUMN twilio.participant_metrics.day IS 'That day, UTC.';
COMMENT ON COLUMN twilio.participant_metrics.deleted_at IS 'When the conversation was found to be gone from the API; null while it is there.';
COMMENT ON COLUMN twilio.participant_metrics.synced_at IS 'When anything about the conversation last changed here.';
COMMENT ON COLUMN twilio.participant_metrics.communications IS 'How many communications are by this participant.';
COMMENT ON COLUMN twilio.participant_metrics.words IS 'Words of these communications: what stands between spaces, tabs and line breaks.';
COMMENT ON COLUMN twilio.participant_metrics.first_communication_at IS 'When this participant first said something; null where nothing was said.';
COMMENT ON COLUMN twilio.participant_metrics.last_communication_at IS 'When this participant last said something; null where nothing was said.';
COMMENT ON COLUMN twilio.participant_metrics.share_of_communications IS 'This participant''s part of the conversation''s communications, from 0 to 1; null where nothing was said.';
COMMENT ON COLUMN twilio.participant_metrics.share_of_words IS 'This participant''s part of the conversation''s words, from 0 to 1; null where there are none.';
COMMENT ON COLUMN twilio.participant_metrics.responses IS 'Of an agent: how often this one''s words ended a customer''s wait. 0 for everybody else.';
COMMENT ON COLUMN twilio.participant_metrics.average_response_seconds IS 'How long customers waited for this agent''s responses on average, in seconds; null where there are none.';
COMMENT ON VIEW twilio.agents IS 'One row an agent across conversations, known by the address. Deleted conversations, and agents without an address, are left out.';
COMMENT ON COLUMN twilio.agents.address IS 'The address, which says who is the same agent.';
COMMENT ON COLUMN twilio.agents.name IS 'The name it goes by most often; null where it has none.';
COMMENT ON COLUMN twilio.agents.type IS 'The type it has most often: HUMAN_AGENT, AGENT or AI_AGENT.';
COMMENT ON COLUMN twilio.agents.names IS 'How many names it goes by.';
COMMENT ON COLUMN twilio.agents.is_shared IS 'Several use this address: it has more than one type, or no name has half of its conversations.';
COMMENT ON COLUMN twilio.agents.first_seen_at IS 'When its first conversation began.';
COMMENT ON COLUMN twilio.agents.last_seen_at IS 'When its latest conversation began.';
COMMENT ON COLUMN twilio.agents.conversations IS 'In how many conversations it is listed.';
COMMENT ON COLUMN twilio.agents.conversations_spoken_in IS 'In how many of them it said something.';
COMMENT ON COLUMN twilio.agents.communications IS 'How many communications are by it.';
COMMENT ON VIEW twilio.customers IS 'One row a customer across conversations, known by the address. Deleted conversations, and customers without an address, are left out.';
COMMENT ON COLUMN twilio.customers.address IS 'The address, which says who is the same customer.';
COMMENT ON COLUMN twilio.customers.name IS 'The name it goes by most often; null where it has none.';
COMMENT ON COLUMN twilio.customers.names IS 'How many names it goes by.';
COMMENT ON COLUMN twilio.customers.is_shared IS 'Several use this address: no name has half of its conversations.';
COMMENT ON COLUMN twilio.customers.first_seen_at IS 'When its first conversation began.';
COMMENT ON COLUMN twilio.customers.last_seen_at IS 'When its latest conversation began.';
COMMENT ON COLUMN twilio.customers.contacts IS 'How many conversations it has.';
COMMENT ON COLUMN twilio.customers.repeats_within_7_days IS 'How many of them began within 7 days of the one before.';
COMMENT ON VIEW twilio.days IS 'One row a day since the start of history (SYNC_START), to join numbers by day to, so that days without any show too. UTC.';
COMMENT ON COLUMN twilio.days.day IS 'The day.';
COMMENT ON COLUMN twilio.days.week IS 'The Monday of its week.';
COMMENT ON COLUMN twilio.days.month IS 'The first of its month.';
COMMENT ON COLUMN twilio.days.weekday IS '1 for Monday to 7 for Sunday.';
COMMENT ON COLUMN twilio.days.is_complete IS 'The copy is complete for it: everything created that day is stored. See coverage.';
COMMENT ON TABLE twilio_sync.metrics IS 'How far the computed columns of conversations and participants are made again, newest first, after an upgrade: one row.';
COMMENT ON COLUMN twilio_sync.metrics.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN twilio_sync.metrics.version IS 'The version of their definition. Another one starts again.';
COMMENT ON COLUMN twilio_sync.metrics.reached_at IS 'Down to which created_at they are made; null before the first.';
COMMENT ON COLUMN twilio_sync.metrics.reached_id IS 'And down to which id.';
COMMENT ON COLUMN twilio_sync.metrics.filled_at IS 'When all of them were; null while some are missing.';
