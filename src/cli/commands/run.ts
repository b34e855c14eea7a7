// `run`: the long-lived worker. Waits for the database and for its turn, then keeps in sync until a signal comes. Ends
// with 0 by a signal, with 2 where a person has to put something right; everything else it waits out.

import { type AppConfig, holderName, openProgram, scopeOf } from '../../app.ts';
import { type OpenedDatabase, type OpenOptions, openConfigured } from '../../database.ts';
import { wait } from '../../lib/wait.ts';
import type { Database } from '../../postgres/database.ts';
import { DatabaseTrouble } from '../../postgres/errors.ts';
import { NewerSchema, Obstacle } from '../../postgres/obstacles.ts';
import { readLastSample } from '../../postgres/runs.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import { whileLeased } from '../../postgres/tenure.ts';
import { openHttpServer } from '../../server/http.ts';
import { createStatusPage, type StatusPage } from '../../server/page/route.ts';
import { createWatch, type Watch } from '../../server/watch.ts';
import { beatDuring } from '../../status/health.ts';
import { describeError, type Log } from '../../worker/log.ts';
import { recordPass } from '../../worker/pass-record.ts';
import { keepInSync } from '../../worker/worker.ts';
import { exitStatus, isMisconfigured } from '../exit-status.ts';

export interface RunConfig extends AppConfig {
  http: { host: string; port: number; allowedHosts?: string[] };
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
  watch: Watch;
  page: StatusPage;
  limits: NonNullable<RunOptions['limits']>;
  /** It has held the lease with every right that it needs, or has stood by for who holds it. */
  hasWorked: boolean;
}

const retryEveryMs = 5_000;

/** Works until the signal is aborted. @returns the exit status. @throws what a person has to put right. */
export async function run(config: RunConfig, log: Log, signal: AbortSignal, options: RunOptions = {}): Promise<number> {
  const watch = createWatch(config.sync.schedules.new);
  const { readiness, route, health } = watch;
  const page = createStatusPage(readiness);
  const routes = [route, page.route];
  const server = await openHttpServer({ ...config.http, log, trouble: health.trouble, readiness, routes });
  options.onListening?.(server.url);
  log.info({ url: server.url }, 'listening');
  const limits = options.limits ?? {};
  try {
    await work({ config, log, signal, watch, page, limits, hasWorked: false });
    return exitStatus.inSync;
  } catch (error) {
    if (signal.aborted) return exitStatus.inSync;
    throw error;
  } finally {
    await server.close();
  }
}

async function work(running: Running): Promise<never> {
  const { config, signal, limits, watch, page } = running;
  await using opened = await openConfigured(config.database, { adopt: true, limits: limits.database ?? {}, signal });
  watch.see(opened.database);
  page.see(opened.database);
  await patiently(running, 'the database cannot be used yet', () => prepare(running, opened), isBeyondStarting);
  const isLasting = (error: unknown) => (running.hasWorked ? isBeyondWaiting(error) : isBeyondStarting(error));
  for (;;) await patiently(running, 'the worker stands by', () => serve(running, opened.database), isLasting);
}

/** A newer release does the work now: this process waits to be replaced, or for tables that it knows. */
function isBeyondStarting(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof NewerSchema);
}

/** Once it has worked, whatever is wrong with user and rights may be put right at the server, or is just being changed. */
function isBeyondWaiting(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof DatabaseTrouble || error instanceof Obstacle);
}

/** Does it again after a while where it fails for a reason that may pass. @throws what a person has to put right, and the signal's reason. */
async function patiently(
  { log, signal, watch: { health } }: Running,
  trouble: string,
  attempt: () => Promise<void>,
  isLasting: (error: unknown) => boolean,
): Promise<void> {
  let said = false;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted || isLasting(error)) throw error;
      Object.assign(health.work, { doing: 'starting', failing: describeError(error) });
      health.beat();
      // What is in the way may be so for days: it is said once.
      const obstacle = error instanceof Obstacle;
      if (!obstacle || !said) log.error({ err: error }, trouble);
      said = obstacle;
      await wait(retryEveryMs, signal);
    }
  }
}

/** Migrates, and holds the database against the settings. */
async function prepare(running: Running, { prepare: migrate, database }: OpenedDatabase): Promise<void> {
  const { config, log, watch } = running;
  const { health } = watch;
  const onProgress = (doing: string) => {
    log.info(doing);
    health.work.migrating = doing;
  };
  // A large table takes longer than any other work; each statement has a limit of its own.
  const applied = await beatDuring(health, () => migrate(onProgress)).finally(() => {
    health.work.migrating = undefined;
  });
  if (applied > 0) log.info({ applied }, 'migrated');
  await refuseWrongScope(database, scopeOf(config));
}

/** One tenure of the lease: waits for it, and works until it is lost or the signal comes. */
async function serve(running: Running, database: Database): Promise<void> {
  const { log, signal, watch, page } = running;
  const { health, metrics } = watch;
  let waitingFor = '';
  const onWaiting = (heldBy: string) => {
    health.beat();
    running.hasWorked = true;
    Object.assign(health.work, { doing: 'standing by', heldBy, failing: undefined });
    if (heldBy !== waitingFor) log.info({ heldBy }, 'another worker holds the lease; standing by');
    waitingFor = heldBy;
  };
  const onHeld = (held: boolean) => {
    metrics.held(held);
    if (!held) log.warn('the lease could not be renewed within its term: another worker may take it');
  };
  await whileLeased(database, { holder: holderName('run'), signal, onWaiting, onHeld }, async (epoch, leased) => {
    log.info({ epoch }, 'this worker holds the lease');
    try {
      await hold(running, database, epoch, leased);
    } finally {
      metrics.end();
      page.follow(undefined);
    }
  });
}

/** Works under the lease. @throws LeaseLost, or the signal's reason. */
async function hold(running: Running, database: Database, epoch: number, leased: AbortSignal): Promise<void> {
  const { config, log, watch, page, limits } = running;
  const { health, metrics } = watch;
  const lookAround = () => watch.lookAround(database);
  await using program = await openProgram({
    config,
    database,
    epoch,
    log,
    timeoutMs: limits.requestMs,
    onRetry: metrics.retry,
    onLoad: metrics.load,
    onAttempt(attempt) {
      metrics.attempt(attempt);
      if (attempt.status !== undefined) health.beat();
    },
    watcher: {
      stored(counts) {
        health.beat();
        metrics.count(counts);
      },
      recentDone: lookAround,
    },
  });
  const { context, client } = program;
  page.follow(client.counters);
  metrics.begin(client.counters, await readLastSample(database));
  await lookAround();
  health.work.doing = 'working';
  running.hasWorked = true;
  let wasInSync = false;
  const record = async (pass: () => Promise<void>) => {
    const inSync = await recordPass({ database, watch, log, counts: () => context.counts }, pass);
    if (inSync && !wasInSync) log.info('in sync');
    wasInSync ||= inSync;
  };
  await keepInSync({ context, schedules: config.sync.schedules, signal: leased, log, health, record });
}
