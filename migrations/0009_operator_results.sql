CREATE TABLE "twilio"."intelligence_configurations" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text,
	"name" text,
	"description" text,
	"version" integer,
	"created_at" timestamp with time zone,
	"updated_at" timestamp with time zone,
	"extra" jsonb,
	"synced_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "twilio"."operator_result_references" (
	"conversation_id" text NOT NULL,
	"operator_result_id" text NOT NULL,
	"reference_id" text NOT NULL,
	CONSTRAINT "operator_result_references_pk" PRIMARY KEY("conversation_id","operator_result_id","reference_id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."operator_results" (
	"conversation_id" text NOT NULL,
	"id" text NOT NULL,
	"account_id" text,
	"operator_id" text,
	"operator_version" integer,
	"intelligence_configuration_id" text,
	"intelligence_configuration_version" integer,
	"rule_id" text,
	"output_format" text,
	"text" text,
	"label" text,
	"result" jsonb,
	"trigger" text,
	"triggered_at" timestamp with time zone,
	"first_communication_id" text,
	"last_communication_id" text,
	"model" text,
	"latency_ms" integer,
	"input_characters" integer,
	"output_characters" integer,
	"input_truncated" boolean,
	"created_at" timestamp with time zone NOT NULL,
	"extra" jsonb,
	CONSTRAINT "operator_results_conversation_id_id_pk" PRIMARY KEY("conversation_id","id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."operators" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text,
	"description" text,
	"version" integer,
	"author" text,
	"output_format" text,
	"extra" jsonb,
	"synced_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."results_due" (
	"conversation_id" text NOT NULL,
	"operator_result_id" text NOT NULL,
	"reason" text NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"error" text,
	"walk_id" bigint,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone,
	CONSTRAINT "results_due_conversation_id_operator_result_id_pk" PRIMARY KEY("conversation_id","operator_result_id")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."results_head" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"mark" timestamp with time zone,
	"followed_since" timestamp with time zone,
	"given_up" text,
	"refused" text,
	"generation" integer,
	"history_from" timestamp with time zone,
	"whole_since" timestamp with time zone,
	CONSTRAINT "results_head_only" CHECK ("twilio_sync"."results_head"."singleton")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."results_walks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "twilio_sync"."results_walks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"operator_id" text,
	"down_to" timestamp with time zone,
	"token" text,
	"reached" timestamp with time zone,
	"ordered" boolean DEFAULT true NOT NULL,
	"restarts" integer DEFAULT 0 NOT NULL,
	"listed" integer DEFAULT 0 NOT NULL,
	"expected" integer DEFAULT 0 NOT NULL,
	"missing" integer DEFAULT 0 NOT NULL,
	"braked" boolean DEFAULT false NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"error" text,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "twilio"."operator_result_references" ADD CONSTRAINT "operator_result_references_result_fk" FOREIGN KEY ("conversation_id","operator_result_id") REFERENCES "twilio"."operator_results"("conversation_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."operator_results" ADD CONSTRAINT "operator_results_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "operator_results_operator_id_created_at" ON "twilio"."operator_results" USING btree ("operator_id","created_at");--> statement-breakpoint
CREATE INDEX "operator_results_created_at" ON "twilio"."operator_results" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "results_due_due_at" ON "twilio_sync"."results_due" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "results_due_walk_id" ON "twilio_sync"."results_due" USING btree ("walk_id") WHERE walk_id is not null;--> statement-breakpoint
CREATE INDEX "results_due_failed" ON "twilio_sync"."results_due" USING btree ("first_at") WHERE error is not null;--> statement-breakpoint
CREATE INDEX "sweeps_braked" ON "twilio_sync"."sweeps" USING btree ("id") WHERE braked;--> statement-breakpoint
CREATE INDEX "results_walks_pending" ON "twilio_sync"."results_walks" USING btree ("id") WHERE ended_at is null;--> statement-breakpoint
CREATE OR REPLACE VIEW "twilio_sync"."quarantine" AS (select conversation_id, error as reason, first_at as first_failed_at, last_at as last_failed_at, attempts, due_at as next_attempt_at, fingerprint, null::text as operator_result_id from twilio_sync.due where reason = 'failed' union all select conversation_id, error, first_at, last_at, attempts, due_at, null, operator_result_id from twilio_sync.results_due where error is not null);
--> statement-breakpoint
INSERT INTO twilio_sync.results_head DEFAULT VALUES;
--> statement-breakpoint
CREATE VIEW twilio.results AS
SELECT r.conversation_id, r.id, r.operator_id, o.name AS operator_name, r.operator_version, r.intelligence_configuration_id,
       c.name AS intelligence_configuration_name, r.intelligence_configuration_version, r.output_format, r.text, r.label, r.result,
       r.trigger, r.triggered_at, r.created_at,
       NOT EXISTS (
         SELECT FROM twilio.operator_results later
         WHERE later.conversation_id = r.conversation_id AND later.operator_id IS NOT DISTINCT FROM r.operator_id
           AND (later.created_at, later.id) > (r.created_at, r.id)
       ) AS is_latest
FROM twilio.operator_results r
LEFT JOIN twilio.operators o ON o.id = r.operator_id
LEFT JOIN twilio.intelligence_configurations c ON c.id = r.intelligence_configuration_id;
--> statement-breakpoint
CREATE OR REPLACE VIEW twilio.coverage AS
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
), lacking AS (
  SELECT (c.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS results_awaited
  FROM twilio_sync.results_due d JOIN twilio.conversations c ON c.id = d.conversation_id
  WHERE d.reason = 'linked'
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
       coalesce(wanted.awaited, 0) AS awaited, kept.deleted,
       coalesce(lacking.results_awaited, 0) AS results_awaited
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
LEFT JOIN wanted ON wanted.day = days.day
LEFT JOIN lacking ON lacking.day = days.day;
--> statement-breakpoint
COMMENT ON COLUMN twilio.coverage.results_awaited IS 'Operator results that conversations of that day name and that are not stored yet. During the first load of results they are not counted.';
COMMENT ON SCHEMA twilio IS 'A copy of Twilio Conversational Intelligence: conversations, participants, transcripts and operator results. Kept by conversation-sync; read it, do not write it.';
COMMENT ON TABLE twilio.operator_result_links IS 'Which operator results a conversation names; their content is in operator_results.';
COMMENT ON TABLE twilio.operator_results IS 'What operators found out about conversations: one row an operator result. The conversation''s synced_at moves with it.';
COMMENT ON COLUMN twilio.operator_results.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.operator_results.id IS 'The API''s id of the result.';
COMMENT ON COLUMN twilio.operator_results.account_id IS 'The account of whoever made the operator; may be another than the conversation''s.';
COMMENT ON COLUMN twilio.operator_results.operator_id IS 'The operator; see operators for its name.';
COMMENT ON COLUMN twilio.operator_results.operator_version IS 'The operator''s version that ran.';
COMMENT ON COLUMN twilio.operator_results.intelligence_configuration_id IS 'The intelligence configuration whose rule ran the operator.';
COMMENT ON COLUMN twilio.operator_results.intelligence_configuration_version IS 'Its version then.';
COMMENT ON COLUMN twilio.operator_results.rule_id IS 'The rule that ran the operator.';
COMMENT ON COLUMN twilio.operator_results.output_format IS 'TEXT, CLASSIFICATION, JSON, EXTRACTION, or what the API adds later.';
COMMENT ON COLUMN twilio.operator_results.text IS 'Of TEXT: the text. Null for other formats.';
COMMENT ON COLUMN twilio.operator_results.label IS 'Of CLASSIFICATION: the class. Null for other formats.';
COMMENT ON COLUMN twilio.operator_results.result IS 'The whole result as the API gives it, every digit of its numbers kept; null where it is null.';
COMMENT ON COLUMN twilio.operator_results.trigger IS 'What made the rule run: COMMUNICATION, CONVERSATION_END, CONVERSATION_INACTIVE, or what the API adds later.';
COMMENT ON COLUMN twilio.operator_results.triggered_at IS 'When that was.';
COMMENT ON COLUMN twilio.operator_results.first_communication_id IS 'The first communication that was analysed.';
COMMENT ON COLUMN twilio.operator_results.last_communication_id IS 'The last communication that was analysed.';
COMMENT ON COLUMN twilio.operator_results.model IS 'The model that answered.';
COMMENT ON COLUMN twilio.operator_results.latency_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN twilio.operator_results.input_characters IS 'Characters of the input.';
COMMENT ON COLUMN twilio.operator_results.output_characters IS 'Characters of the output.';
COMMENT ON COLUMN twilio.operator_results.input_truncated IS 'Whether the input was cut short.';
COMMENT ON COLUMN twilio.operator_results.created_at IS 'When the result was made (dateCreated), by the API; cut to the microsecond.';
COMMENT ON COLUMN twilio.operator_results.extra IS 'Fields of the result that have no column, nested as they came; null when there are none.';
COMMENT ON TABLE twilio.operator_result_references IS 'Ids that a result refers to (referenceIds), one row each.';
COMMENT ON COLUMN twilio.operator_result_references.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.operator_result_references.operator_result_id IS 'The result.';
COMMENT ON COLUMN twilio.operator_result_references.reference_id IS 'The id it refers to.';
COMMENT ON TABLE twilio.operators IS 'The operators of the account, and those that Twilio offers: names for operator_results.operator_id. One that is gone from the API keeps its row.';
COMMENT ON COLUMN twilio.operators.id IS 'The API''s id of the operator.';
COMMENT ON COLUMN twilio.operators.name IS 'Its display name.';
COMMENT ON COLUMN twilio.operators.description IS 'What it does, in its author''s words.';
COMMENT ON COLUMN twilio.operators.version IS 'Its present version.';
COMMENT ON COLUMN twilio.operators.author IS 'TWILIO or SELF.';
COMMENT ON COLUMN twilio.operators.output_format IS 'The format of its results.';
COMMENT ON COLUMN twilio.operators.extra IS 'Fields that have no column, such as prompt and outputSchema; null when there are none.';
COMMENT ON COLUMN twilio.operators.synced_at IS 'When anything about it last changed here.';
COMMENT ON COLUMN twilio.operators.deleted_at IS 'When it was found to be gone from the API. Null while it is there.';
COMMENT ON TABLE twilio.intelligence_configurations IS 'Intelligence configurations: names for intelligence_configuration_id. One that is gone from the API keeps its row.';
COMMENT ON COLUMN twilio.intelligence_configurations.id IS 'The API''s id of the configuration.';
COMMENT ON COLUMN twilio.intelligence_configurations.account_id IS 'The account it belongs to.';
COMMENT ON COLUMN twilio.intelligence_configurations.name IS 'Its display name.';
COMMENT ON COLUMN twilio.intelligence_configurations.description IS 'What it is for.';
COMMENT ON COLUMN twilio.intelligence_configurations.version IS 'Its present version.';
COMMENT ON COLUMN twilio.intelligence_configurations.created_at IS 'When it was made, by the API.';
COMMENT ON COLUMN twilio.intelligence_configurations.updated_at IS 'When the API last changed it.';
COMMENT ON COLUMN twilio.intelligence_configurations.extra IS 'Fields that have no column, such as rules; null when there are none.';
COMMENT ON COLUMN twilio.intelligence_configurations.synced_at IS 'When anything about it last changed here.';
COMMENT ON COLUMN twilio.intelligence_configurations.deleted_at IS 'When it was found to be gone from the API. Null while it is there.';
COMMENT ON VIEW twilio.results IS 'One row an operator result, with the names of operator and configuration.';
COMMENT ON COLUMN twilio.results.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.results.id IS 'The result.';
COMMENT ON COLUMN twilio.results.operator_id IS 'The operator.';
COMMENT ON COLUMN twilio.results.operator_name IS 'The operator''s present name; null where it is not known.';
COMMENT ON COLUMN twilio.results.operator_version IS 'The operator''s version that ran.';
COMMENT ON COLUMN twilio.results.intelligence_configuration_id IS 'The intelligence configuration.';
COMMENT ON COLUMN twilio.results.intelligence_configuration_name IS 'Its present name; null where it is not known.';
COMMENT ON COLUMN twilio.results.intelligence_configuration_version IS 'Its version then.';
COMMENT ON COLUMN twilio.results.output_format IS 'TEXT, CLASSIFICATION, JSON, EXTRACTION, or what the API adds later.';
COMMENT ON COLUMN twilio.results.text IS 'Of TEXT: the text.';
COMMENT ON COLUMN twilio.results.label IS 'Of CLASSIFICATION: the class.';
COMMENT ON COLUMN twilio.results.result IS 'The whole result as the API gives it.';
COMMENT ON COLUMN twilio.results.trigger IS 'What made the rule run.';
COMMENT ON COLUMN twilio.results.triggered_at IS 'When that was.';
COMMENT ON COLUMN twilio.results.created_at IS 'When the result was made, by the API.';
COMMENT ON COLUMN twilio.results.is_latest IS 'No later result of this operator is stored for this conversation.';
COMMENT ON TABLE twilio_sync.results_head IS 'How far the newest part of the account''s list of operator results has been read: one row.';
COMMENT ON COLUMN twilio_sync.results_head.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN twilio_sync.results_head.mark IS 'The greatest dateCreated reached; null until the list was read once.';
COMMENT ON COLUMN twilio_sync.results_head.followed_since IS 'Since when every new result was to be seen there.';
COMMENT ON COLUMN twilio_sync.results_head.given_up IS 'Why the newest part is not read any more; null while it is.';
COMMENT ON COLUMN twilio_sync.results_head.refused IS 'Why the API shows no results at all; null while it does.';
COMMENT ON COLUMN twilio_sync.results_head.generation IS 'The scope''s generation that the last walk over everything was begun for.';
COMMENT ON COLUMN twilio_sync.results_head.history_from IS 'Where history began then.';
COMMENT ON COLUMN twilio_sync.results_head.whole_since IS 'When the first walk ended. From then on each link has its result, or a row in results_due.';
COMMENT ON TABLE twilio_sync.results_walks IS 'Walks over the list of operator results, page by page: all of it, what a tick left of its newest part, or all of one operator.';
COMMENT ON COLUMN twilio_sync.results_walks.id IS 'Number of the walk.';
COMMENT ON COLUMN twilio_sync.results_walks.kind IS 'all, rest or operator; gaps: the search for links without a result that follows.';
COMMENT ON COLUMN twilio_sync.results_walks.operator_id IS 'Whose results are walked over; null for everybody''s.';
COMMENT ON COLUMN twilio_sync.results_walks.down_to IS 'Below this everything was read before; null where it ends with the list.';
COMMENT ON COLUMN twilio_sync.results_walks.token IS 'The page to go on with; null for the first.';
COMMENT ON COLUMN twilio_sync.results_walks.reached IS 'The oldest dateCreated read.';
COMMENT ON COLUMN twilio_sync.results_walks.ordered IS 'Every page was newest first so far.';
COMMENT ON COLUMN twilio_sync.results_walks.restarts IS 'How often its token had expired without getting any further.';
COMMENT ON COLUMN twilio_sync.results_walks.listed IS 'Results listed.';
COMMENT ON COLUMN twilio_sync.results_walks.expected IS 'Stored results that it should have listed.';
COMMENT ON COLUMN twilio_sync.results_walks.missing IS 'Of these, the ones that it did not.';
COMMENT ON COLUMN twilio_sync.results_walks.braked IS 'So many were missing that none of them was looked at.';
COMMENT ON COLUMN twilio_sync.results_walks.failures IS 'How often in a row its next page could not be listed.';
COMMENT ON COLUMN twilio_sync.results_walks.error IS 'Why, the last time.';
COMMENT ON COLUMN twilio_sync.results_walks.started_at IS 'When it was begun.';
COMMENT ON COLUMN twilio_sync.results_walks.ended_at IS 'When it ended; null while it goes on.';
COMMENT ON TABLE twilio_sync.results_due IS 'Operator results that are asked for one by one or by conversation, and why.';
COMMENT ON COLUMN twilio_sync.results_due.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio_sync.results_due.operator_result_id IS 'The result.';
COMMENT ON COLUMN twilio_sync.results_due.reason IS 'linked: its conversation names it and it is not stored; unlinked: it is stored and its conversation no longer names it; missing: it is stored and a walk did not list it; late, without a result: all of the conversation, which was found late; gone: its conversation names it and the API does not have it.';
COMMENT ON COLUMN twilio_sync.results_due.due_at IS 'When it is asked for next; infinity: not until its conversation changes.';
COMMENT ON COLUMN twilio_sync.results_due.attempts IS 'How often in a row asking failed.';
COMMENT ON COLUMN twilio_sync.results_due.error IS 'Why, the last time; null where it has not failed.';
COMMENT ON COLUMN twilio_sync.results_due.walk_id IS 'The walk that missed it and has not ended: it is not due yet.';
COMMENT ON COLUMN twilio_sync.results_due.first_at IS 'Since when it is due.';
COMMENT ON COLUMN twilio_sync.results_due.last_at IS 'When it was last asked for.';
COMMENT ON COLUMN twilio_sync.quarantine.operator_result_id IS 'The operator result that could not be had; null where it is the conversation itself.';
