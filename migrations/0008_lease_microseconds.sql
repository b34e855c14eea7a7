-- Whole microseconds since the epoch: no session's DateStyle or TimeZone can change what they mean. Infinite is never.
ALTER TABLE "twilio_sync"."lease"
	ALTER COLUMN "expires_at" DROP DEFAULT,
	ALTER COLUMN "expires_at" SET DATA TYPE bigint USING CASE WHEN isfinite("expires_at") THEN (extract(epoch FROM "expires_at") * 1000000)::bigint ELSE 0 END,
	ALTER COLUMN "expires_at" SET DEFAULT 0,
	ALTER COLUMN "stamp" DROP DEFAULT,
	ALTER COLUMN "stamp" SET DATA TYPE bigint USING CASE WHEN isfinite("stamp") THEN (extract(epoch FROM "stamp") * 1000000)::bigint ELSE 0 END,
	ALTER COLUMN "stamp" SET DEFAULT 0;
--> statement-breakpoint
COMMENT ON COLUMN twilio_sync.lease.expires_at IS 'Until when, by this database''s clock, unless renewed: microseconds since the epoch.';
COMMENT ON COLUMN twilio_sync.lease.stamp IS 'The last synced_at that was given out: microseconds since the epoch.';
