// Brings a database's schema up to date with the files that drizzle-kit wrote, in drizzle's own ledger. One transaction
// under a transaction-level advisory lock: any number of processes may ask at once, a failure leaves nothing behind, and
// no session state is needed, so that it works through a pooler (drizzle's own migrator has no lock: two at once collide).

import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type pg from 'pg';
import { Connection } from './connection.ts';
import { type DatabaseLimits, databaseLimits, type Queries } from './database.ts';
import { fixedSettings } from './session.ts';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The advisory lock of whoever changes the schema or its rights. Any constant will do that no other program on the database uses. */
export const migrationLock = '8391162077580680803';

/**
 * Applies the migrations that are still missing, waiting for another migrator to end first.
 * @returns how many were applied.
 * @throws the signal's reason, and the driver's error where the database is away or the user lacks rights.
 */
export async function migrate(
  connection: pg.ClientConfig,
  limits: Partial<DatabaseLimits> = {},
  signal?: AbortSignal,
): Promise<number> {
  const { connectMs, answerMs, migrationMs, idleInTransactionMs } = { ...databaseLimits, ...limits };
  const connected = <Result>(limitMs: number, work: (client: pg.Client) => Promise<Result>) =>
    whileConnected({ ...connection, query_timeout: limitMs }, connectMs, signal, work);
  // Mostly nothing is missing, and that is found out quickly and without waiting for anybody.
  const none = await connected(answerMs, async (client) => (await findMissing(client)).length === 0);
  if (none) return 0;
  return await connected(migrationMs, async (client) => {
    // Frees the lock from a process that froze.
    await client.query(
      `begin; set local idle_in_transaction_session_timeout = ${idleInTransactionMs}; ${fixedSettings.join('; ')}`,
    );
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    const missing = await findMissing(client);
    if (missing.length > 0) await apply(client, missing);
    await client.query('commit');
    return missing.length;
  });
}

/** Work on a connection of its own, which an abort cuts. */
async function whileConnected<Result>(
  connection: pg.ClientConfig,
  connectMs: number,
  signal: AbortSignal | undefined,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const connectionTimeoutMillis = connection.connectionTimeoutMillis || connectMs;
  const client = new Connection({ ...connection, connectionTimeoutMillis, keepAlive: true });
  const onAbort = () => client.cut();
  signal?.addEventListener('abort', onAbort, { once: true });
  // An error between queries would otherwise end the process; the next query reports it.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await client.leave();
  }
}

/** How a database's ledger and this program's migrations differ. */
export interface Ledger {
  missing: number;
  /** Applied by a newer program, and unknown here. */
  newer: number;
}

/** The migrations that a database lacks; all of them for one that has never been migrated. */
export async function findMissing(client: pg.ClientBase | pg.Pool) {
  return (await readLedger(client)).missing;
}

/** Counts what is missing, and what only a newer program knows. */
export async function compareLedger(client: pg.ClientBase): Promise<Ledger> {
  const { missing, newer } = await readLedger(client);
  return { missing: missing.length, newer };
}

async function readLedger(client: pg.ClientBase | pg.Pool) {
  const ledger = await client.query<{ present: boolean }>(
    `select to_regclass('twilio_sync.__drizzle_migrations') is not null as present`,
  );
  const migrations = readMigrationFiles({ migrationsFolder: folder });
  if (ledger.rows[0]?.present !== true) return { missing: migrations, newer: 0 };
  const newestAt = Math.max(...migrations.map(({ folderMillis }) => folderMillis));
  const found = await client.query<{ at: string | null; newer: number }>(
    'select max(created_at) as at, count(*) filter (where created_at > $1)::int as newer from twilio_sync.__drizzle_migrations',
    [newestAt],
  );
  const { at, newer } = found.rows[0] ?? { at: null, newer: 0 };
  return { missing: migrations.filter(({ folderMillis }) => folderMillis > Number(at ?? 0)), newer };
}

/** What is wrong with tables that are up to this migration, for this release of the program; undefined for nothing. */
export function findSchemaTrouble(migratedTo: number | null): string | undefined {
  newest ??= Math.max(...readMigrationFiles({ migrationsFolder: folder }).map(({ folderMillis }) => folderMillis));
  if (migratedTo === null || migratedTo < newest) return 'a migration is missing; run: conversation-sync migrate';
  return migratedTo > newest ? 'the database is of a newer release than this program' : undefined;
}

let newest: number | undefined;

/** Changes nothing. @throws where there are tables, and they are not of this release. */
export async function refuseOtherTables(queries: Queries): Promise<void> {
  const [ledger] = await queries.sql<{ name: string | null }>(
    `select to_regclass('twilio_sync.__drizzle_migrations')::text as name`,
  );
  if (ledger?.name == null) return;
  const [last] = await queries.sql<{ at: number | null }>(
    'select max(created_at)::float8 as at from twilio_sync.__drizzle_migrations',
  );
  const trouble = findSchemaTrouble(last?.at ?? null);
  if (trouble !== undefined) throw new Error(trouble);
}

async function apply(client: pg.ClientBase, migrations: ReturnType<typeof readMigrationFiles>): Promise<void> {
  // Postgres asks for the right to make a schema also where IF NOT EXISTS would find it.
  const schema = await client.query<{ missing: boolean }>(`select to_regnamespace('twilio_sync') is null as missing`);
  if (schema.rows[0]?.missing === true) await client.query('create schema twilio_sync');
  await client.query(
    'create table if not exists twilio_sync.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  );
  for (const migration of migrations) {
    for (const statement of migration.sql) await client.query(statement);
    await client.query('insert into twilio_sync.__drizzle_migrations (hash, created_at) values ($1, $2)', [
      migration.hash,
      migration.folderMillis,
    ]);
  }
}
