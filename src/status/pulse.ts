// What is watched of the database while the worker runs: one short statement that reads no table from end to end, asked
// for readiness and metrics, of any replica. And what stands in the way of being in sync, until a later listing mends it.

import type { Database, Queries } from '../postgres/database.ts';
import { seconds, span } from '../postgres/instant.ts';

export interface Pulse {
  /** Up to which migration the tables are; null for none. */
  migratedTo: number | null;
  /** When everything new was last listed and stored, by the database's clock, and how long ago; seconds. Null before the first time. */
  lastTickAt: number | null;
  lastTickAge: number | null;
  /** Since anything about a conversation was last written, in seconds. */
  newestChangeAge: number | null;
  /** Windows that are still to be listed, by sweep; and of all those, how many could not be when last tried. */
  pending: Record<string, number>;
  failing: number;
  quarantine: number;
  /** Details that should have been fetched by now. */
  due: number;
}

/** Long for this statement, and short for whoever waits for it. */
const answerMs = 2_000;

/** Reads it, with one try. @throws DatabaseTrouble, also where the tables are missing. */
export async function readPulse(database: Database): Promise<Pulse> {
  const [pulse] = await database.ask<Pulse>(pulseStatement, answerMs);
  if (pulse === undefined) throw new Error('the database gave no pulse');
  return pulse;
}

// A `new` window that lies in a listing of more has gone with it, so that one's end counts as well. What is recent goes
// before every batch of history: when a window of a reconcile ends, nothing recent was left waiting.
export const pulseStatement = `select
  (select max(created_at)::numeric from twilio_sync.__drizzle_migrations) as "migratedTo",
  ${seconds('tick.at')} as "lastTickAt",
  ${span('tick.at')} as "lastTickAge",
  (select ${span('max(synced_at)')} from twilio.conversations) as "newestChangeAge",
  (select coalesce(jsonb_object_agg(sweep, pending), '{}') from
    (select sweep, count(*)::int as pending from twilio_sync.windows where completed_at is null group by sweep) as each) as pending,
  (select count(*)::int from twilio_sync.windows where completed_at is null and failures > 0) as failing,
  (select count(*)::int from twilio_sync.due where reason = 'failed') as quarantine,
  (select count(*)::int from twilio_sync.due where due_at <= now() and reason <> 'failed') as due
from (select max(completed_at) as at from twilio_sync.windows where sweep in ('new', 'lookback', 'reconcile')) as tick`;

export interface Braked {
  sweep: string;
  expected: number;
  missing: number;
}

/** What keeps the copy from being whole until it is listed again. */
export interface Hindrances {
  /** Pending windows that could not be listed when last tried. */
  failing: { sweep: string; error: string }[];
  braked: Braked[];
}

/** Reads it. @throws DatabaseTrouble. */
export async function readHindrances(database: Database): Promise<Hindrances> {
  return await database.run(async (queries) => ({
    failing: await queries.sql<Hindrances['failing'][number]>(
      `select sweep, coalesce(error, 'no reason known') as error from twilio_sync.windows
       where completed_at is null and failures > 0 order by to_at desc`,
    ),
    braked: await readBraked(queries),
  }));
}

/**
 * Sweeps that the deletion brake stopped, and after which none of their kind, and none of everything, has got through.
 * One that ended later than now did so before the clock was set back: then the order is that in which they began.
 */
export async function readBraked(queries: Queries): Promise<Braked[]> {
  return await queries.sql<Braked>(
    `select sweep, expected, missing from twilio_sync.sweeps as stopped
     where braked and not exists (
       select from twilio_sync.sweeps as later where (later.ended_at > coalesce(stopped.ended_at, stopped.started_at) or later.ended_at is not null and later.id > stopped.id and stopped.ended_at > now())
         and (later.sweep = stopped.sweep or later.sweep = 'reconcile' and not later.braked))
     order by ended_at desc`,
  );
}
