// The life of one account in a process: its tables are migrated, its lease is taken, and it is kept in sync until the lease is lost or
// the process has to give the account back. Whatever fails is said and tried again, but for what ends a process with a single account.

import { type AccountConfig, holderName, openProgram, scopeOf } from '../app.ts';
import { wait } from '../lib/wait.ts';
import type { Database } from '../postgres/database.ts';
import { readLastSample } from '../postgres/runs.ts';
import { refuseWrongScope } from '../postgres/scope.ts';
import { LeaseHeld, whileLeased } from '../postgres/while-leased.ts';
import type { AccountWatch } from '../server/watch.ts';
import { failureOf } from '../status/judge.ts';
import type { Room } from '../sync/room.ts';
import { describeError, type Log } from './log.ts';
import { recordPass } from './record.ts';
import { spreadTicks } from './schedule.ts';
import type { AccountWebhooks } from './webhooks.ts';
import { keepInSync } from './worker.ts';

/** Leave to work for an account. */
export interface Place {
  /** Aborted when the account is to be given back. */
  signal: AbortSignal;
  /** How long to wait for another process that holds the lease. */
  waitMs: number;
  leave(): void;
}

export interface AccountWork {
  config: AccountConfig;
  /** With the account's schema in its statements. */
  database: Database;
  /** Applies missing migrations. @returns how many. */
  migrate(onProgress: (doing: string) => void): Promise<number>;
  log: Log;
  signal: AbortSignal;
  watch: AccountWatch;
  room: Room;
  /** Null where no webhooks are taken. */
  webhooks: AccountWebhooks | null;
  /** From 0 to 1: how late its ticks come among those of the other accounts. */
  spread: number;
  /** The time limit for a request, if not the client's own. */
  requestMs: number | undefined;
  /** Waits until this process is to work for the account. @throws the signal's reason. */
  enter(signal: AbortSignal): Promise<Place>;
  /**
   * Told of each failure. `hasWorked`: it has worked under the lease before, or waited for another process that does.
   * @returns whether that ends the work; else it is tried again.
   */
  onFailure(error: unknown, hasWorked: boolean): boolean;
  /** Whether an error may stay for days, so that it is logged once. */
  isLasting(error: unknown): boolean;
}

interface Life {
  isMigrated: boolean;
  hasWorked: boolean;
  /** The lasting error that was logged last. */
  said: string | null;
  /** Who was last seen to hold the lease. */
  waitingFor: string;
}

const retryEveryMs = 5_000;

/** Works for the account until the signal is aborted. @throws its reason, and failures that end the work. */
export async function workForAccount(work: AccountWork): Promise<never> {
  const { log, signal, watch } = work;
  const life: Life = { isMigrated: false, hasWorked: false, said: null, waitingFor: '' };
  watch.setDatabase(work.database);
  for (;;) {
    const place = await work.enter(signal);
    try {
      if (!life.isMigrated) await prepare(work);
      life.isMigrated = true;
      await workWhileLeased(work, life, place);
    } catch (error) {
      signal.throwIfAborted();
      if (place.signal.aborted || error instanceof LeaseHeld) continue;
      if (work.onFailure(error, life.hasWorked)) throw error;
      Object.assign(watch.process, { phase: 'starting', failure: failureOf(error) });
      watch.heartbeat.beat();
      const what = work.isLasting(error) ? describeError(error) : null;
      const trouble = life.isMigrated ? 'the worker cannot work' : 'the database cannot be used yet';
      if (what === null || what !== life.said) log.error({ err: error }, trouble);
      life.said = what;
      place.leave();
      await wait(retryEveryMs, signal);
    } finally {
      place.leave();
    }
  }
}

/** Migrates the account's tables and checks that they belong to these settings. */
async function prepare({ config, database, migrate, log, watch }: AccountWork): Promise<void> {
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

/** Waits for the lease, and works until it is lost, the account is to be given back, or the signal comes. @throws LeaseHeld. */
async function workWhileLeased(work: AccountWork, life: Life, place: Place): Promise<void> {
  const { database, log, watch } = work;
  const { heartbeat, metrics } = watch;
  const onWaiting = (heldBy: string) => {
    heartbeat.beat();
    life.hasWorked = true;
    Object.assign(watch.process, { phase: 'standby', heldBy, failure: null });
    if (heldBy !== life.waitingFor) log.info({ heldBy }, 'another worker holds the lease; this one is on standby');
    life.waitingFor = heldBy;
  };
  const onHeld = (held: boolean) => {
    metrics.held(held);
    if (!held) log.warn('the lease could not be renewed within its term: another worker may take it');
  };
  const signal = AbortSignal.any([work.signal, place.signal]);
  const lease = { holder: holderName('run'), signal, giveUpAfterMs: place.waitMs, onWaiting, onHeld };
  await whileLeased(database, lease, async (epoch, leased) => {
    log.info({ epoch }, 'this worker holds the lease');
    life.waitingFor = '';
    try {
      await workUnderLease(work, life, epoch, leased);
    } finally {
      metrics.end();
    }
  });
}

/** Works under the lease. @throws LeaseLost, or the signal's reason. */
async function workUnderLease(work: AccountWork, life: Life, epoch: number, leased: AbortSignal): Promise<void> {
  const { config, database, log, watch, webhooks } = work;
  const { heartbeat, metrics } = watch;
  await using program = await openProgram({
    config,
    database,
    epoch,
    log,
    room: work.room,
    timeoutMs: work.requestMs,
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
  Object.assign(life, { hasWorked: true, said: null });
  let wasInSync = false;
  const record = async (pass: () => Promise<void>) => {
    const inSync = await recordPass({ database, watch, log, counts: () => context.counts }, pass);
    if (inSync && !wasInSync) log.info('in sync');
    wasInSync ||= inSync;
  };
  const ended = new AbortController();
  const signal = AbortSignal.any([leased, ended.signal]);
  const { schedules } = config.sync;
  const flows: Promise<never>[] = [
    keepInSync({ context, schedules, signal, log, heartbeat, record, startCron: spreadTicks(work.spread) }),
  ];
  if (webhooks !== null) flows.push(webhooks.follow({ context, database, log, signal }));
  // The first to end ends the other.
  await Promise.race(flows).finally(async () => {
    ended.abort(new Error('the work has ended'));
    await Promise.allSettled(flows);
  });
}
