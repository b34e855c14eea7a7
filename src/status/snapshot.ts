// What the database says of the copy, read from it alone, so that it can be asked whether or not a worker runs: how fresh
// the copy is and what is wrong with it, what was done, how much is stored. Three parts, since each costs ten times the one
// before. Ages are by the database's clock, instants ISO 8601 in UTC, to the second.

import type { Queries } from '../postgres/database.ts';
import { iso, nowInMicroseconds, span } from '../postgres/instant.ts';
import { isHeld } from '../postgres/lease.ts';
import { migrationMissing, releaseOf } from '../postgres/ledger.ts';
import { findObstacle, type Obstacle, type Obstacles, obstacles } from '../postgres/obstacles.ts';
import { type SearchIndex, searchIndex } from '../postgres/search-index.ts';
import { type Progress, progressOf, progressStatement } from './progress.ts';
import { type PushFacts, pushFacts } from './pushes.ts';
import { type ResultFacts, resultFacts } from './results.ts';

/** All of it. Its keys, but for `evidence`, are public: `status --json` prints them. */
export interface Snapshot extends Facts, Records, Counts {}

/** What decides whether the copy is in sync. Asked at every probe: one statement, over tables that stay small or by an index. */
export interface Facts {
  /** When this was read. */
  at: string;
  accountSid: string | null;
  /** Who holds the lease. */
  worker: string | null;
  /** Up to when everything new has been listed; null before the first time. */
  listedUpTo: string | null;
  listedSecondsAgo: number | null;
  /** When everything new was last listed and stored, which each tick does; null before the first time. */
  lastTickAt: string | null;
  lastTickSecondsAgo: number | null;
  /** Since anything about a conversation was last written. */
  newestChangeSecondsAgo: number | null;
  pendingWindows: PendingWindow[];
  /** Days of createdAt that pending windows still have to list. */
  pendingDays: number;
  /** History that is being listed, for the first time or again. */
  progress: Progress | null;
  /** Sweeps that the deletion brake stopped, and none has made up for; the latest first. */
  braked: { sweep: string; expected: number; missing: number }[];
  /** Conversations, and operator results, that cannot be fetched or stored. */
  quarantine: number;
  /** Operator results; null where they are not kept with their content, or were never asked for. */
  results: ResultFacts | null;
  /** Webhooks; null where none was ever taken. */
  pushes: PushFacts | null;
  /** What is computed of conversations is being computed again, the newest first: down to which `createdAt`; null: it is all done. */
  computing: { reachedAt: string } | null;
  /** What was stored before is being masked as SYNC_OMIT and SYNC_HASH say, the newest first: down to which `createdAt`, null at first; null: it is all done. */
  masking: { reachedAt: string | null } | null;
  /** For how long conversations are kept; null: for ever. `braked`: what a shorter time would erase, and waits for a person. */
  retention: { seconds: number | null; braked: { old: number; stored: number } | null } | null;
  /** Details that should have been fetched by now. */
  overdue: number;
  evidence: Evidence;
}

/** What only the judgement needs. */
export interface Evidence {
  /** Why this program cannot work on this database. */
  blocker: { code: Obstacle['kind'] | 'migration_missing'; reason: string } | null;
  /** The last pass or command that ended, where it left something undone and no window was completed since. */
  trouble: { outcome: 'failed' | 'incomplete'; error: string | null } | null;
  /** The end of the first of the runs that have all left something undone; null where the last did not. */
  failingSince: string | null;
  /** The end of the first of the runs that have all left nothing undone; null where the last did. */
  okSince: string | null;
}

export interface PendingWindow {
  sweep: string;
  from: string;
  to: string;
  cursor: string;
  failures: number;
  error: string | null;
}

/** What was done, and what is left to do: of the worker's own tables, some of which are read from end to end. */
export interface Records {
  /** `twilio.data_complete_through()`: everything created since the start of history and before it is stored. */
  dataCompleteThrough: string | null;
  /** Where history begins, by SYNC_START as the worker was given it last; it moves with each reconcile where that is a duration. */
  historyFrom: string | null;
  /** When everything since SYNC_START was last listed completely. */
  reconciledAt: string | null;
  /** The index of `twilio.search_communications()`; null: there is none. */
  searchIndex: SearchIndex | null;
  /** Details to be fetched without a listing. */
  due: number;
  /** Conversations that were fetched under other settings of SYNC_OMIT and SYNC_HASH: they are fetched again. */
  maskedOtherwise: number;
  /** The latest to fail, at most 20. */
  quarantined: Quarantined[];
  lastRun: Pick<Run, 'command' | 'startedAt' | 'outcome' | 'error'> | null;
  /** The newest first, at most 100. */
  runs: Run[];
}

export interface Quarantined {
  /** Of the conversation. */
  id: string;
  /** Of its result that cannot be had; null: the conversation itself. */
  operatorResultId: string | null;
  reason: string | null;
  since: string;
  attempts: number;
  nextAttemptAt: string | null;
}

/** A pass of the worker, or a command that wrote. Counts are of conversations, null until it ended. */
export interface Run {
  command: string;
  startedAt: string;
  /** Null while it runs, or where it was killed. */
  endedAt: string | null;
  seconds: number | null;
  outcome: string | null;
  error: string | null;
  listed: number | null;
  fetched: number | null;
  changed: number | null;
  deleted: number | null;
  failed: number | null;
}

/** How much is stored. This reads the tables that people query: at 300,000 conversations it takes a good part of a second. */
export interface Counts {
  /** Not counting those that the API no longer has. */
  conversations: number;
  open: number;
  deleted: number;
  communications: number;
  operatorResultLinks: number;
  operatorResults: number;
  /** The rows of `twilio.coverage`: from the day history begins to today, in UTC. */
  days: Day[];
  /** The last 48, the newest last. */
  hours: Hour[];
}

/** Conversations created on one day; `stored` does not count the deleted, `awaited` were listed and are not stored yet. */
export interface Day {
  day: string;
  /** When the day was last listed from its beginning to its end; null: never. */
  listedCompletelyAt: string | null;
  stored: number;
  open: number;
  quarantined: number;
  awaited: number;
  /** Operator results of its conversations that are not stored yet. */
  resultsAwaited: number;
  deleted: number;
}

/** What was stored in one hour. A conversation counts in the hour of its last change. */
export interface Hour {
  hour: string;
  added: number;
  changed: number;
  deleted: number;
}

/** Reads all of it. @throws DatabaseTrouble, also where the tables are missing. */
export async function readSnapshot(queries: Queries): Promise<Snapshot> {
  return { ...(await readFacts(queries.sql)), ...(await readRecords(queries)), ...(await readCounts(queries)) };
}

type FactsRow = Omit<Facts, 'pendingDays' | 'progress' | 'evidence'> &
  Omit<Evidence, 'blocker'> &
  Obstacles & { migratedTo: number | null; progress: Parameters<typeof progressOf>[0] | null };

/** Reads what decides; `ask` sends one statement. @throws what it throws. */
export async function readFacts(ask: (text: string) => Promise<unknown[]>): Promise<Facts> {
  const [row] = (await ask(factsStatement())) as FactsRow[];
  if (row === undefined) throw new Error('the database gave no status');
  const { migratedTo, unknown, secured, trouble, failingSince, okSince, progress, ...facts } = row;
  const leftMs = facts.pendingWindows.map(({ cursor, from }) => Date.parse(cursor) - Date.parse(from));
  return {
    ...facts,
    pendingDays: Math.round(leftMs.reduce((sum, ms) => sum + ms, 0) / 8_640_000) / 10,
    progress: progress && progressOf(progress),
    evidence: { blocker: blockerOf(migratedTo, { unknown, secured }), trouble, failingSince, okSince },
  };
}

function blockerOf(migratedTo: number | null, found: Obstacles): Evidence['blocker'] {
  // Row-level security may hide the migrations too.
  if (found.secured.length === 0 && releaseOf(migratedTo) === 'older')
    return { code: 'migration_missing', reason: migrationMissing };
  const obstacle = findObstacle(found);
  return obstacle === undefined ? null : { code: obstacle.kind, reason: obstacle.message };
}

const listOf = (select: string) => `(select coalesce(json_agg(each), '[]') from (${select}) as each)`;

// A `new` window that lies in a listing of more has gone with it, so that one's end counts as well. What is recent goes
// before every batch of history: when a window of a reconcile ends, nothing recent was left waiting.
// A brake holds until a sweep of its kind, or one of everything, has got through. One that ended later than now did so
// before the clock was set back: then the order is that in which they began.
export const factsStatement = () => `
  select ${iso('now()')} as at, ${obstacles()},
    (select max(created_at)::numeric from twilio_sync.__drizzle_migrations) as "migratedTo",
    (select account_sid from twilio_sync.scope) as "accountSid",
    (select holder from twilio_sync.lease where ${isHeld(nowInMicroseconds)}) as worker,
    ${iso('reached.up_to')} as "listedUpTo", (${span('reached.up_to')})::int as "listedSecondsAgo",
    ${iso('reached.at')} as "lastTickAt", (${span('reached.at')})::int as "lastTickSecondsAgo",
    (select (${span('max(synced_at)')})::int from twilio.conversations) as "newestChangeSecondsAgo",
    ${listOf(`select sweep, ${iso('from_at')} as from, ${iso('to_at')} as to, ${iso('cursor')} as cursor, failures, error
      from twilio_sync.windows where completed_at is null order by to_at desc`)} as "pendingWindows",
    (select to_json(row) from (${progressStatement}) as row) as progress,
    ${listOf(`select sweep, expected, missing from twilio_sync.sweeps as stopped where braked and not exists (
      select from twilio_sync.sweeps as later where (later.ended_at > coalesce(stopped.ended_at, stopped.started_at) or later.ended_at is not null and later.id > stopped.id and stopped.ended_at > now())
        and (later.sweep = stopped.sweep or later.sweep = 'reconcile' and not later.braked)) order by ended_at desc`)} as braked,
    ((select count(*) from twilio_sync.due where reason = 'failed') + (select count(*) from twilio_sync.results_due where error is not null))::int as quarantine,
    ${resultFacts} as results,
    (select json_build_object('reachedAt', ${iso('reached_at')}) from twilio_sync.metrics
     where filled_at is null and reached_at is not null) as computing,
    (select json_build_object('reachedAt', ${iso('reached_at')}) from twilio_sync.masking where filled_at is null) as masking,
    ${pushFacts} as pushes,
    (select json_build_object('seconds', seconds, 'braked', case when braked_seconds is not null then json_build_object('old', old, 'stored', stored) end)
     from twilio_sync.retention where seconds is not null or braked_seconds is not null) as retention,
    (select count(*)::int from twilio_sync.due where due_at <= now() and reason <> 'failed') as overdue,
    (select json_build_object('outcome', outcome, 'error', error) from (
       select outcome, error, ended_at from twilio_sync.runs where ended_at is not null order by id desc limit 1) as last
     where outcome <> 'ok' and not exists (select from twilio_sync.windows where completed_at > last.ended_at)) as trouble,
    (select ${iso('ended_at')} from twilio_sync.runs where outcome <> 'ok'
       and id > coalesce((select id from twilio_sync.runs where outcome = 'ok' order by id desc limit 1), 0)
       order by id limit 1) as "failingSince",
    (select ${iso('ended_at')} from twilio_sync.runs where outcome = 'ok'
       and id > coalesce((select id from twilio_sync.runs where outcome <> 'ok' order by id desc limit 1), 0)
       order by id limit 1) as "okSince"
  from (select max(to_at) as up_to, max(completed_at) as at from twilio_sync.windows
        where completed_at is not null and sweep in ('new', 'lookback', 'reconcile')) as reached`;

/** Reads what was done and is left to do. */
export async function readRecords({ sql }: Queries): Promise<Records> {
  const count = (name: string) => `(counts->>'${name}')::int as ${name}`;
  const [found] = await sql<Omit<Records, 'lastRun'>>(
    `select ${iso('twilio.data_complete_through()')} as "dataCompleteThrough",
       (select ${iso('history_from')} from twilio_sync.scope) as "historyFrom",
       (select ${iso('max(ended_at)')} from twilio_sync.sweeps where sweep = 'reconcile' and ended_at is not null) as "reconciledAt",
       ${searchIndex} as "searchIndex",
       (select count(*)::int from twilio_sync.due where reason not in ('failed', 'large') and sweep_id is null) as due,
       (select count(*)::int from twilio_sync.fingerprints, twilio_sync.masking where detail is not null and fingerprints.policy <> masking.policy) as "maskedOtherwise",
       ${listOf(`select conversation_id as id, nullif(operator_result_id, '') as "operatorResultId", reason, ${iso('first_failed_at')} as since, attempts, ${iso('next_attempt_at')} as "nextAttemptAt"
         from twilio_sync.quarantine order by last_failed_at desc nulls last, conversation_id limit 20`)} as quarantined,
       ${listOf(`select command, ${iso('started_at')} as "startedAt", ${iso('ended_at')} as "endedAt",
         round(${span('started_at', 'ended_at')}, 3) as seconds, outcome, error,
         ${['listed', 'fetched', 'changed', 'deleted', 'failed'].map(count).join(', ')}
         from twilio_sync.runs order by id desc limit 100`)} as runs`,
  );
  if (found === undefined) throw new Error('the database gave no records');
  const [last] = found.runs;
  const lastRun = last && {
    command: last.command,
    startedAt: last.startedAt,
    outcome: last.outcome,
    error: last.error,
  };
  return { ...found, lastRun: lastRun ?? null };
}

/** Counts what is stored. */
export async function readCounts({ sql }: Queries): Promise<Counts> {
  const days = await sql<Day>(
    `select to_char(day, 'YYYY-MM-DD') as day, ${iso('listed_completely_at')} as "listedCompletelyAt",
       stored::int as stored, open::int as open, quarantined::int as quarantined, awaited::int as awaited,
       results_awaited::int as "resultsAwaited", deleted::int as deleted
     from twilio.coverage order by day`,
  );
  const hours = await sql<Hour>(
    `select ${iso('hour')} as hour, count(*) filter (where synced_at = first_synced_at and deleted_at is null)::int as added,
       count(*) filter (where synced_at <> first_synced_at and deleted_at is null)::int as changed, count(deleted_at)::int as deleted
     from generate_series(date_trunc('hour', now(), 'UTC') - interval '47 hours', now(), interval '1 hour') as hour
     left join twilio.conversations on synced_at >= hour and synced_at < hour + interval '1 hour'
     group by hour order by hour`,
  );
  const [children] = await sql<Pick<Counts, 'communications' | 'operatorResultLinks' | 'operatorResults'>>(
    `select (select count(*)::int from twilio.communications) as communications,
       (select count(*)::int from twilio.operator_result_links) as "operatorResultLinks",
       (select count(*)::int from twilio.operator_results) as "operatorResults"`,
  );
  if (children === undefined) throw new Error('the database gave no counts');
  // Every conversation is in one of the days: the view has those outside of history too.
  const sum = (key: 'stored' | 'open' | 'deleted') => days.reduce((total, day) => total + day[key], 0);
  return { conversations: sum('stored'), open: sum('open'), deleted: sum('deleted'), ...children, days, hours };
}
