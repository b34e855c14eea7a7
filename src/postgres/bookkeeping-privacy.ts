// The worker's own tables about what is not kept: schema `twilio_sync`, beside those of bookkeeping.ts. None of them holds anything
// about a person.

import { sql } from 'drizzle-orm';
import { bigint, check, customType, date, integer, text } from 'drizzle-orm/pg-core';
import { at, identity, singleton, twilioSync } from './bookkeeping.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const tombstones = twilioSync.table('tombstones', {
  hash: bytea().primaryKey(),
  day: date({ mode: 'string' }).notNull(),
  forgottenAt: at('forgotten_at').notNull().defaultNow(),
});

/** The key of the tombstones that are made here. */
export const tombstoneKey = twilioSync.table(
  'tombstone_key',
  { singleton: singleton(), key: bytea().notNull() },
  (table) => [check('tombstone_key_only', sql`${table.singleton}`)],
);

/** Keys of tombstones that were made in other databases. */
export const importedTombstoneKeys = twilioSync.table('imported_tombstone_keys', { key: bytea().primaryKey() });

/** For how long conversations are kept, and what keeps a shorter time from being in force. */
export const retention = twilioSync.table(
  'retention',
  {
    singleton: singleton(),
    /** In force; null: they are kept for ever. */
    seconds: bigint({ mode: 'number' }),
    /** Wanted, and not in force, since that would erase too much: so many of those stored. */
    brakedSeconds: bigint('braked_seconds', { mode: 'number' }),
    old: integer(),
    stored: integer(),
    /** Allowed by a person. */
    allowedSeconds: bigint('allowed_seconds', { mode: 'number' }),
  },
  (table) => [check('retention_only', sql`${table.singleton}`)],
);

/** How far closed conversations are fetched again, without anybody's id. Times of the API. */
export const reread = twilioSync.table(
  'reread',
  {
    singleton: singleton(),
    /** The `created_at` of the last that was made due. */
    afterAt: at('after_at').notNull().default(sql`'-infinity'`),
    /** Up to when enough were made due. */
    plannedAt: at('planned_at').notNull(),
    countedAt: at('counted_at').notNull(),
    conversations: integer().notNull(),
  },
  (table) => [check('reread_only', sql`${table.singleton}`)],
);

/** How far what was stored before is masked as SYNC_OMIT and SYNC_HASH say: newest first. */
export const masking = twilioSync.table(
  'masking',
  {
    singleton: singleton(),
    /** Names the settings: see src/sync/mask.ts. */
    policy: text().notNull(),
    reachedAt: at('reached_at'),
    reachedId: text('reached_id'),
    filledAt: at('filled_at'),
  },
  (table) => [check('masking_only', sql`${table.singleton}`)],
);

/** What was erased, and why: counts alone. */
export const erasures = twilioSync.table('erasures', {
  id: identity(),
  cause: text().notNull(),
  beganAt: at('began_at').notNull(),
  endedAt: at('ended_at').notNull(),
  conversations: integer().notNull(),
  rows: bigint({ mode: 'number' }).notNull(),
});
