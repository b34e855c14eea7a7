// What the worker tells over HTTP. The worker reports here what it does, and `/readyz`, `/metrics` and the status page answer from
// that and from the snapshot. A request never delays the worker.

import type { FastifyInstance } from 'fastify';
import type { Database } from '../postgres/database.ts';
import { createSnapshots, type Snapshots } from '../status/cached.ts';
import { createHeartbeat, type Heartbeat } from '../status/heartbeat.ts';
import { findUndone, judge, type ProcessState, readinessOf } from '../status/judge.ts';
import { readFacts } from '../status/snapshot.ts';
import { isStale, staleAfterMs } from '../worker/schedule.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { View } from './view.ts';

/** The present state. */
export interface Watch {
  heartbeat: Heartbeat;
  /** The process reports its state here. */
  process: ProcessState;
  metrics: Metrics;
  look(): Promise<View>;
  /** Undefined until the database is known. */
  snapshots(): Snapshots | undefined;
  /** Adds `/metrics`. */
  route(app: FastifyInstance): void;
  /** Sets the database to read. */
  setDatabase(database: Database): void;
  /**
   * Recent work is done, or a pass has ended. This ends an earlier failure. A window that could not be listed counts as failing until
   * then, even if a new sweep replaces it. @throws DatabaseTrouble.
   */
  caughtUp(database: Database): Promise<void>;
}

const livenessLimitMs = 6 * 60_000;

/** `schedule` is the cron expression of the ticks. `now`: milliseconds of a monotonic clock. */
export function createWatch(schedule: string, now: () => number = () => performance.now()): Watch {
  const metrics = createMetrics();
  const state: ProcessState = { phase: 'starting', heldBy: null, failure: null, migrating: null };
  let snapshots: Snapshots | undefined;
  const look = async (): Promise<View> => {
    const { value: facts = null, trouble = null } = (await snapshots?.facts()) ?? {};
    const isTooOld = (seconds: number) => isStale(schedule, seconds * 1000);
    const status = judge({ facts, databaseTrouble: trouble, process: state, isTooOld });
    const databaseUp = facts !== null && trouble === null;
    return { status, facts, databaseUp, readiness: readinessOf(status, state) };
  };
  return {
    heartbeat: createHeartbeat(livenessLimitMs, now),
    process: state,
    metrics,
    look,
    snapshots: () => snapshots,
    route(app) {
      app.get('/metrics', async (_request, reply) => {
        return reply.type(metrics.contentType).send(await metrics.show(await look()));
      });
    },
    setDatabase(database) {
      snapshots = createSnapshots(database, now);
    },
    async caughtUp(database) {
      state.failure = findUndone(await database.run(({ sql }) => readFacts(sql)));
      snapshots?.expire();
      metrics.tickLimit(staleAfterMs(schedule));
    },
  };
}
