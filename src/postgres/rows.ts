// Rows as the schema declares them, for the types of what statements select: code that selects a column which was renamed
// no longer compiles. Types only, so that no start has to load the schema.

import type { InferSelectModel } from 'drizzle-orm';
import type * as bookkeeping from './bookkeeping.ts';
import type * as schema from './schema.ts';

export interface Rows {
  conversations: InferSelectModel<typeof schema.conversations>;
  fingerprints: InferSelectModel<typeof bookkeeping.fingerprints>;
  due: InferSelectModel<typeof bookkeeping.due>;
  sweeps: InferSelectModel<typeof bookkeeping.sweeps>;
  windows: InferSelectModel<typeof bookkeeping.windows>;
  scope: InferSelectModel<typeof bookkeeping.scope>;
  lease: InferSelectModel<typeof bookkeeping.lease>;
  runs: InferSelectModel<typeof bookkeeping.runs>;
  quarantine: (typeof bookkeeping.quarantine)['$inferSelect'];
}
