CREATE TABLE "twilio_sync"."pushes" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"taken" bigint DEFAULT 0 NOT NULL,
	"last_at" timestamp with time zone,
	"stored" bigint DEFAULT 0 NOT NULL,
	"stored_at" timestamp with time zone,
	"waited_ms" integer,
	CONSTRAINT "pushes_only" CHECK ("twilio_sync"."pushes"."singleton")
);
--> statement-breakpoint
CREATE INDEX "due_pushed" ON "twilio_sync"."due" USING btree ("due_at") WHERE reason = 'pushed';
--> statement-breakpoint
INSERT INTO twilio_sync.pushes DEFAULT VALUES;
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.pushes IS 'What webhooks have announced so far. One row.';
COMMENT ON COLUMN twilio_sync.pushes.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN twilio_sync.pushes.taken IS 'Webhooks taken that announced something.';
COMMENT ON COLUMN twilio_sync.pushes.last_at IS 'When the last was taken.';
COMMENT ON COLUMN twilio_sync.pushes.stored IS 'Conversations stored because of them. Several webhooks may announce one conversation.';
COMMENT ON COLUMN twilio_sync.pushes.stored_at IS 'When the last was stored.';
COMMENT ON COLUMN twilio_sync.pushes.waited_ms IS 'How long it had waited then, in milliseconds.';
COMMENT ON COLUMN twilio_sync.due.reason IS 'Why: behind, absent, closed, open, missing, failed, asked, upgrade, mend (its rows were lost), pushed (a webhook announced it) or large (noted before a large detail is fetched).';
COMMENT ON COLUMN twilio_sync.due.wants IS 'What the list item showed, or a webhook announced, and the detail did not show.';
