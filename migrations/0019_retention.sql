CREATE TABLE "twilio_sync"."retention" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"seconds" bigint,
	"braked_seconds" bigint,
	"old" integer,
	"stored" integer,
	"allowed_seconds" bigint,
	CONSTRAINT "retention_only" CHECK ("twilio_sync"."retention"."singleton")
);

--> statement-breakpoint
COMMENT ON TABLE twilio_sync.retention IS 'For how long conversations are kept (SYNC_RETENTION).';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.singleton IS 'Always true: there is one row.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.seconds IS 'The retention in force; null: everything is kept.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.braked_seconds IS 'A retention that would erase over 20 % of what is stored, and waits for sync --allow-mass-delete; null: none.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.old IS 'How many conversations that would erase.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.stored IS 'Of so many.';
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.retention.allowed_seconds IS 'The retention that a person has allowed since.';
