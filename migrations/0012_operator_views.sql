CREATE TABLE "twilio_sync"."operator_views" (
	"operator_id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"columns" jsonb NOT NULL,
	"operator_synced_at" timestamp with time zone
);
--> statement-breakpoint
CREATE UNIQUE INDEX "operator_views_name" ON "twilio_sync"."operator_views" USING btree ("name");--> statement-breakpoint
COMMENT ON TABLE twilio_sync.operator_views IS 'The views of operators in schema twilio (result_… and result_…_history), with the names and columns that they were given once. A view that is not here is never touched.';
COMMENT ON COLUMN twilio_sync.operator_views.operator_id IS 'The operator.';
COMMENT ON COLUMN twilio_sync.operator_views.name IS 'The name of the view of latest results; that of all results ends in _history.';
COMMENT ON COLUMN twilio_sync.operator_views.columns IS 'The columns for what the results hold, in their order: name, type, and the property or the column of operator_results that each shows.';
COMMENT ON COLUMN twilio_sync.operator_views.operator_synced_at IS 'The synced_at of the operator that the views were made from. Null makes them anew.';
