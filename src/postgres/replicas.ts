// The processes that share the accounts of one accounts file: a row each in twilio_all_sync.replicas, with its last beat. A row that
// was not beaten for 15 seconds does not count. Times are whole microseconds since 1970, by the database's clock.
// Rows decide how many accounts a process tries to hold. Who may write is decided by each account's lease alone.

import type { Database } from './database.ts';

/** How often a process beats. */
export const beatSeconds = 5;
/** How long a beat counts. */
export const aliveSeconds = 15;

/** How many accounts each of so many processes works for: all are held, and no process holds two more than another has to. */
export function shareOf(accounts: number, replicas: number): number {
  return Math.ceil(accounts / Math.max(replicas, 1));
}

/** The lock for making what is in schema twilio_all_sync. It is a transaction's, so that poolers work. */
const allLock = '8391162077580680804';

/** Makes the table if there is none. Any number of processes may do so at once. @throws DatabaseTrouble, if rights are missing too. */
export async function createReplicas(database: Database): Promise<void> {
  const isMade = `select to_regclass('twilio_all_sync.replicas') is not null as made`;
  const [found] = await database.run(({ sql }) => sql<{ made: boolean }>(isMade));
  if (found?.made === true) return;
  await database.transaction(async ({ sql }) => {
    await sql('select pg_advisory_xact_lock($1)', [allLock]);
    // Postgres requires the right to create a schema even if IF NOT EXISTS finds it.
    const [schema] = await sql<{ missing: boolean }>(`select to_regnamespace('twilio_all_sync') is null as missing`);
    if (schema?.missing === true) await sql('create schema twilio_all_sync');
    await sql(
      `create table if not exists twilio_all_sync.replicas (replica text primary key, beat_at bigint not null)`,
    );
    await sql(
      `comment on table twilio_all_sync.replicas is 'One row a process that works for the accounts of an accounts file.'`,
    );
    await sql(`comment on column twilio_all_sync.replicas.replica is 'The name of the process, as leases have it.'`);
    await sql(
      `comment on column twilio_all_sync.replicas.beat_at is 'When it last said that it runs, in microseconds since 1970. It counts for ${aliveSeconds} seconds.'`,
    );
  });
}

/** SQL for whether a row counts at $2. A beat later than any that can have been given is from before the clock was set back. */
const isAlive = `beat_at between $2::bigint - ${aliveSeconds * 1_000_000} and $2::bigint + ${aliveSeconds * 1_000_000}`;

/** Says that this process runs, and removes the rows of those that do not. @returns how many run, this one included. */
export async function beat(database: Database, replica: string): Promise<number> {
  return await database.transaction(async ({ sql }, now) => {
    // Rows that another process is removing, or beats just now, are left to it: waiting for each other, two would not end.
    const [others] = await sql<{ count: number }>(
      `with own as (insert into twilio_all_sync.replicas (replica, beat_at) values ($1, $2)
         on conflict (replica) do update set beat_at = excluded.beat_at),
       dead as (delete from twilio_all_sync.replicas where replica in (
         select replica from twilio_all_sync.replicas where replica <> $1 and not (${isAlive}) for update skip locked))
       select count(*)::int as count from twilio_all_sync.replicas where replica <> $1 and ${isAlive}`,
      [replica, now],
    );
    return 1 + (others?.count ?? 0);
  });
}

/** In how many milliseconds the first of the others no longer counts, unless it beats again; null if there are no others. */
export async function untilOneIsMissed(database: Database, replica: string): Promise<number | null> {
  const [row] = await database.transaction(({ sql }, now) =>
    sql<{ ms: number | null }>(
      `select (min(beat_at) + ${aliveSeconds * 1_000_000} - $2::bigint)::float8 / 1000 as ms
       from twilio_all_sync.replicas where replica <> $1 and ${isAlive}`,
      [replica, now],
    ),
  );
  return row?.ms ?? null;
}

/** Removes this process's row, so that the others take its accounts over at their next beat. */
export async function leave(database: Database, replica: string): Promise<void> {
  await database.run(({ sql }) => sql('delete from twilio_all_sync.replicas where replica = $1', [replica]));
}
