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
import { createHealth, type Health } from '../ops/health.ts';
import { openHttpServer } from '../ops/http.ts';
import { describeError, type Log } from '../ops/log.ts';
import { keepInStep } from '../ops/worker.ts';
import type { Database } from '../store/database.ts';
import { beginRun, endRun } from '../store/runs.ts';
import { refuseWrongScope } from '../store/scope.ts';
import { whileLeased } from '../store/tenure.ts';
import type { Counts } from '../sync/context.ts';

export interface RunConfig extends AppConfig {
  http: { host: string; port: number };
}

export interface RunOptions {
  /** Told the worker's own address when it is known. */
  onListening?: (url: string) => void;
  /** Where waits are to be shorter than they are by themselves. */
  limits?: { database?: OpenOptions['limits']; requestMs?: number };
}

interface Running {
  config: RunConfig;
  log: Log;
  signal: AbortSignal;
  health: Health;
  limits: NonNullable<RunOptions['limits']>;
}

const livenessLimitMs = 6 * 60_000;
const retryEveryMs = 5_000;

/** Works until the signal is aborted. @returns the exit status. @throws what a person has to put right. */
export async function run(config: RunConfig, log: Log, signal: AbortSignal, options: RunOptions = {}): Promise<number> {
  const health = createHealth(livenessLimitMs);
  const readiness = async () => health.readiness();
  const server = await openHttpServer({ ...config.http, log, trouble: health.trouble, readiness });
  options.onListening?.(server.url);
  log.info({ url: server.url }, 'listening');
  const limits = options.limits ?? {};
  try {
    await work({ config, log, signal, health, limits });
    return exitStatus.inStep;
  } catch (error) {
    if (signal.aborted) return exitStatus.inStep;
    throw error;
  } finally {
    await server.close();
  }
}

async function work(running: Running): Promise<never> {
  const { config, signal, limits } = running;
  await using opened = await openConfigured(config.database, { adopt: true, limits: limits.database ?? {}, signal });
  await patiently(running, 'the database cannot be used yet', () => prepare(running, opened));
  for (;;) await patiently(running, 'the worker stands by', () => serve(running, opened.database));
}

/** Does it again after a while where it fails for a reason that may pass. @throws what a person has to put right, and the signal's reason. */
async function patiently(
  { log, signal, health }: Running,
  trouble: string,
  attempt: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted || isMisconfigured(error)) throw error;
      health.notReady(describeError(error));
      health.beat();
      log.error({ err: error }, trouble);
      await wait(retryEveryMs, signal);
    }
  }
}

/** Migrates, and holds the database against the settings. */
async function prepare({ config, log }: Running, { prepare: migrate, database }: OpenedDatabase): Promise<void> {
  const applied = await migrate();
  if (applied > 0) log.info({ applied }, 'migrated');
  await refuseWrongScope(database, scopeOf(config));
}

/** One tenure of the lease: waits for it, and works until it is lost or the signal comes. */
async function serve(running: Running, database: Database): Promise<void> {
  const { config, log, signal, health, limits } = running;
  let waitingFor = '';
  const onWaiting = (heldBy: string) => {
    health.beat();
    // A replica that stands by is as it should be: it would take over.
    health.ready(`standing by for ${heldBy}`);
    if (heldBy !== waitingFor) log.info({ heldBy }, 'another worker holds the lease; standing by');
    waitingFor = heldBy;
  };
  await whileLeased(database, { holder: holderName('run'), signal, onWaiting }, async (epoch, leased) => {
    log.info({ epoch }, 'this worker holds the lease');
    health.notReady('nothing is stored yet');
    let wasInStep = false;
    const onStored = () => {
      health.beat();
      // It does its work as soon as something is stored, however long history may take.
      if (!wasInStep) health.ready('catching up');
    };
    const timeoutMs = limits.requestMs;
    await using program = await openProgram({
      config,
      database,
      epoch,
      log,
      onStored,
      onAnswer: health.beat,
      timeoutMs,
    });
    const { context } = program;
    const record = async (pass: () => Promise<void>) => {
      const inStep = await recorded(running, database, () => context.counts, pass);
      if (inStep && !wasInStep) log.info('in step');
      wasInStep ||= inStep;
    };
    await keepInStep({ context, schedules: config.sync.schedules, signal: leased, log, health, record });
  });
}

/** Notes a pass, in the database and for `/readyz`. @returns whether it left nothing undone. @throws what the pass throws. */
async function recorded(
  { log, health }: Running,
  database: Database,
  counts: () => Counts,
  pass: () => Promise<void>,
): Promise<boolean> {
  const startedAtMs = performance.now();
  let run: number | undefined;
  try {
    run = await beginRun(database, 'run');
    await pass();
    const trouble = counts().incomplete.join('; ') || null;
    await endRun(database, run, trouble === null ? 'ok' : 'incomplete', counts(), trouble);
    if (trouble === null) health.ready();
    else health.notReady(trouble);
    logPass(log, counts(), performance.now() - startedAtMs);
    return trouble === null;
  } catch (error) {
    health.notReady(describeError(error));
    if (run !== undefined) await endRun(database, run, 'failed', counts(), describeError(error)).catch(() => {});
    throw error;
  }
}

function logPass(log: Log, { incomplete, secondsToList, secondsListed, ...counts }: Counts, ms: number): void {
  const fields = { ...counts, ms: Math.round(ms) };
  if (incomplete.length > 0) log.warn({ ...fields, incomplete }, 'pass incomplete');
  else if (counts.changed + counts.deleted + counts.failed > 0) log.info(fields, 'pass');
  else log.debug({ ...fields, secondsToList, secondsListed }, 'pass without changes');
}
