// What the worker tells over HTTP. The worker reports here what it does, and `/readyz`, `/metrics` and the status page answer from
// that and from the snapshot. A request never delays the worker.

import type { FastifyInstance } from 'fastify';
import type { Database } from '../postgres/database.ts';
import { createSnapshots, type Snapshots } from '../status/cached.ts';
import { createHeartbeat, type Heartbeat } from '../status/heartbeat.ts';
import { findUndone, judge, type ProcessState, readinessOf } from '../status/judge.ts';
import { readFacts } from '../status/snapshot.ts';
import { isStale, staleAfterMs } from '../worker/schedule.ts';
import { type AccountMetrics, createMetrics, type Metrics } from './metrics.ts';
import type { View } from './view.ts';

/** The present state of an account in this process. */
export interface AccountWatch {
  heartbeat: Heartbeat;
  /** The process reports its state here. */
  process: ProcessState;
  metrics: AccountMetrics;
  look(): Promise<View>;
  /** Undefined until the database is known. */
  snapshots(): Snapshots | undefined;
  /** Sets the database to read. */
  setDatabase(database: Database): void;
  /**
   * Recent work is done, or a pass has ended. This ends an earlier failure. A window that could not be listed counts as failing until
   * then, even if a new sweep replaces it. @throws DatabaseTrouble.
   */
  caughtUp(database: Database): Promise<void>;
}

/** That of a process with one account. */
export interface Watch extends AccountWatch {
  metrics: Metrics;
  /** Adds `/metrics`. */
  route(app: FastifyInstance): void;
}

export interface AccountWatchOptions<Kind extends AccountMetrics> {
  /** The cron expression of the ticks. */
  schedule: string;
  metrics: Kind;
  /** The database is asked at most so often. */
  freshMs?: number;
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
}

const livenessLimitMs = 6 * 60_000;

/** `schedule` is the cron expression of the ticks. `now`: milliseconds of a monotonic clock. */
export function createWatch(schedule: string, now: () => number = () => performance.now()): Watch {
  const metrics = createMetrics();
  const watch = createAccountWatch({ schedule, metrics, now });
  return {
    ...watch,
    route(app) {
      app.get('/metrics', async (_request, reply) => {
        return reply.type(metrics.contentType).send(await metrics.show(await watch.look()));
      });
    },
  };
}

export function createAccountWatch<Kind extends AccountMetrics>({
  schedule,
  metrics,
  freshMs,
  now = () => performance.now(),
}: AccountWatchOptions<Kind>): AccountWatch & { metrics: Kind } {
  const state: ProcessState = { phase: 'starting', heldBy: null, failure: null, migrating: null };
  let snapshots: Snapshots | undefined;
  return {
    heartbeat: createHeartbeat(livenessLimitMs, now),
    process: state,
    metrics,
    async look() {
      const { value: facts = null, trouble = null } = (await snapshots?.facts()) ?? {};
      const isTooOld = (seconds: number) => isStale(schedule, seconds * 1000);
      const status = judge({ facts, databaseTrouble: trouble, process: state, isTooOld });
      const databaseUp = facts !== null && trouble === null;
      return { status, facts, databaseUp, readiness: readinessOf(status, state) };
    },
    snapshots: () => snapshots,
    setDatabase(database) {
      snapshots = createSnapshots(database, now, freshMs);
    },
    async caughtUp(database) {
      state.failure = findUndone(await database.run(({ sql }) => readFacts(sql)));
      snapshots?.expire();
      metrics.tickLimit(staleAfterMs(schedule));
    },
  };
}
