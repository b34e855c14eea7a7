// The migrations that this program knows, held against those that a database has had: drizzle's own ledger.

import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type pg from 'pg';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** What is said where an older release, or none, was here; and where a newer one was. */
export const migrationMissing = 'a migration is missing; run: conversation-sync migrate';
export const newerSchema = 'the database is of a newer release than this program: run that release, or a newer one';

let known: ReturnType<typeof readMigrationFiles> | undefined;

/** Those of this program, the oldest first. */
export function knownMigrations() {
  known ??= readMigrationFiles({ migrationsFolder: folder });
  return known;
}

const times = () => knownMigrations().map(({ folderMillis }) => folderMillis);

/** SQL for how many migrations a database has had that this program does not know. */
export const countUnknown = () =>
  `(select count(*)::int from twilio_sync.__drizzle_migrations where created_at not in (${times().join(', ')}))`;

/** How a database's ledger and this program's migrations differ. */
export interface Ledger {
  missing: ReturnType<typeof readMigrationFiles>;
  /** How many were applied by a newer program, and are unknown here. */
  newer: number;
}

/** Reads it; of a database that has never been migrated, all are missing. */
export async function readLedger(client: pg.ClientBase | pg.Pool): Promise<Ledger> {
  const ledger = await client.query<{ present: boolean }>(
    `select to_regclass('twilio_sync.__drizzle_migrations') is not null as present`,
  );
  if (ledger.rows[0]?.present !== true) return { missing: knownMigrations(), newer: 0 };
  const found = await client.query<{ at: string | null; newer: number }>(
    `select max(created_at) as at, ${countUnknown()} as newer from twilio_sync.__drizzle_migrations`,
  );
  const { at, newer } = found.rows[0] ?? { at: null, newer: 0 };
  return { missing: knownMigrations().filter(({ folderMillis }) => folderMillis > Number(at ?? 0)), newer };
}

/** Of which release tables are that are up to this migration: an older one than this program, the same, or a newer one. */
export function releaseOf(migratedTo: number | null): 'older' | 'same' | 'newer' {
  const newest = Math.max(...times());
  if (migratedTo === null || migratedTo < newest) return 'older';
  return migratedTo > newest ? 'newer' : 'same';
}
