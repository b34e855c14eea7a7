-- Only where it is missing: Postgres asks for the right to make it also where IF NOT EXISTS would find it.
DO $$ BEGIN IF to_regnamespace('twilio') IS NULL THEN CREATE SCHEMA "twilio"; END IF; END $$;
--> statement-breakpoint
-- Only where it is missing: Postgres asks for the right to make it also where IF NOT EXISTS would find it.
DO $$ BEGIN IF to_regnamespace('twilio_sync') IS NULL THEN CREATE SCHEMA "twilio_sync"; END IF; END $$;
--> statement-breakpoint
CREATE TABLE "twilio"."communications" (
	"conversation_id" text NOT NULL,
	"id" text NOT NULL,
	"position" integer NOT NULL,
	"participant_id" text,
	"text" text,
	"created_at" timestamp with time zone,
	"extra" jsonb,
	CONSTRAINT "communications_conversation_id_id_pk" PRIMARY KEY("conversation_id","id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."conversation_channel_ids" (
	"conversation_id" text NOT NULL,
	"channel_id" text NOT NULL,
	CONSTRAINT "conversation_channel_ids_conversation_id_channel_id_pk" PRIMARY KEY("conversation_id","channel_id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."conversation_channels" (
	"conversation_id" text NOT NULL,
	"channel" text NOT NULL,
	CONSTRAINT "conversation_channels_conversation_id_channel_pk" PRIMARY KEY("conversation_id","channel")
);
--> statement-breakpoint
CREATE TABLE "twilio"."conversation_intelligence_configurations" (
	"conversation_id" text NOT NULL,
	"intelligence_configuration_id" text NOT NULL,
	CONSTRAINT "conversation_intelligence_configurations_pk" PRIMARY KEY("conversation_id","intelligence_configuration_id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."conversations" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text,
	"name" text,
	"status" text,
	"conversation_configuration_id" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone,
	"extra" jsonb,
	"first_synced_at" timestamp with time zone NOT NULL,
	"synced_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "twilio"."operator_result_links" (
	"conversation_id" text NOT NULL,
	"operator_result_id" text NOT NULL,
	"position" integer NOT NULL,
	CONSTRAINT "operator_result_links_conversation_id_operator_result_id_pk" PRIMARY KEY("conversation_id","operator_result_id")
);
--> statement-breakpoint
CREATE TABLE "twilio"."participant_addresses" (
	"conversation_id" text NOT NULL,
	"participant_id" text NOT NULL,
	"address" text NOT NULL,
	CONSTRAINT "participant_addresses_conversation_id_participant_id_address_pk" PRIMARY KEY("conversation_id","participant_id","address")
);
--> statement-breakpoint
CREATE TABLE "twilio"."participants" (
	"conversation_id" text NOT NULL,
	"id" text NOT NULL,
	"position" integer NOT NULL,
	"name" text,
	"type" text,
	"extra" jsonb,
	CONSTRAINT "participants_conversation_id_id_pk" PRIMARY KEY("conversation_id","id")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."due" (
	"conversation_id" text NOT NULL,
	"reason" text NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"error" text,
	"fingerprint" text,
	"wants" jsonb,
	"sweep_id" bigint,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone,
	CONSTRAINT "due_conversation_id_reason_pk" PRIMARY KEY("conversation_id","reason")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."fingerprints" (
	"conversation_id" text PRIMARY KEY NOT NULL,
	"item" text,
	"detail" text,
	"normalizer" integer NOT NULL,
	"generation" integer NOT NULL,
	"fetched_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."lease" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"holder" text,
	"expires_at" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"stamp" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	CONSTRAINT "lease_only" CHECK ("twilio_sync"."lease"."singleton")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."runs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "twilio_sync"."runs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"command" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"outcome" text,
	"error" text,
	"counts" jsonb
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."scope" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"account_sid" text NOT NULL,
	"base_url" text NOT NULL,
	"filters" jsonb NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scope_only" CHECK ("twilio_sync"."scope"."singleton")
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."sweeps" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "twilio_sync"."sweeps_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sweep" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"listed" integer DEFAULT 0 NOT NULL,
	"expected" integer DEFAULT 0 NOT NULL,
	"missing" integer DEFAULT 0 NOT NULL,
	"braked" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."windows" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "twilio_sync"."windows_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sweep_id" bigint NOT NULL,
	"sweep" text NOT NULL,
	"from_at" timestamp with time zone NOT NULL,
	"to_at" timestamp with time zone NOT NULL,
	"cursor" timestamp with time zone NOT NULL,
	"completed_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"error" text,
	CONSTRAINT "windows_cursor" CHECK ("twilio_sync"."windows"."cursor" between "twilio_sync"."windows"."from_at" and "twilio_sync"."windows"."to_at")
);
--> statement-breakpoint
ALTER TABLE "twilio"."communications" ADD CONSTRAINT "communications_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."conversation_channel_ids" ADD CONSTRAINT "conversation_channel_ids_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."conversation_channels" ADD CONSTRAINT "conversation_channels_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."conversation_intelligence_configurations" ADD CONSTRAINT "conversation_intelligence_configurations_conversation_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."operator_result_links" ADD CONSTRAINT "operator_result_links_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."participant_addresses" ADD CONSTRAINT "participant_addresses_participant_fk" FOREIGN KEY ("conversation_id","participant_id") REFERENCES "twilio"."participants"("conversation_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio"."participants" ADD CONSTRAINT "participants_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "twilio"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "twilio_sync"."windows" ADD CONSTRAINT "windows_sweep_id_sweeps_id_fk" FOREIGN KEY ("sweep_id") REFERENCES "twilio_sync"."sweeps"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "communications_created_at" ON "twilio"."communications" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "conversation_channel_ids_channel_id" ON "twilio"."conversation_channel_ids" USING btree ("channel_id");--> statement-breakpoint
CREATE INDEX "conversation_channels_channel" ON "twilio"."conversation_channels" USING btree ("channel");--> statement-breakpoint
CREATE INDEX "conversation_intelligence_configurations_configuration" ON "twilio"."conversation_intelligence_configurations" USING btree ("intelligence_configuration_id");--> statement-breakpoint
CREATE INDEX "conversations_created_at" ON "twilio"."conversations" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "conversations_synced_at" ON "twilio"."conversations" USING btree ("synced_at");--> statement-breakpoint
CREATE INDEX "conversations_open" ON "twilio"."conversations" USING btree ("created_at") WHERE status in ('ACTIVE', 'INACTIVE') and deleted_at is null;--> statement-breakpoint
CREATE INDEX "operator_result_links_operator_result_id" ON "twilio"."operator_result_links" USING btree ("operator_result_id");--> statement-breakpoint
CREATE INDEX "participant_addresses_address" ON "twilio"."participant_addresses" USING btree ("address");--> statement-breakpoint
CREATE INDEX "due_due_at" ON "twilio_sync"."due" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "due_sweep_id" ON "twilio_sync"."due" USING btree ("sweep_id") WHERE sweep_id is not null;--> statement-breakpoint
CREATE INDEX "runs_started_at" ON "twilio_sync"."runs" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "windows_pending" ON "twilio_sync"."windows" USING btree ("sweep") WHERE completed_at is null;--> statement-breakpoint
CREATE INDEX "windows_sweep_id" ON "twilio_sync"."windows" USING btree ("sweep_id");--> statement-breakpoint
CREATE VIEW "twilio_sync"."quarantine" AS (select conversation_id, error as reason, first_at as first_failed_at, last_at as last_failed_at, attempts, due_at as next_attempt_at, fingerprint from twilio_sync.due where reason = 'failed');