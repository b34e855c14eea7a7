// Whether the copy is in sync, why not and since when: what is pending, what went wrong, who is at it. All of it from the
// worker's own tables, which stay small, so that it can be asked every few seconds.

import type { Queries } from '../postgres/database.ts';
import { iso, nowInMicroseconds, seconds, span } from '../postgres/instant.ts';
import { isHeld } from '../postgres/lease.ts';
import { findObstacle, type Obstacles, obstacles } from '../postgres/obstacles.ts';
import { type Judgement, judge } from './judgement.ts';
import { type LoadProgress, readProgress } from './load-progress.ts';
import { type Braked, readBraked } from './pulse.ts';

export interface Standing extends Judgement {
  /** When this was read. */
  at: string;
  accountSid: string | null;
  /** Up to when everything new has been listed; null before the first time. */
  listedUpTo: string | null;
  listedSecondsAgo: number | null;
  /** When everything new was last listed and stored, which each tick does; null before the first time. */
  lastTickAt: string | null;
  lastTickSecondsAgo: number | null;
  /** `twilio.data_complete_through()`: everything created since the start of history and before it is stored. */
  dataCompleteThrough: string | null;
  /** Where history begins, by SYNC_START as the worker was given it last; it moves with each reconcile where that is a duration. */
  historyFrom: string | null;
  /** When everything since SYNC_START was last listed completely. */
  reconciledAt: string | null;
  pendingWindows: PendingWindow[];
  /** Days of createdAt that pending windows still have to list. */
  pendingDays: number;
  /** History that is being listed, for the first time or again. */
  progress: LoadProgress | null;
  due: number;
  quarantine: number;
  /** The latest to fail, at most 20. */
  quarantined: Quarantined[];
  /** Sweeps that the deletion brake stopped, and none has made up for; the latest first. */
  braked: Braked[];
  worker: string | null;
  lastRun: Pick<Run, 'command' | 'startedAt' | 'outcome' | 'error'> | null;
  /** The newest first, at most 100. */
  runs: Run[];
}

export interface PendingWindow {
  sweep: string;
  from: string;
  to: string;
  cursor: string;
  failures: number;
  error: string | null;
}

export interface Quarantined {
  id: string;
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

type Facts = Obstacles &
  Omit<Standing, keyof Judgement | 'pendingWindows' | 'progress' | 'quarantined' | 'braked' | 'lastRun' | 'runs'> & {
    failingSince: string | null;
    wellSince: string | null;
    completedAt: string | null;
  };

/** Reads it. */
export async function readStanding(queries: Queries): Promise<Standing> {
  const [facts] = await queries.sql<Facts>(factsStatement());
  if (facts === undefined) throw new Error('the database gave no status');
  const pendingWindows = await queries.sql<PendingWindow>(
    `select sweep, ${iso('from_at')} as from, ${iso('to_at')} as to, ${iso('cursor')} as cursor, failures, error
     from twilio_sync.windows where completed_at is null order by to_at desc`,
  );
  const braked = await readBraked(queries);
  const quarantined = await queries.sql<Quarantined>(
    `select conversation_id as id, reason, ${iso('first_failed_at')} as since, attempts, ${iso('next_attempt_at')} as "nextAttemptAt"
     from twilio_sync.quarantine order by last_failed_at desc nulls last, conversation_id limit 20`,
  );
  const runs = await readRuns(queries);
  const progress = await readProgress(queries);
  const { failingSince, wellSince, completedAt, unknown, secured, ...rest } = facts;
  const obstacle = findObstacle({ unknown, secured })?.message ?? null;
  const judgement = judge({
    ...rest,
    obstacle,
    pendingWindows,
    braked,
    progress,
    runs,
    failingSince,
    wellSince,
    completedAt,
  });
  const [lastRun = null] = runs.map(({ command, startedAt, outcome, error }) => ({
    command,
    startedAt,
    outcome,
    error,
  }));
  return { ...judgement, ...rest, pendingWindows, progress, quarantined, braked, lastRun, runs };
}

const factsStatement = () => `
  select ${iso('now()')} as at, ${obstacles()},
    (select account_sid from twilio_sync.scope) as "accountSid",
    ${iso('reached.at')} as "listedUpTo",
    (${span('reached.at')})::int as "listedSecondsAgo",
    ${iso('reached.tick_at')} as "lastTickAt",
    (${span('reached.tick_at')})::int as "lastTickSecondsAgo",
    ${iso('through')} as "dataCompleteThrough",
    (select ${iso('history_from')} from twilio_sync.scope) as "historyFrom",
    (select ${iso('max(ended_at)')} from twilio_sync.sweeps where sweep = 'reconcile' and ended_at is not null) as "reconciledAt",
    (select coalesce(round(sum(${seconds('cursor - from_at')}) / 86400, 1), 0)
       from twilio_sync.windows where completed_at is null) as "pendingDays",
    (select count(*)::int from twilio_sync.due where reason not in ('failed', 'large') and sweep_id is null) as due,
    (select count(*)::int from twilio_sync.quarantine) as quarantine,
    (select holder from twilio_sync.lease where ${isHeld(nowInMicroseconds)}) as worker,
    (select ${iso('max(completed_at)')} from twilio_sync.windows) as "completedAt",
    (select ${iso('ended_at')} from twilio_sync.runs where outcome <> 'ok'
       and id > coalesce((select id from twilio_sync.runs where outcome = 'ok' order by id desc limit 1), 0)
       order by id limit 1) as "failingSince",
    (select ${iso('ended_at')} from twilio_sync.runs where outcome = 'ok'
       and id > coalesce((select id from twilio_sync.runs where outcome <> 'ok' order by id desc limit 1), 0)
       order by id limit 1) as "wellSince"
  from (select max(to_at) as at, max(completed_at) as tick_at from twilio_sync.windows
        where completed_at is not null and sweep in ('new', 'lookback', 'reconcile')) as reached,
    twilio.data_complete_through() as through`;

async function readRuns(queries: Queries): Promise<Run[]> {
  const count = (name: string) => `(counts->>'${name}')::int as ${name}`;
  return await queries.sql<Run>(
    `select command, ${iso('started_at')} as "startedAt", ${iso('ended_at')} as "endedAt",
       round(${span('started_at', 'ended_at')}, 3) as seconds, outcome, error,
       ${['listed', 'fetched', 'changed', 'deleted', 'failed'].map(count).join(', ')}
     from twilio_sync.runs order by id desc limit 100`,
  );
}
