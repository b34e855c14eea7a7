CREATE TABLE "twilio_sync"."reread" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"after_at" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"planned_at" timestamp with time zone NOT NULL,
	"counted_at" timestamp with time zone NOT NULL,
	"conversations" integer NOT NULL,
	CONSTRAINT "reread_only" CHECK ("twilio_sync"."reread"."singleton")
);

--> statement-breakpoint
COMMENT ON TABLE twilio_sync.reread IS 'How far closed conversations are fetched again (SYNC_REREAD): a walk over all of them by created_at.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.reread.singleton IS 'Always true: there is one row.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.reread.after_at IS 'The created_at of the last one that was made due; -infinity where the walk begins.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.reread.planned_at IS 'Up to when enough of them were made due, by the API''s clock.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.reread.counted_at IS 'When they were last counted.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.reread.conversations IS 'How many closed conversations there were then.';
