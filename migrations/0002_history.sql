ALTER TABLE "twilio_sync"."due" ADD COLUMN "created_from" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "twilio_sync"."scope" ADD COLUMN "history_from" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "due_created_from" ON "twilio_sync"."due" USING btree ("created_from") WHERE created_from is not null;