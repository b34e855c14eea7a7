CREATE TABLE "twilio_sync"."erasures" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "twilio_sync"."erasures_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"cause" text NOT NULL,
	"began_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"conversations" integer NOT NULL,
	"rows" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "twilio_sync"."imported_tombstone_keys" (
	"key" "bytea" PRIMARY KEY NOT NULL
);
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.erasures IS 'What was erased, and why: counts alone, nothing about anybody.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.id IS 'Counts the rows.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.cause IS 'The command, or the setting, for which it was erased.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.began_at IS 'When the first of it was erased.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.ended_at IS 'When the last of it was erased.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.conversations IS 'How many conversations.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.erasures.rows IS 'How many rows, of all tables that people query.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.imported_tombstone_keys IS 'Keys of tombstones that were imported from other databases, beside this one''s own in tombstone_key.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.imported_tombstone_keys.key IS '32 random bytes.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.tombstones.hash IS 'sha256 of a key (tombstone_key, or one of imported_tombstone_keys) followed by the conversation''s id.';
