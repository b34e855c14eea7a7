// How things stand, as one value: read from the database alone, so that it can be asked whether or not a worker runs.
// Ages are by the database's clock.

import type { Database } from './database.ts';

export interface Status {
  accountSid: string | null;
  conversations: number;
  open: number;
  deleted: number;
  communications: number;
  operatorResultLinks: number;
  /** Up to when everything new has been listed; null before the first time. */
  listedUpTo: string | null;
  listedSecondsAgo: number | null;
  /** When everything since SYNC_START was last listed completely. */
  reconciledAt: string | null;
  pendingWindows: { sweep: string; from: string; to: string; cursor: string; failures: number; error: string | null }[];
  /** Days of createdAt that pending windows still have to list. */
  pendingDays: number;
  due: number;
  quarantine: number;
  /** The last ended sweep of each kind that the deletion brake stopped. */
  braked: { sweep: string; expected: number; missing: number }[];
  worker: string | null;
  lastRun: { command: string; startedAt: string; outcome: string | null; error: string | null } | null;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** Reads it. @throws DatabaseTrouble, also where the tables are missing. */
export async function readStatus(database: Database): Promise<Status> {
  return await database.run(async (queries) => {
    const [counts] = await queries.sql<Omit<Status, 'pendingWindows' | 'braked' | 'lastRun'>>(
      `select
         (select account_sid from twilio_sync.scope) as "accountSid",
         (select count(*)::int from twilio.conversations where deleted_at is null) as conversations,
         (select count(*)::int from twilio.conversations where status in ('ACTIVE', 'INACTIVE') and deleted_at is null) as open,
         (select count(*)::int from twilio.conversations where deleted_at is not null) as deleted,
         (select count(*)::int from twilio.communications) as communications,
         (select count(*)::int from twilio.operator_result_links) as "operatorResultLinks",
         ${iso('reached.at')} as "listedUpTo",
         extract(epoch from now() - reached.at)::int as "listedSecondsAgo",
         (select ${iso('max(ended_at)')} from twilio_sync.sweeps where sweep = 'reconcile' and ended_at is not null) as "reconciledAt",
         (select coalesce(round(sum(extract(epoch from cursor - from_at)) / 86400, 1), 0)::float8
            from twilio_sync.windows where completed_at is null) as "pendingDays",
         (select count(*)::int from twilio_sync.due where reason <> 'failed' and sweep_id is null) as due,
         (select count(*)::int from twilio_sync.quarantine) as quarantine,
         (select holder from twilio_sync.lease where expires_at > clock_timestamp()) as worker
       from (select max(to_at) as at from twilio_sync.windows
             where completed_at is not null and sweep in ('new', 'lookback', 'reconcile')) as reached`,
    );
    const pendingWindows = await queries.sql<Status['pendingWindows'][number]>(
      `select sweep, ${iso('from_at')} as from, ${iso('to_at')} as to, ${iso('cursor')} as cursor, failures, error
       from twilio_sync.windows where completed_at is null order by to_at desc`,
    );
    const braked = await queries.sql<Status['braked'][number]>(
      `select sweep, expected, missing from (
         select distinct on (sweep) * from twilio_sync.sweeps where ended_at is not null order by sweep, ended_at desc) as last
       where braked`,
    );
    const [lastRun = null] = await queries.sql<NonNullable<Status['lastRun']>>(
      `select command, ${iso('started_at')} as "startedAt", outcome, error from twilio_sync.runs order by id desc limit 1`,
    );
    if (counts === undefined) throw new Error('the database gave no status');
    return { ...counts, pendingWindows, braked, lastRun };
  });
}
