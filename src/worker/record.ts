// Records the work: a row of twilio_sync.runs for each pass and each command that writes, a log line for each window and pass, and
// a warning if a request keeps failing. Messages are constant. What differs is in fields: times, counts and durations, never a
// conversation's data.

import type { Database } from '../postgres/database.ts';
import { beginRun, endRun, type RunOutcome } from '../postgres/runs.ts';
import type { AccountWatch } from '../server/watch.ts';
import { failureOf } from '../status/judge.ts';
import type { CompletedWindow, Counts } from '../sync/context.ts';
import type { Retry } from '../twilio/request.ts';
import { describeError, type Log } from './log.ts';

export interface RunRecord {
  database: Database;
  command: string;
  /** Of the work that is under way. */
  counts: () => Counts;
}

/** Records a run, its end and its outcome. @throws what the work throws. */
export async function recordRun<Result>(
  { database, command, counts }: RunRecord,
  work: () => Promise<Result>,
): Promise<Result> {
  const run = await beginRun(database, command);
  try {
    const result = await work();
    const { incomplete } = counts();
    await endRun(database, run, outcomeOf(counts()), counts(), incomplete.join('; ') || null);
    return result;
  } catch (error) {
    await endRun(database, run, 'failed', counts(), describeError(error)).catch(() => {});
    throw error;
  }
}

const outcomeOf = ({ incomplete }: Counts): RunOutcome => (incomplete.length === 0 ? 'ok' : 'incomplete');

/**
 * The same for a pass of the worker, with its metrics and its line in the log. What it throws is why the worker is not ready
 * until what is recent has been listed. @returns whether it left nothing undone. @throws what the pass throws.
 */
export async function recordPass(
  { watch, log, ...record }: Omit<RunRecord, 'command'> & { watch: AccountWatch; log: Log },
  pass: () => Promise<void>,
): Promise<boolean> {
  const startedAtMs = performance.now();
  const end = (outcome: RunOutcome) => watch.metrics.pass(outcome, performance.now() - startedAtMs, record.counts());
  try {
    await recordRun({ command: 'run', ...record }, pass);
    await watch.caughtUp(record.database);
  } catch (error) {
    watch.process.failure = failureOf(error);
    end('failed');
    throw error;
  }
  const outcome = outcomeOf(record.counts());
  end(outcome);
  logPass(log, record.counts(), performance.now() - startedAtMs);
  return outcome === 'ok';
}

/** Logs the end of a pass. */
export function logPass(log: Log, { incomplete, ...counts }: Counts, ms: number): void {
  const fields = { ...counts, ms: Math.round(ms) };
  if (incomplete.length > 0) log.warn({ ...fields, incomplete }, 'pass incomplete');
  else log.info(fields, 'pass');
}

/** Logs a completed window. */
export function logWindow(log: Log, { sweep, from, to, ...counts }: CompletedWindow): void {
  log.info({ sweep, from: isoTime(from), to: isoTime(to), ...counts }, 'window');
}

const worthSayingFrom = 3;
const sayEveryMs = 30_000;

/**
 * Repeated requests are common, so only one that failed three times is logged. Of many at the same time only the first is logged;
 * `alike` counts the others since the last line.
 */
export function createRetryLog(log: Log, monotonicMs: () => number = () => performance.now()): (retry: Retry) => void {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let alike = 0;
  return ({ attempt, endpoint, why, afterMs, error }) => {
    const fields = { endpoint, attempt, afterMs: Math.round(afterMs), why, err: error };
    const inVain = attempt === worthSayingFrom;
    if (inVain && monotonicMs() - saidAtMs >= sayEveryMs) {
      log.warn({ ...fields, alike }, 'request repeated');
      saidAtMs = monotonicMs();
      alike = 0;
      return;
    }
    if (inVain) alike += 1;
    log.debug(fields, 'request repeated');
  };
}

/** Whole seconds since 1970 as text for people. */
function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}
