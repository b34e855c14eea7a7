// The one answer to "is the copy in sync?": what was read of the database, and what a process knows of itself, in; a code
// and a sentence out. Pure. `status`, the page, `/readyz`, metrics and exit statuses say what is decided here.

import { Obstacle } from '../postgres/obstacles.ts';
import { LeaseLost } from '../sync/model.ts';
import { describeError } from '../worker/log.ts';
import { formatDuration } from './format.ts';
import { areLoading } from './results.ts';
import type { Facts } from './snapshot.ts';

/** Every code, and the state that it belongs to. */
const states = {
  in_sync: 'in_sync',
  /** History is loading; what is new is in sync. */
  loading: 'loading',
  /** Operator results are loading; conversations are in sync. */
  loading_results: 'loading',
  /** Nothing was listed yet. */
  empty: 'empty',
  /** This process has only just begun, and knows nothing yet. */
  starting: 'out_of_sync',
  /** This process migrates the database, or waits for another one that does. */
  migrating: 'out_of_sync',
  database_down: 'out_of_sync',
  migration_missing: 'out_of_sync',
  /** A newer release has migrated the database. */
  newer_release: 'out_of_sync',
  /** Row-level security hides rows from this user. */
  rows_hidden: 'out_of_sync',
  /** Somebody else's objects are in our schemas. */
  schema_occupied: 'out_of_sync',
  /** No worker holds the lease, and the last tick is too old. */
  no_worker: 'out_of_sync',
  lease_lost: 'out_of_sync',
  /** The last pass failed, or this process cannot begin one. */
  failing: 'out_of_sync',
  /** The deletion brake stopped a sweep. */
  brake: 'out_of_sync',
  /** A range cannot be listed. */
  list_failing: 'out_of_sync',
  /** The last pass left something undone. */
  incomplete: 'out_of_sync',
  /** A worker holds the lease, but the last tick is too old. */
  behind: 'out_of_sync',
} as const;

export type Code = keyof typeof states;

export interface Status {
  state: (typeof states)[Code];
  code: Code;
  /** In sync: when the first of the passes ended that have all gone well. Else when loading, or the trouble, began. Null where it is not known. */
  since: string | null;
  /** Why it is out of sync, in a sentence; null where it is not. */
  reason: string | null;
}

export interface Failure {
  code: Code;
  reason: string;
}

/** What a process knows of itself. Whoever does its work says so here. */
export interface ProcessState {
  phase: 'starting' | 'standby' | 'working';
  /** On standby: who holds the lease. */
  heldBy: string | null;
  /** Why it cannot work, why its last pass failed, or what that could not list. */
  failure: Failure | null;
  /** It migrates the database, or waits for another process that does: in words. */
  migrating: string | null;
}

export interface Known {
  /** The last that could be read; null before the first time. */
  facts: Facts | null;
  /** Why they could not be read just now. */
  databaseTrouble: string | null;
  /** Null for who asks the database alone. */
  process: ProcessState | null;
  /** Whether the last complete tick, so many seconds ago, is too old. */
  isTooOld: (seconds: number) => boolean;
}

/** Judges: the first that holds, the database first, since all else rests on it. */
export function judge({ facts, databaseTrouble, process, isTooOld }: Known): Status {
  const since = facts?.evidence.failingSince ?? null;
  const say = (code: Code, reason: string | null, from = since): Status => ({
    state: states[code],
    code,
    since: from,
    reason,
  });
  const failure = process?.failure && say(process.failure.code, process.failure.reason);
  // Meanwhile the tables may be locked: that the database does not answer is no reason of its own.
  if (process?.migrating) return say('migrating', process.migrating);
  if (databaseTrouble !== null) return say('database_down', databaseTrouble);
  if (facts === null) return failure ?? say('starting', 'starting');
  const { blocker, trouble, okSince } = facts.evidence;
  // That a migration is missing is one thing; why it could not be applied says more.
  if (blocker !== null) return failure ?? say(blocker.code, blocker.reason);
  const { lastTickAt, lastTickSecondsAgo: age, worker, progress } = facts;
  const old = age !== null && isTooOld(age) ? formatDuration(age) : null;
  if (old !== null && worker === null && process?.phase !== 'working')
    return say('no_worker', `no worker has listed for ${old}`, lastTickAt);
  if (failure) return failure;
  const why = trouble?.error ?? 'the last pass did not end';
  if (trouble?.outcome === 'failed') return say('failing', why);
  const undone = findUndone(facts);
  if (undone !== null) return say(undone.code, undone.reason);
  if (trouble !== null) return say('incomplete', why);
  if (old !== null) return say('behind', `the last complete tick was ${old} ago`, lastTickAt);
  if (age === null) return say('empty', null, null);
  if (progress?.sweep === 'backfill') return say('loading', null, progress.startedAt);
  if (areLoading(facts.results)) return say('loading_results', null, facts.results.walk?.startedAt ?? null);
  return say('in_sync', null, okSince);
}

/** What keeps the copy from being whole until it is listed again, and how many more reasons there are. */
export function findUndone({ braked, pendingWindows, results, retention }: Facts): Failure | null {
  const reasons = new Map<string, Code>();
  for (const { sweep, expected, missing } of braked)
    reasons.set(
      `the deletion brake holds: ${missing} of ${expected} conversations were not listed (${sweep})`,
      'brake',
    );
  if (retention?.braked)
    reasons.set(
      `the deletion brake holds: SYNC_RETENTION would erase ${retention.braked.old} of ${retention.braked.stored} conversations`,
      'brake',
    );
  for (const { failures, error } of pendingWindows)
    if (failures > 0) reasons.set(`a range cannot be listed: ${error ?? 'no reason known'}`, 'list_failing');
  if (results?.braked)
    reasons.set(
      `the deletion brake holds: ${results.braked.missing} of ${results.braked.expected} operator results were not listed`,
      'brake',
    );
  if (results?.walk && results.walk.failures > 0 && results.refused === null)
    reasons.set(`operator results cannot be listed: ${results.walk.error ?? 'no reason known'}`, 'list_failing');
  const [first] = reasons;
  if (first === undefined) return null;
  const [reason, code] = first;
  return { code, reason: reasons.size === 1 ? reason : `${reason}; and ${reasons.size - 1} more` };
}

/** What an error that stopped the work comes to. */
export function failureOf(error: unknown): Failure {
  const code = error instanceof Obstacle ? error.kind : error instanceof LeaseLost ? 'lease_lost' : 'failing';
  return { code, reason: describeError(error) };
}

/** What `/readyz` answers. */
export interface Answer {
  ready: boolean;
  /** `working`: the process works for the accounts of a file, each of which has a state of its own. */
  code: Code | 'standby' | 'working';
  reason?: string;
}

/** Which of them a replica on standby needs as well: it would take over. */
const ofTheDatabase: ReadonlySet<Code> = new Set([
  'migrating',
  'database_down',
  'migration_missing',
  'newer_release',
  'rows_hidden',
]);

/** Whether a process does its work: on standby whenever the database can be used, else while the copy is in sync or loading. */
export function readinessOf({ state, code, reason }: Status, { phase, heldBy }: ProcessState): Answer {
  if (phase === 'standby' && !ofTheDatabase.has(code))
    return { ready: true, code: 'standby', reason: `standby: ${heldBy} holds the lease` };
  if (state === 'out_of_sync') return { ready: false, code, reason: reason ?? code };
  if (phase === 'starting') return { ready: false, code: 'starting', reason: 'starting' };
  if (state === 'empty') return { ready: false, code, reason: 'nothing was listed yet' };
  if (state !== 'loading') return { ready: true, code };
  return {
    ready: true,
    code,
    reason: code === 'loading_results' ? 'operator results are loading' : 'history is loading',
  };
}
