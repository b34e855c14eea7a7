CREATE TABLE "twilio_sync"."masking" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"policy" text NOT NULL,
	"reached_at" timestamp with time zone,
	"reached_id" text,
	"filled_at" timestamp with time zone,
	CONSTRAINT "masking_only" CHECK ("twilio_sync"."masking"."singleton")
);

--> statement-breakpoint
INSERT INTO twilio_sync.masking (policy, filled_at) VALUES ('', now());
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.masking IS 'How far what was stored before is masked as SYNC_OMIT and SYNC_HASH say, from the newest conversation on: one row.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.masking.singleton IS 'The table has one row.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.masking.policy IS 'The settings, as fingerprints name them; empty: everything is stored.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.masking.reached_at IS 'created_at of the last conversation that was masked; null: none yet.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.masking.reached_id IS 'Its id.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.masking.filled_at IS 'When all was masked; null while it is not.';
