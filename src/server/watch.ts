// Everything that can be asked about the worker over HTTP, in one place: what it does is told here as it happens, and
// `/readyz`, `/metrics` and the status page answer from that and from the snapshot. Asking never holds the worker up.

import type { FastifyInstance } from 'fastify';
import type { Database } from '../postgres/database.ts';
import { createSnapshots, type Snapshots } from '../status/cached.ts';
import { createHeartbeat, type Heartbeat } from '../status/heartbeat.ts';
import { findUndone, judge, type ProcessState, readinessOf } from '../status/judge.ts';
import { readFacts } from '../status/snapshot.ts';
import { isStale, staleAfterMs } from '../worker/schedule.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { View } from './view.ts';

/** How things stand just now. */
export interface Watch {
  heartbeat: Heartbeat;
  /** Whoever does the process's work says so here. */
  process: ProcessState;
  metrics: Metrics;
  look(): Promise<View>;
  /** Undefined before there is a database to ask. */
  snapshots(): Snapshots | undefined;
  /** Adds `/metrics`. */
  route(app: FastifyInstance): void;
  /** From now on this is the database to ask. */
  setDatabase(database: Database): void;
  /**
   * What is recent has been listed, or a pass has ended: an earlier failure is over, and what could not be listed stays one
   * until then, though a new sweep replaces its window. @throws DatabaseTrouble.
   */
  caughtUp(database: Database): Promise<void>;
}

const livenessLimitMs = 6 * 60_000;

/** Begins to watch. `schedule` is the cron expression of its ticks; `now`: milliseconds of a clock that only goes forward. */
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
