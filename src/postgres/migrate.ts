// Applies the migrations that drizzle-kit wrote, and records them in drizzle's own table. One transaction under a
// transaction-level advisory lock: any number of processes may start at once, a failure leaves nothing behind, and poolers work.
// Drizzle's own migrator has no lock: of several at once, all but one fail.

import type pg from 'pg';
import { wait } from '../lib/wait.ts';
import { dropAnonymous, makeAnonymous, readAnonymousFacts } from '../readers/anonymous.ts';
import { isDistributed, planDistribution, readCitus } from './citus.ts';
import { Connection } from './connection.ts';
import { type DatabaseLimits, databaseLimits, type Queries } from './database.ts';
import { type Ledger, migrationMissing, readLedger, releaseOf } from './ledger.ts';
import { NewerSchema, Occupied, occupants, RowSecurity, securedTables } from './obstacles.ts';
import { verbatim } from './schemas.ts';
import { fixedSettings, liftedTimeouts } from './session.ts';

/** The advisory lock for changes of the schema or its rights: a constant that no other program on the database uses. */
export const migrationLock = '8391162077580680803';

const askEveryMs = 1_000;

/**
 * Applies the missing migrations, after another process that migrates has ended. `onProgress` is called with what takes long.
 * @returns how many were applied.
 * @throws NewerSchema, RowSecurity, the signal's reason, and the driver's error if the database cannot be reached or the user lacks rights.
 */
export async function migrate(
  connection: pg.ClientConfig,
  limits: Partial<DatabaseLimits> = {},
  signal?: AbortSignal,
  onProgress: (doing: string) => void = () => {},
): Promise<number> {
  const { connectMs, answerMs } = { ...databaseLimits, ...limits };
  // Mostly nothing is missing. That is found out quickly, without the lock.
  const quick = { ...connection, query_timeout: answerMs };
  if ((await whileConnected(quick, connectMs, signal, findMissing)).length === 0) return 0;
  return await changeSchema(connection, { limits, signal, onProgress }, async (client) => {
    const missing = await findMissing(client);
    if (missing.length > 0) onProgress(`migrating the database (${missing.length} missing)`);
    await apply(client, missing);
    return missing.length;
  });
}

export interface ChangeOptions {
  limits?: Partial<DatabaseLimits>;
  signal?: AbortSignal | undefined;
  onProgress?: (doing: string) => void;
}

/**
 * Changes the schema in one transaction, after another process that does so has ended. @throws the signal's reason, and the driver's
 * error.
 */
export async function changeSchema<Result>(
  connection: pg.ClientConfig,
  { limits = {}, signal, onProgress = () => {} }: ChangeOptions,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const { connectMs, migrationMs, idleInTransactionMs } = { ...databaseLimits, ...limits };
  // Ends the transaction of a process that froze, and so frees the lock.
  const idle = `set local idle_in_transaction_session_timeout = ${idleInTransactionMs}`;
  const begin = ['begin', idle, ...liftedTimeouts, ...fixedSettings].join('; ');
  for (let tries = 0; ; tries++) {
    const changed = await whileConnected(
      { ...connection, query_timeout: migrationMs },
      connectMs,
      signal,
      async (client) => {
        await client.query(begin);
        if (!(await takeLock(client))) return null;
        const result = await work(client);
        await client.query('commit');
        return { result };
      },
    );
    if (changed !== null) return changed.result;
    // The lock is tried again and again, not waited for in one statement, which a timeout or pooler could end.
    if (tries === 0) onProgress('waiting for another process to migrate the database');
    await wait(askEveryMs, signal);
  }
}

async function takeLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
    migrationLock,
  ]);
  return rows[0]?.taken === true;
}

/** The migrations that a database lacks; all of them for one that has never been migrated. @throws NewerSchema, RowSecurity, Occupied. */
export async function findMissing(client: pg.ClientBase | pg.Pool): Promise<Ledger['missing']> {
  // Row-level security might hide the applied migrations.
  const { rows } = await client.query<{ secured: string[]; occupying: string[] }>(
    `select ${securedTables} as secured, ${occupants} as occupying`,
  );
  const { secured = [], occupying = [] } = rows[0] ?? {};
  if (occupying.length > 0) throw new Occupied(occupying);
  if (secured.length > 0) throw new RowSecurity(secured);
  const { missing, newer } = await readLedger(client);
  if (newer > 0) throw new NewerSchema();
  return missing;
}

/** Changes nothing. @throws if there are tables that are not of this release. */
export async function refuseOtherTables(queries: Queries): Promise<void> {
  const [ledger] = await queries.sql<{ name: string | null }>(
    `select to_regclass('twilio_sync.__drizzle_migrations')::text as name`,
  );
  if (ledger?.name == null) return;
  const [last] = await queries.sql<{ at: number | null }>(
    'select max(created_at)::numeric as at from twilio_sync.__drizzle_migrations',
  );
  const release = releaseOf(last?.at ?? null);
  if (release === 'newer') throw new NewerSchema();
  if (release === 'older') throw new Error(migrationMissing);
}

/** Does work on a connection of its own, which an abort cuts. */
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
  // Without a listener, an error between queries would end the process. The next query reports it.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await client.leave();
  }
}

/** Applies migrations, and takes the lease from an older release: once this is committed, that one writes nothing. */
async function apply(client: pg.ClientBase, missing: Ledger['missing']): Promise<void> {
  if (missing.length === 0) return;
  const lease = await client.query<{ present: boolean }>(
    `select to_regclass('twilio_sync.lease') is not null as present`,
  );
  // The lease is locked before any table, as in a load.
  if (lease.rows[0]?.present === true) {
    await client.query('update twilio_sync.lease set epoch = epoch + 1, holder = null, expires_at = default');
  }
  // Postgres requires the right to create a schema even if IF NOT EXISTS finds it.
  const schema = await client.query<{ missing: boolean }>(`select to_regnamespace('twilio_sync') is null as missing`);
  if (schema.rows[0]?.missing === true) await client.query('create schema twilio_sync');
  await client.query(
    'create table if not exists twilio_sync.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  );
  const hasTables = lease.rows[0]?.present === true;
  const ask = async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows;
  const before = hasTables ? await readAnonymousFacts(ask) : null;
  for (const statement of before?.exists ? dropAnonymous(before) : []) await client.query(statement);
  const onNodes = hasTables && isDistributed(await readCitus(ask));
  for (const migration of missing) {
    for (const statement of migration.sql) {
      await client.query(statement);
      // A new table has to lie with the others before a foreign key leads from it to them.
      if (onNodes) for (const each of planDistribution(await readCitus(ask))) await client.query(verbatim(each));
    }
    await client.query('insert into twilio_sync.__drizzle_migrations (hash, created_at) values ($1, $2)', [
      migration.hash,
      migration.folderMillis,
    ]);
  }
  const after = before?.exists ? makeAnonymous(await readAnonymousFacts(ask)) : [];
  for (const statement of after) await client.query(statement);
}
