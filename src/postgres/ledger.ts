// Compares the migrations of this program with those that were applied to a database, which are in drizzle's own table.

import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type pg from 'pg';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The messages for a database of an older release, or of none, and for one of a newer release. */
export const migrationMissing = 'a migration is missing; run: conversation-sync migrate';
export const newerSchema = 'the database is of a newer release than this program: run that release, or a newer one';

let known: ReturnType<typeof readMigrationFiles> | undefined;

/** The migrations of this program, oldest first. */
export function knownMigrations() {
  known ??= readMigrationFiles({ migrationsFolder: folder });
  return known;
}

const times = () => knownMigrations().map(({ folderMillis }) => folderMillis);

/** SQL for how many applied migrations this program does not know. */
export const countUnknown = () =>
  `(select count(*)::int from twilio_sync.__drizzle_migrations where created_at not in (${times().join(', ')}))`;

/** How the applied migrations differ from this program's. */
export interface Ledger {
  missing: ReturnType<typeof readMigrationFiles>;
  /** How many were applied by a newer program. */
  newer: number;
}

/** Compares them. In a database that was never migrated, all are missing. */
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

/** Whether the tables are of an older release than this program, the same, or a newer one. */
export function releaseOf(migratedTo: number | null): 'older' | 'same' | 'newer' {
  const newest = Math.max(...times());
  if (migratedTo === null || migratedTo < newest) return 'older';
  return migratedTo > newest ? 'newer' : 'same';
}
