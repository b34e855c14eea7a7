// `run`: the long-lived worker. Waits for the database and for its turn, then keeps in sync until a signal comes. Ends
// with 0 by a signal, with 2 where a person has to put something right; everything else it waits out.

import { type AppConfig, holderName, openProgram, scopeOf } from '../../app.ts';
import type { WebhookConfig } from '../../config/webhook.ts';
import { type OpenedDatabase, type OpenOptions, openConfigured } from '../../database.ts';
import { wait } from '../../lib/wait.ts';
import type { Database } from '../../postgres/database.ts';
import { DatabaseTrouble } from '../../postgres/errors.ts';
import { NewerSchema, Obstacle } from '../../postgres/obstacles.ts';
import { readLastSample } from '../../postgres/runs.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import { whileLeased } from '../../postgres/while-leased.ts';
import { openHttpServer } from '../../server/http.ts';
import { addStatusPage } from '../../server/page/route.ts';
import { createWatch, type Watch } from '../../server/watch.ts';
import { failureOf } from '../../status/judge.ts';
import type { Log } from '../../worker/log.ts';
import { recordPass } from '../../worker/record.ts';
import { openWebhooks, type Webhooks } from '../../worker/webhooks.ts';
import { keepInSync } from '../../worker/worker.ts';
import { exitStatus, isMisconfigured } from '../exit-status.ts';

export interface RunConfig extends AppConfig {
  http: { host: string; port: number; allowedHosts?: string[] };
  /** Without it, no webhooks are taken. */
  webhook?: WebhookConfig;
}

export interface RunOptions {
  /** Told the worker's own address when it is known. */
  onListening?: (url: string) => void;
  /** Told the address for webhooks, where they are taken. */
  onWebhooks?: (url: string) => void;
  /** Where waits are to be shorter than they are by themselves. */
  limits?: { database?: OpenOptions['limits']; requestMs?: number };
}

interface Running {
  config: RunConfig;
  log: Log;
  signal: AbortSignal;
  watch: Watch;
  /** Null where no webhooks are taken. */
  webhooks: Webhooks | null;
  limits: NonNullable<RunOptions['limits']>;
  /** This process has worked under the lease, or waited for another one that does. */
  hasWorked: boolean;
}

const retryEveryMs = 5_000;

/** Works until the signal is aborted. @returns the exit status. @throws what a person has to fix. */
export async function run(config: RunConfig, log: Log, signal: AbortSignal, options: RunOptions = {}): Promise<number> {
  const watch = createWatch(config.sync.schedules.new);
  const server = await openHttpServer({
    ...config.http,
    log,
    trouble: watch.heartbeat.trouble,
    readiness: async () => (await watch.look()).readiness,
    routes: [watch.route, (app) => addStatusPage(app, watch)],
  });
  options.onListening?.(server.url);
  log.info({ url: server.url }, 'listening');
  const limits = options.limits ?? {};
  let webhooks: Webhooks | null = null;
  try {
    webhooks = await openWebhooks({ webhook: config.webhook, accountSid: config.api.accountSid, log, watch });
    if (webhooks !== null) options.onWebhooks?.(webhooks.url);
    await work({ config, log, signal, watch, webhooks, limits, hasWorked: false });
    return exitStatus.inSync;
  } catch (error) {
    if (signal.aborted) return exitStatus.inSync;
    throw error;
  } finally {
    await webhooks?.close();
    await server.close();
  }
}

async function work(running: Running): Promise<never> {
  const { config, signal, limits, watch } = running;
  await using opened = await openConfigured(config.database, { adopt: true, limits: limits.database ?? {}, signal });
  watch.setDatabase(opened.database);
  running.webhooks?.setDatabase(opened.database);
  await retryUntilReady(running, 'the database cannot be used yet', () => prepare(running, opened), isPermanentAtStart);
  const isPermanent = (error: unknown) => (running.hasWorked ? isPermanentLater(error) : isPermanentAtStart(error));
  for (;;)
    await retryUntilReady(
      running,
      'the worker cannot work',
      () => runWhileLeased(running, opened.database),
      isPermanent,
    );
}

/** Whether to give up at the start. If a newer release has migrated the tables, this process waits to be replaced. */
function isPermanentAtStart(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof NewerSchema);
}

/** Whether to give up after work has begun. Then even a refused user or missing rights may be a change at the server that passes. */
function isPermanentLater(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof DatabaseTrouble || error instanceof Obstacle);
}

/** Tries until it succeeds, or fails for a permanent reason. @throws what a person has to fix, and the signal's reason. */
async function retryUntilReady(
  { log, signal, watch }: Running,
  trouble: string,
  attempt: () => Promise<void>,
  isPermanent: (error: unknown) => boolean,
): Promise<void> {
  let said = false;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted || isPermanent(error)) throw error;
      Object.assign(watch.process, { phase: 'starting', failure: failureOf(error) });
      watch.heartbeat.beat();
      // An obstacle may stay for days: it is logged once.
      const obstacle = error instanceof Obstacle;
      if (!obstacle || !said) log.error({ err: error }, trouble);
      said = obstacle;
      await wait(retryEveryMs, signal);
    }
  }
}

/** Migrates the database and checks that it belongs to these settings. */
async function prepare(running: Running, { prepare: migrate, database }: OpenedDatabase): Promise<void> {
  const { config, log, watch } = running;
  const onProgress = (doing: string) => {
    log.info(doing);
    watch.process.migrating = doing;
  };
  // Migrating a large table may take longer than any other work. Each statement has its own limit.
  const applied = await watch.heartbeat
    .during(() => migrate(onProgress))
    .finally(() => {
      watch.process.migrating = null;
    });
  if (applied > 0) log.info({ applied }, 'migrated');
  await refuseWrongScope(database, scopeOf(config));
}

/** Waits for the lease, and works until it is lost or the signal comes. */
async function runWhileLeased(running: Running, database: Database): Promise<void> {
  const { log, signal, watch } = running;
  const { heartbeat, metrics } = watch;
  let waitingFor = '';
  const onWaiting = (heldBy: string) => {
    heartbeat.beat();
    running.hasWorked = true;
    Object.assign(watch.process, { phase: 'standby', heldBy, failure: null });
    if (heldBy !== waitingFor) log.info({ heldBy }, 'another worker holds the lease; this one is on standby');
    waitingFor = heldBy;
  };
  const onHeld = (held: boolean) => {
    metrics.held(held);
    if (!held) log.warn('the lease could not be renewed within its term: another worker may take it');
  };
  await whileLeased(database, { holder: holderName('run'), signal, onWaiting, onHeld }, async (epoch, leased) => {
    log.info({ epoch }, 'this worker holds the lease');
    try {
      await workUnderLease(running, database, epoch, leased);
    } finally {
      metrics.end();
    }
  });
}

/** Works under the lease. @throws LeaseLost, or the signal's reason. */
async function workUnderLease(running: Running, database: Database, epoch: number, leased: AbortSignal): Promise<void> {
  const { config, log, watch, limits } = running;
  const { heartbeat, metrics } = watch;
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
      // What webhooks announce is fetched beside the pass, and says nothing of its progress.
      if (attempt.status !== undefined && !attempt.isUrgent) heartbeat.beat();
    },
    watcher: {
      stored(counts) {
        heartbeat.beat();
        metrics.count(counts);
      },
      recentDone: () => watch.caughtUp(database),
    },
  });
  const { context, client } = program;
  metrics.begin(client.counters, await readLastSample(database));
  await watch.caughtUp(database);
  watch.process.phase = 'working';
  running.hasWorked = true;
  let wasInSync = false;
  const record = async (pass: () => Promise<void>) => {
    const inSync = await recordPass({ database, watch, log, counts: () => context.counts }, pass);
    if (inSync && !wasInSync) log.info('in sync');
    wasInSync ||= inSync;
  };
  const { webhooks } = running;
  const ended = new AbortController();
  const signal = AbortSignal.any([leased, ended.signal]);
  const work: Promise<never>[] = [
    keepInSync({ context, schedules: config.sync.schedules, signal, log, heartbeat, record }),
  ];
  if (webhooks !== null) work.push(webhooks.follow({ context, database, log, signal }));
  // The first to end ends the other.
  await Promise.race(work).finally(async () => {
    ended.abort(new Error('the work has ended'));
    await Promise.allSettled(work);
  });
}
