// The long-lived worker under its lease: the clock asks for sweeps, asks of other commands and due dates wake it, and it
// does one pass at a time. A pass that fails is reported once and tried again at the next tick; one that makes no progress
// is ended. Only a lost lease, or the signal, ends the worker.

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
  /** Wraps each pass, to note it. */
  record: (work: () => Promise<void>) => Promise<void>;
  /** Told that the worker gets on; asked whether a pass still does. */
  heartbeat: Heartbeat;
  startCron?: StartCron;
}

/** A pass that got nowhere for this long is ended and reported. */
const stuckAfterMs = 5 * 60_000;
const askEveryMs = 5_000;
const openFromStartEveryMs = 3_600_000;
const provenWithReconcile = 50;

/** Works until the signal is aborted. @throws LeaseLost, or the signal's reason. */
export async function keepInSync(options: WorkerOptions): Promise<never> {
  const { context } = options;
  let wake = Promise.withResolvers<void>();
  let openFromStartAtMs = performance.now();
  const proof = { due: false };
  const request = (...sweeps: ('new' | 'open' | 'lookback' | 'reconcile')[]) => {
    for (const sweep of sweeps) context.requested.add(sweep);
    wake.resolve();
  };
  const ticks = {
    new() {
      // Also in the middle of a pass: the first load of history is one, and takes hours.
      if (performance.now() - openFromStartAtMs >= openFromStartEveryMs) {
        openFromStartAtMs = performance.now();
        context.openFromStart = true;
      }
      request('new', 'open');
    },
    lookback: () => request('lookback'),
    reconcile: () => {
      proof.due = true;
      request('reconcile');
    },
  };
  const schedule = openSchedule(options.schedules, (name) => ticks[name](), options.startCron);
  request('new', 'open', 'lookback');
  try {
    for (;;) {
      wake = Promise.withResolvers();
      const done = await onePass(options, proof);
      if (done && context.requested.size > 0) continue;
      // After a failure only the clock's next tick wakes it: whatever else there is to do would fail again at once.
      if (!done) wake = Promise.withResolvers();
      await idle(options, () => wake.promise, done);
    }
  } finally {
    schedule.close();
  }
}

/** @returns whether the pass came to its end. */
async function onePass(
  { context, signal, log, record, heartbeat }: WorkerOptions,
  proof: { due: boolean },
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
      if (proof.due) await proveSample(context, log, either);
      proof.due = false;
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

/** With every reconcile, a few conversations are held against the API value by value; drift is reported, not repaired. */
async function proveSample(context: Context, log: Log, signal: AbortSignal): Promise<void> {
  const { checked, findings } = await verifySample(context, provenWithReconcile, signal);
  const drifted = findings.filter(({ kind }) => kind === 'drift');
  context.counts.verified += checked;
  context.counts.drifted += drifted.length;
  for (const { id, where } of drifted) log.warn({ id, where }, 'drift: see conversation-sync verify');
  log.info({ checked, drifted: drifted.length }, 'sample verified');
}

/** Waits for the clock, or until something is due, or asked for by another command; rejects on abort. */
async function idle(
  { context, signal, log, heartbeat }: WorkerOptions,
  woken: () => Promise<void>,
  askDue: boolean,
): Promise<void> {
  let awake = false;
  const waking = woken().then(() => {
    awake = true;
  });
  while (!awake) {
    const over = new AbortController();
    await Promise.race([waking, wait(askEveryMs, AbortSignal.any([signal, over.signal]))]).finally(() => over.abort());
    heartbeat.beat();
    if (awake || !askDue) continue;
    try {
      if ((await context.store.dueAt(context.api.now(), 1)).length > 0) return;
    } catch (error) {
      log.debug({ err: error }, 'what is due could not be asked');
    }
  }
}
