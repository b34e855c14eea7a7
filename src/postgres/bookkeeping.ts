// The worker's own tables: schema `twilio_sync`. What has been listed and up to where (sweeps, windows), what was seen
// (fingerprints), what is still wanted (due), who may write (lease) and what this copy is a copy of (scope).

import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

export const twilioSync = pgSchema('twilio_sync');

export const at = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
/** Whole microseconds since the epoch. */
const microseconds = (name: string) => bigint(name, { mode: 'bigint' });
export const identity = () => bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
/** The key of a table that has one row. */
export const singleton = () => boolean().primaryKey().default(true);

export const scope = twilioSync.table(
  'scope',
  {
    singleton: singleton(),
    accountSid: text('account_sid').notNull(),
    baseUrl: text('base_url').notNull(),
    filters: jsonb().notNull(),
    generation: integer().notNull().default(1),
    createdAt: at('created_at').notNull().defaultNow(),
    historyFrom: at('history_from'),
  },
  (table) => [check('scope_only', sql`${table.singleton}`)],
);

/** How far the computed columns of what was stored before are made: newest first. */
export const metrics = twilioSync.table(
  'metrics',
  {
    singleton: singleton(),
    version: integer().notNull(),
    reachedAt: at('reached_at'),
    reachedId: text('reached_id'),
    filledAt: at('filled_at'),
  },
  (table) => [check('metrics_only', sql`${table.singleton}`)],
);

export const lease = twilioSync.table(
  'lease',
  {
    singleton: singleton(),
    epoch: bigint({ mode: 'number' }).notNull().default(0),
    holder: text(),
    expiresAt: microseconds('expires_at').notNull().default(sql`0`),
    stamp: microseconds('stamp').notNull().default(sql`0`),
  },
  (table) => [check('lease_only', sql`${table.singleton}`)],
);

export const sweeps = twilioSync.table(
  'sweeps',
  {
    id: identity(),
    sweep: text().notNull(),
    startedAt: at('started_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
    listed: integer().notNull().default(0),
    expected: integer().notNull().default(0),
    missing: integer().notNull().default(0),
    braked: boolean().notNull().default(false),
    oldestListed: at('oldest_listed'),
  },
  // The status asks for them every few seconds.
  (table) => [index('sweeps_braked').on(table.id).where(sql`braked`)],
);

export const windows = twilioSync.table(
  'windows',
  {
    id: identity(),
    sweepId: bigint('sweep_id', { mode: 'number' })
      .notNull()
      .references(() => sweeps.id, { onDelete: 'cascade' }),
    sweep: text().notNull(),
    fromAt: at('from_at').notNull(),
    toAt: at('to_at').notNull(),
    cursor: at('cursor').notNull(),
    completedAt: at('completed_at'),
    failures: integer().notNull().default(0),
    error: text(),
  },
  (table) => [
    index('windows_pending').on(table.sweep).where(sql`completed_at is null`),
    index('windows_sweep_id').on(table.sweepId),
    // When the last tick was complete.
    index('windows_completed_at').on(table.completedAt).where(sql`sweep in ('new', 'lookback', 'reconcile')`),
    check('windows_cursor', sql`${table.cursor} between ${table.fromAt} and ${table.toAt}`),
  ],
);

export const fingerprints = twilioSync.table('fingerprints', {
  conversationId: text('conversation_id').primaryKey(),
  item: text(),
  detail: text(),
  normalizer: integer().notNull(),
  generation: integer().notNull(),
  fetchedAt: at('fetched_at').notNull(),
  request: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
  children: integer(),
  algorithm: integer().notNull().default(1),
  policy: text().notNull().default(''),
});

export const due = twilioSync.table(
  'due',
  {
    conversationId: text('conversation_id').notNull(),
    reason: text().notNull(),
    dueAt: at('due_at').notNull(),
    attempts: integer().notNull().default(0),
    error: text(),
    fingerprint: text(),
    wants: jsonb(),
    createdFrom: at('created_from'),
    sweepId: bigint('sweep_id', { mode: 'number' }),
    firstAt: at('first_at').notNull().defaultNow(),
    lastAt: at('last_at'),
    number: bigint({ mode: 'number' }).notNull().generatedByDefaultAsIdentity(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.reason] }),
    index('due_due_at').on(table.dueAt),
    index('due_created_from').on(table.createdFrom).where(sql`created_from is not null`),
    index('due_sweep_id').on(table.sweepId).where(sql`sweep_id is not null`),
    index('due_failed').on(table.firstAt).where(sql`reason = 'failed'`),
    // Asked every second.
    index('due_pushed').on(table.dueAt).where(sql`reason = 'pushed'`),
  ],
);

/** What webhooks have announced so far. */
export const pushes = twilioSync.table(
  'pushes',
  {
    singleton: singleton(),
    taken: bigint({ mode: 'number' }).notNull().default(0),
    lastAt: at('last_at'),
    stored: bigint({ mode: 'number' }).notNull().default(0),
    storedAt: at('stored_at'),
    /** How long the last that was stored had waited. */
    waitedMs: integer('waited_ms'),
  },
  (table) => [check('pushes_only', sql`${table.singleton}`)],
);

export const runs = twilioSync.table(
  'runs',
  {
    id: identity(),
    command: text().notNull(),
    startedAt: at('started_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
    outcome: text(),
    error: text(),
    counts: jsonb(),
  },
  (table) => [
    index('runs_started_at').on(table.startedAt),
    // Since when all has gone well.
    index('runs_trouble').on(table.id).where(sql`outcome <> 'ok'`),
  ],
);

/** What is known of the account's list of operator results, and how far its newest part has been read. */
export const resultsHead = twilioSync.table(
  'results_head',
  {
    singleton: singleton(),
    /** The greatest `dateCreated` reached; null until the list was read once. */
    mark: at('mark'),
    /** Since when every new result was to be seen there. */
    followedSince: at('followed_since'),
    /** Why the list's newest part is not read any more; null while it is. */
    givenUp: text('given_up'),
    /** Why the API shows no results at all; null while it does. */
    refused: text(),
    /** What the last walk over everything was begun for: the scope's generation, and where history began. */
    generation: integer(),
    historyFrom: at('history_from'),
    /** When the first walk ended: from then on each link has its result, or a row in results_due. */
    wholeSince: at('whole_since'),
  },
  (table) => [check('results_head_only', sql`${table.singleton}`)],
);

export const resultsWalks = twilioSync.table(
  'results_walks',
  {
    id: identity(),
    /** all: everything; rest: what a tick left; operator: everything of one operator. */
    kind: text().notNull(),
    operatorId: text('operator_id'),
    /** Where it may end: below this everything was read before. Null: at the list's end. */
    downTo: at('down_to'),
    token: text(),
    /** The oldest that was read, while the list is newest first. */
    reached: at('reached'),
    /** While every page was newest first: what is stored and not listed is missing. */
    ordered: boolean().notNull().default(true),
    restarts: integer().notNull().default(0),
    listed: integer().notNull().default(0),
    expected: integer().notNull().default(0),
    missing: integer().notNull().default(0),
    braked: boolean().notNull().default(false),
    failures: integer().notNull().default(0),
    error: text(),
    startedAt: at('started_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
  },
  (table) => [index('results_walks_pending').on(table.id).where(sql`ended_at is null`)],
);

export const resultsDue = twilioSync.table(
  'results_due',
  {
    conversationId: text('conversation_id').notNull(),
    operatorResultId: text('operator_result_id').notNull(),
    /** linked: its conversation names it; unlinked: no longer; missing: a walk did not show it; gone: 404, though its conversation names it; late, asked: all that the conversation's list shows, without an id. */
    reason: text().notNull(),
    dueAt: at('due_at').notNull(),
    attempts: integer().notNull().default(0),
    error: text(),
    walkId: bigint('walk_id', { mode: 'number' }),
    firstAt: at('first_at').notNull().default(sql`clock_timestamp()`),
    lastAt: at('last_at'),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.operatorResultId] }),
    index('results_due_due_at').on(table.dueAt),
    index('results_due_walk_id').on(table.walkId).where(sql`walk_id is not null`),
    index('results_due_failed').on(table.firstAt).where(sql`error is not null`),
  ],
);

/** The views of operators in schema twilio, with the names and columns that they were given once. */
export const operatorViews = twilioSync.table(
  'operator_views',
  {
    operatorId: text('operator_id').primaryKey(),
    /** Of the view of latest results; the other one's ends in _history. */
    name: text().notNull(),
    /** As `ViewColumn` describes them. */
    columns: jsonb().notNull(),
    /** The `synced_at` of the operator that they were made from. Null makes them anew. */
    operatorSyncedAt: at('operator_synced_at'),
  },
  (table) => [uniqueIndex('operator_views_name').on(table.name)],
);

export const quarantine = twilioSync
  .view('quarantine', {
    conversationId: text('conversation_id').notNull(),
    reason: text(),
    firstFailedAt: at('first_failed_at').notNull(),
    lastFailedAt: at('last_failed_at'),
    attempts: integer().notNull(),
    nextAttemptAt: at('next_attempt_at').notNull(),
    fingerprint: text(),
    operatorResultId: text('operator_result_id'),
  })
  .as(
    sql`select conversation_id, error as reason, first_at as first_failed_at, last_at as last_failed_at, attempts, due_at as next_attempt_at, fingerprint, null::text as operator_result_id from twilio_sync.due where reason = 'failed' union all select conversation_id, error, first_at, last_at, attempts, due_at, null, operator_result_id from twilio_sync.results_due where error is not null`,
  );
