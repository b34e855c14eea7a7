// `run`: the long-lived worker. Waits for the database and for its turn, then keeps in step until a signal comes. Ends
// with 0 by a signal, with 2 where a person has to put something right; everything else it waits out.

import {
  type AppConfig,
  holderName,
  type OpenedDatabase,
  type OpenOptions,
  openConfigured,
  openProgram,
  scopeOf,
} from '../app.ts';
import { exitStatus, isMisconfigured } from '../exit-status.ts';
import { wait } from '../lib/wait.ts';
import { createHeartbeat } from '../ops/heartbeat.ts';
import { openHttpServer, type Readiness } from '../ops/http.ts';
import { describeError, type Log } from '../ops/log.ts';
import { keepInStep } from '../ops/worker.ts';
import { beginRun, endRun } from '../store/runs.ts';
import { refuseWrongScope } from '../store/scope.ts';
import { whileLeased } from '../store/tenure.ts';
import type { Counts } from '../sync/context.ts';

export interface RunConfig extends AppConfig {
  http: { host: string; port: number };
}

export interface RunOptions {
  /** Told when the worker's own address is known, and each time something is stored. */
  onListening?: (url: string) => void;
  onOpened?: (opened: OpenedDatabase) => void;
  /** Where waits are to be shorter than they are by themselves. */
  limits?: { database?: OpenOptions['limits']; requestMs?: number };
}

const livenessLimitMs = 6 * 60_000;
const retryEveryMs = 5_000;

/** Works until the signal is aborted. @returns the exit status. @throws what a person has to put right. */
export async function run(config: RunConfig, log: Log, signal: AbortSignal, options: RunOptions = {}): Promise<number> {
  const heartbeat = createHeartbeat(livenessLimitMs);
  const state: Readiness = { ready: false, reason: 'starting' };
  const notReady = (reason: string) => Object.assign(state, { ready: false, reason });
  const server = await openHttpServer({
    ...config.http,
    log,
    trouble: heartbeat.trouble,
    readiness: async () => state,
  });
  options.onListening?.(server.url);
  log.info({ url: server.url }, 'listening');
  try {
    await using opened = await openConfigured(config.database, {
      adopt: true,
      limits: options.limits?.database ?? {},
      signal,
    });
    options.onOpened?.(opened);
    await prepared(config, opened, log, signal, notReady, heartbeat.beat);
    while (!signal.aborted) {
      try {
        await serve(config, opened, log, signal, state, heartbeat.beat, options.limits?.requestMs);
      } catch (error) {
        if (signal.aborted) break;
        if (isMisconfigured(error)) throw error;
        notReady(describeError(error));
        log.error({ err: error }, 'the worker stands by');
        await wait(retryEveryMs, signal).catch(() => {});
      }
    }
    return exitStatus.inStep;
  } catch (error) {
    if (signal.aborted) return exitStatus.inStep;
    throw error;
  } finally {
    await server.close();
  }
}

/** Waits until the database is there and migrated, and holds it against the settings. */
async function prepared(
  config: AppConfig,
  opened: OpenedDatabase,
  log: Log,
  signal: AbortSignal,
  notReady: (reason: string) => void,
  beat: () => void,
): Promise<void> {
  for (;;) {
    try {
      const applied = await opened.prepare();
      if (applied > 0) log.info({ applied }, 'migrated');
      await refuseWrongScope(opened.database, scopeOf(config));
      return;
    } catch (error) {
      if (signal.aborted || isMisconfigured(error)) throw error;
      notReady(describeError(error));
      log.error({ err: error }, 'the database cannot be used yet');
      beat();
      await wait(retryEveryMs, signal);
    }
  }
}

/** One tenure of the lease: waits for it, and works until it is lost or the signal comes. */
async function serve(
  config: AppConfig,
  { database }: OpenedDatabase,
  log: Log,
  signal: AbortSignal,
  state: Readiness,
  beat: () => void,
  timeoutMs: number | undefined,
): Promise<void> {
  const onWaiting = (heldBy: string) => {
    log.info({ heldBy }, 'another worker holds the lease; standing by');
    // A replica that stands by is as it should be: it would take over.
    Object.assign(state, { ready: true, reason: `standing by for ${heldBy}` });
  };
  await whileLeased(database, { holder: holderName('run'), signal, onWaiting }, async (epoch, leased) => {
    let progressAtMs = performance.now();
    const progress = () => {
      progressAtMs = performance.now();
      beat();
    };
    log.info({ epoch }, 'this worker holds the lease');
    Object.assign(state, { ready: false, reason: 'nothing is stored yet' });
    // It does its work as soon as something is stored, however long history may take.
    const onStored = () => {
      progress();
      if (!wasInStep) Object.assign(state, { ready: true, reason: 'catching up' });
    };
    let wasInStep = false;
    await using program = await openProgram({ config, database, epoch, log, onStored, onAnswer: progress, timeoutMs });
    const { context } = program;
    await keepInStep({
      context,
      schedules: config.sync.schedules,
      signal: leased,
      log,
      beat: progress,
      silentMs: () => performance.now() - progressAtMs,
      async record(work) {
        const startedAtMs = performance.now();
        let run: number | undefined;
        try {
          run = await beginRun(database, 'run');
          await work();
          const outcome = context.counts.incomplete.length === 0 ? 'ok' : 'incomplete';
          Object.assign(state, { ready: outcome === 'ok', reason: context.counts.incomplete.join('; ') || undefined });
          await endRun(database, run, outcome, context.counts, context.counts.incomplete.join('; ') || null);
          logPass(log, context.counts, performance.now() - startedAtMs);
          if (outcome === 'ok' && !wasInStep) log.info('in step');
          wasInStep ||= outcome === 'ok';
        } catch (error) {
          Object.assign(state, { ready: false, reason: describeError(error) });
          if (run !== undefined)
            await endRun(database, run, 'failed', context.counts, describeError(error)).catch(() => {});
          throw error;
        }
      },
    });
  });
}

function logPass(log: Log, { incomplete, secondsToList, secondsListed, ...counts }: Counts, ms: number): void {
  const fields = { ...counts, ms: Math.round(ms) };
  if (incomplete.length > 0) log.warn({ ...fields, incomplete }, 'pass incomplete');
  else if (counts.changed + counts.deleted + counts.failed > 0) log.info(fields, 'pass');
  else log.debug({ ...fields, secondsToList, secondsListed }, 'pass without changes');
}
