// The worker's loop under its lease. Cron ticks request sweeps; due details, among them those that other commands request, start
// a pass as well. One pass runs at a time. One that fails is logged and tried again at the next tick; one that makes no progress is
// ended. Only a lost lease or the signal ends the worker.

import type { SyncConfig } from '../config/config.ts';
import { wait } from '../lib/wait.ts';
import type { Heartbeat } from '../status/heartbeat.ts';
import { type Context, createCounts } from '../sync/context.ts';
import { LeaseLost } from '../sync/model.ts';
import { pass } from '../sync/pass.ts';
import { verifySample } from '../sync/verify.ts';
import type { Log } from './log.ts';
import { openSchedule, type StartCron } from './schedule.ts';

export interface WorkerOptions {
  context: Context;
  schedules: SyncConfig['schedules'];
  signal: AbortSignal;
  log: Log;
  /** Runs a pass and records it. */
  record: (work: () => Promise<void>) => Promise<void>;
  /** Is told of progress, and knows how long ago the last was. */
  heartbeat: Heartbeat;
  startCron?: StartCron;
}

/** A pass without progress for this long is ended. */
const stuckAfterMs = 5 * 60_000;
const pollEveryMs = 5_000;
const openFromStartEveryMs = 3_600_000;
const sampleAfterReconcile = 50;

/** Works until the signal is aborted. @throws LeaseLost, or the signal's reason. */
export async function keepInSync(options: WorkerOptions): Promise<never> {
  const { context } = options;
  let wake = Promise.withResolvers<void>();
  let openFromStartAtMs = performance.now();
  const sample = { due: false };
  const request = (...sweeps: ('new' | 'open' | 'lookback' | 'reconcile')[]) => {
    for (const sweep of sweeps) context.requests.sweeps.add(sweep);
    wake.resolve();
  };
  const ticks = {
    new() {
      // Also during a pass: the first load of history is one pass, and takes hours.
      if (performance.now() - openFromStartAtMs >= openFromStartEveryMs) {
        openFromStartAtMs = performance.now();
        context.requests.openFromStart = true;
      }
      request('new', 'open');
    },
    lookback: () => request('lookback'),
    reconcile: () => {
      sample.due = true;
      request('reconcile');
    },
  };
  const schedule = openSchedule(options.schedules, (name) => ticks[name](), options.startCron);
  request('new', 'open', 'lookback');
  try {
    for (;;) {
      wake = Promise.withResolvers();
      const done = await runPass(options, sample);
      if (done && context.requests.sweeps.size > 0) continue;
      // After a failure only the next tick starts a pass: any other work would fail again at once.
      if (!done) wake = Promise.withResolvers();
      await idle(options, () => wake.promise, done);
    }
  } finally {
    schedule.close();
  }
}

/** @returns whether the pass was completed. */
async function runPass(
  { context, signal, log, record, heartbeat }: WorkerOptions,
  sample: { due: boolean },
): Promise<boolean> {
  const stuck = new AbortController();
  const watch = setInterval(() => {
    if (heartbeat.silentMs() > stuckAfterMs) stuck.abort(new Error(`no progress for ${stuckAfterMs / 60_000} minutes`));
  }, 5_000);
  context.counts = createCounts();
  heartbeat.beat();
  try {
    const either = AbortSignal.any([signal, stuck.signal]);
    await record(async () => {
      await pass(context, either);
      if (sample.due) await checkSample(context, log, either);
      sample.due = false;
    });
    return true;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof LeaseLost) throw error;
    log.error({ err: error }, 'the pass failed; the next tick tries again');
    return false;
  } finally {
    clearInterval(watch);
  }
}

/** Verifies a few conversations after each reconcile. Drift is reported, not repaired. */
async function checkSample(context: Context, log: Log, signal: AbortSignal): Promise<void> {
  const { checked, findings } = await verifySample(context, sampleAfterReconcile, signal);
  const drifted = findings.filter(({ kind }) => kind === 'drift');
  context.counts.verified += checked;
  context.counts.drifted += drifted.length;
  for (const { id, where } of drifted) log.warn({ id, where }, 'drift: see conversation-sync verify');
  log.info({ checked, drifted: drifted.length }, 'sample verified');
}

/** Waits for a tick, or until something is due. @throws the signal's reason. */
async function idle(
  { context, signal, log, heartbeat }: WorkerOptions,
  woken: () => Promise<void>,
  pollDue: boolean,
): Promise<void> {
  let awake = false;
  const waking = woken().then(() => {
    awake = true;
  });
  while (!awake) {
    const over = new AbortController();
    await Promise.race([waking, wait(pollEveryMs, AbortSignal.any([signal, over.signal]))]).finally(() => over.abort());
    heartbeat.beat();
    if (awake || !pollDue) continue;
    try {
      if ((await context.store.findDue(context.api.now(), 1)).length > 0) return;
    } catch (error) {
      log.debug({ err: error }, 'what is due could not be read');
    }
  }
}
