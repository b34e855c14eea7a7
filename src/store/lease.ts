// One writer at a time: a row that says who, until when by the database's clock, and under which epoch. Whoever has
// lost it writes nothing more, since every write begins with an update of that row where the epoch is still its own.

import { LeaseLost } from '../sync/ports.ts';
import type { Database, Queries } from './database.ts';

export const leaseSeconds = 15;
const term = `interval '${leaseSeconds} seconds'`;

/**
 * Takes the lease where nobody holds it. `holder` is nobody else's name: by it an answer that was lost is made up for.
 * @returns the epoch to write under, or who holds it.
 */
export async function takeLease(database: Database, holder: string): Promise<{ epoch: number } | { heldBy: string }> {
  let asked = false;
  return await database.run(async (queries) => {
    const again = asked;
    asked = true;
    // A row locked by a load means that its holder is alive: there is no use in waiting for it.
    const [taken] = await queries.sql<{ epoch: number }>(
      `update twilio_sync.lease set epoch = epoch + 1, holder = $1, expires_at = clock_timestamp() + ${term}
       where singleton = (select singleton from twilio_sync.lease where expires_at < clock_timestamp() for update skip locked)
       returning epoch::int as epoch`,
      [holder],
    );
    if (taken !== undefined) return taken;
    const [lease] = await queries.sql<{ epoch: number; holder: string | null }>(
      'select epoch::int as epoch, holder from twilio_sync.lease',
    );
    if (again && lease?.holder === holder) return { epoch: lease.epoch };
    return { heldBy: lease?.holder ?? 'another worker' };
  });
}

/** Extends the lease. @throws LeaseLost where it is another's by now. */
export async function renewLease(database: Database, epoch: number): Promise<void> {
  const renewed = await database.run((queries) =>
    queries.sql(
      `update twilio_sync.lease set expires_at = clock_timestamp() + ${term} where epoch = $1 returning epoch`,
      [epoch],
    ),
  );
  if (renewed.length === 0) throw new LeaseLost();
}

/** Gives the lease back, so that the next worker need not wait for it to expire. */
export async function returnLease(database: Database, epoch: number): Promise<void> {
  await database.run((queries) =>
    queries.sql(`update twilio_sync.lease set expires_at = '-infinity', holder = null where epoch = $1`, [epoch]),
  );
}

/**
 * The first statement of every transaction that writes. Its row lock makes them one after another until they commit,
 * so that stamps are in commit order and whoever reads `synced_at > :last` misses nothing.
 * A lease that is lost is an error in Postgres (a division by zero): whatever was sent behind it is refused there.
 * @returns a stamp later than any before. @throws LeaseLost.
 */
export async function holdLease(queries: Queries, epoch: number): Promise<string> {
  const rows = await queries
    .sql<{ stamp: string }>(
      `with held as (
         update twilio_sync.lease set stamp = greatest(clock_timestamp(), stamp + interval '1 microsecond'),
           expires_at = clock_timestamp() + ${term}
         where epoch = $1 returning stamp::text as stamp)
       select 1 / count(*) as held, min(stamp) as stamp from held`,
      [epoch],
    )
    .catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === divisionByZero ? new LeaseLost() : error;
    });
  const [row] = rows;
  if (row === undefined) throw new LeaseLost();
  return row.stamp;
}

/** What Postgres is made to raise where a transaction must not go on. */
export const divisionByZero = '22012';
