// A pass in, its record out: a row of twilio_sync.runs, a line in the log, what `/readyz` says from now on, and metrics.
// What the pass throws is thrown on, and is why the worker is not ready until what is recent has been gone through again.

import type { Database } from '../postgres/database.ts';
import { beginRun, endRun, type RunOutcome } from '../postgres/runs.ts';
import type { Watch } from '../server/watch.ts';
import type { Counts } from '../sync/context.ts';
import { describeError, type Log } from './log.ts';
import { logPass } from './work-log.ts';

export interface PassRecord {
  database: Database;
  watch: Watch;
  log: Log;
  /** Of the pass that is under way. */
  counts: () => Counts;
}

/** Notes a pass. @returns whether it left nothing undone. @throws what the pass throws. */
export async function recordPass(
  { database, watch, log, counts }: PassRecord,
  pass: () => Promise<void>,
): Promise<boolean> {
  const startedAtMs = performance.now();
  const ended = (outcome: RunOutcome) => watch.metrics.pass(outcome, performance.now() - startedAtMs, counts());
  let run: number | undefined;
  try {
    run = await beginRun(database, 'run');
    await pass();
    const trouble = counts().incomplete.join('; ') || null;
    const outcome = trouble === null ? 'ok' : 'incomplete';
    await endRun(database, run, outcome, counts(), trouble);
    await watch.lookAround(database);
    ended(outcome);
    logPass(log, counts(), performance.now() - startedAtMs);
    return trouble === null;
  } catch (error) {
    watch.health.work.failing = describeError(error);
    ended('failed');
    if (run !== undefined) await endRun(database, run, 'failed', counts(), describeError(error)).catch(() => {});
    throw error;
  }
}
