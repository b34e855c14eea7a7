// One writer at a time: a row that says who, until when by the database's clock, and under which epoch. Whoever has
// lost it writes nothing more, since every write begins with an update of that row where the epoch is still its own.
// Times are whole microseconds since the epoch, as the row has them; a transaction's own time is a parameter.

import { LeaseLost } from '../sync/model.ts';
import type { Database, Queries } from './database.ts';
import { nowInMicroseconds } from './instant.ts';
import { type Obstacles, obstacles, refuseObstacles } from './obstacles.ts';
import type { Rows } from './rows.ts';

export const leaseSeconds = 15;
const term = leaseSeconds * 1_000_000;

/**
 * Whether somebody holds the lease at an instant. One that ends later than any that can have been given was given before
 * the clock was set back, and nobody holds it. Given it can be until a term after a transaction began, and whoever asks
 * may have begun a little earlier: a second term is more than that.
 */
export const isHeld = (now: string) => `expires_at between ${now} and ${now} + ${2 * term}`;

/**
 * Takes the lease where nobody holds it. `holder` is nobody else's name: by it an answer that was lost is made up for.
 * @returns the epoch to write under, or who holds it. @throws NewerSchema, RowSecurity.
 */
export async function takeLease(database: Database, holder: string): Promise<{ epoch: number } | { heldBy: string }> {
  let asked = false;
  return await database.transaction(async (queries, now) => {
    const again = asked;
    asked = true;
    // A row locked by a load means that its holder is alive: there is no use in waiting for it.
    const [taken] = await queries.sql<Pick<Rows['lease'], 'epoch'>>(
      `update twilio_sync.lease set epoch = epoch + 1, holder = $1, expires_at = $2::bigint + ${term}
       where singleton = (select singleton from twilio_sync.lease where not (${isHeld('$2::bigint')}) for update skip locked)
       returning epoch::int as epoch`,
      [holder, now],
    );
    const [lease] = await queries.sql<Obstacles & Pick<Rows['lease'], 'epoch' | 'holder'>>(
      `select ${obstacles()}, epoch::int as epoch, holder from (values (1)) as one left join twilio_sync.lease on true`,
    );
    // Thrown, so that what was taken is given back.
    refuseObstacles(lease);
    if (taken !== undefined) return taken;
    if (again && lease?.holder === holder) return { epoch: lease.epoch };
    return { heldBy: lease?.holder ?? 'another worker' };
  });
}

/** Extends the lease. @throws LeaseLost where it is another's by now; NewerSchema, RowSecurity. */
export async function renewLease(database: Database, epoch: number): Promise<void> {
  await database.transaction(async (queries) => {
    // The time is read when the row is locked: a load may have held it for longer than the term.
    const [locked] = await queries.sql<Obstacles & { now: string }>(
      `with locked as materialized (select from twilio_sync.lease where epoch = $1 for update)
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

/** Gives the lease back, so that the next worker need not wait for it to expire. */
export async function returnLease(database: Database, epoch: number): Promise<void> {
  await database.run((queries) =>
    queries.sql('update twilio_sync.lease set expires_at = 0, holder = null where epoch = $1', [epoch]),
  );
}

/**
 * The first statement of every transaction that writes; `now` is the transaction's. Its row lock makes them one after
 * another until they commit, so that stamps are in commit order and whoever reads `synced_at > :last` misses nothing.
 * A lease that is lost is an error in Postgres (a division by zero): whatever was sent behind it is refused there.
 * @returns a stamp later than any before, in microseconds since the epoch. @throws LeaseLost.
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

/** What Postgres is made to raise where a transaction must not go on. */
export const divisionByZero = '22012';
