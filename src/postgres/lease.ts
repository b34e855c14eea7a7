// The lease: one row that says who may write, until when by the database's clock, and under which epoch. Every transaction that
// writes begins with an update of that row under its own epoch, so a process that has lost the lease writes nothing.
// Times are whole microseconds since 1970, as in the row. The time of a transaction is passed as a parameter.

import { LeaseLost } from '../sync/model.ts';
import type { Database, Queries } from './database.ts';
import { nowInMicroseconds } from './instant.ts';
import { type Obstacles, obstacles, refuseObstacles } from './obstacles.ts';
import type { Rows } from './rows.ts';

export const leaseSeconds = 15;
const term = leaseSeconds * 1_000_000;

/**
 * SQL for whether somebody holds the lease at an instant. A lease that ends later than any that can have been given was given
 * before the clock was set back: nobody holds it. A lease ends one term after its transaction began, and the transaction that
 * asks may have begun a little earlier. Two terms are enough for both.
 */
export const isHeld = (now: string) => `expires_at between ${now} and ${now} + ${2 * term}`;

/**
 * Takes the lease if nobody holds it. `holder` is a unique name: if the answer to COMMIT is lost, the second try finds it in the row.
 * @returns the epoch to write under, or who holds the lease. @throws NewerSchema, RowSecurity.
 */
export async function takeLease(database: Database, holder: string): Promise<{ epoch: number } | { heldBy: string }> {
  let asked = false;
  return await database.transaction(async (queries, now) => {
    const again = asked;
    asked = true;
    // If a load has locked the row, its holder is alive: there is no use in waiting.
    const [taken] = await queries.sql<Pick<Rows['lease'], 'epoch'>>(
      `update twilio_sync.lease set epoch = epoch + 1, holder = $1, expires_at = $2::bigint + ${term}
       where singleton = (select singleton from twilio_sync.lease where not (${isHeld('$2::bigint')}) for update skip locked)
       returning epoch::int as epoch`,
      [holder, now],
    );
    const [lease] = await queries.sql<Obstacles & Pick<Rows['lease'], 'epoch' | 'holder'>>(
      `select ${obstacles()}, epoch::int as epoch, holder from (values (1)) as one left join twilio_sync.lease on true`,
    );
    // Throws, so that the transaction is rolled back and the lease is not taken.
    refuseObstacles(lease);
    if (taken !== undefined) return taken;
    if (again && lease?.holder === holder) return { epoch: lease.epoch };
    return { heldBy: lease?.holder ?? 'another worker' };
  });
}

/** Extends the lease. @throws LeaseLost if another process has taken it; NewerSchema, RowSecurity. */
export async function renewLease(database: Database, epoch: number): Promise<void> {
  await database.transaction(async (queries) => {
    // The time is read once the row is locked: a load may have kept it locked for longer than the term.
    const [locked] = await queries.sql<Obstacles & { now: string }>(
      `with locked as materialized (select epoch from twilio_sync.lease where epoch = $1 for update)
       select ${nowInMicroseconds} as now, ${obstacles()} from locked`,
      [epoch],
    );
    if (locked === undefined) throw new LeaseLost();
    refuseObstacles(locked);
    await queries.sql(`update twilio_sync.lease set expires_at = $2::bigint + ${term} where epoch = $1`, [
      epoch,
      locked.now,
    ]);
  });
}

/** Gives the lease back, so that the next worker does not have to wait until it expires. */
export async function returnLease(database: Database, epoch: number): Promise<void> {
  await database.run((queries) =>
    queries.sql('update twilio_sync.lease set expires_at = 0, holder = null where epoch = $1', [epoch]),
  );
}

/**
 * The first statement of every transaction that writes; `now` is the transaction's time. Its row lock lets one transaction at a
 * time go on until it commits. So stamps are in commit order, and a reader of `synced_at > :last` misses nothing.
 * If the lease is lost, Postgres raises an error (a division by zero) and refuses every statement sent after it.
 * @returns a stamp later than any before, in microseconds since 1970. @throws LeaseLost.
 */
export async function holdLease(queries: Queries, epoch: number, now: bigint): Promise<bigint> {
  const rows = await queries
    .sql<{ stamp: string }>(
      `with held as (
         update twilio_sync.lease set stamp = greatest($2::bigint, stamp + 1), expires_at = $2::bigint + ${term}
         where epoch = $1 returning stamp)
       select 1 / count(*) as held, min(stamp) as stamp from held`,
      [epoch, now],
    )
    .catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === divisionByZero ? new LeaseLost() : error;
    });
  const [row] = rows;
  if (row === undefined) throw new LeaseLost();
  return BigInt(row.stamp);
}

/** The error that a statement provokes in Postgres to stop its transaction. */
export const divisionByZero = '22012';
