// Everything that can be asked about the worker over HTTP, in one place: what it does is told here as it happens, and
// `/readyz` and `/metrics` answer from that and from the database's vitals. Asking never holds the worker up.

import type { FastifyInstance } from 'fastify';
import type { Database } from '../postgres/database.ts';
import { createHealth, type Health } from '../status/health.ts';
import { readHindrances, readPulse } from '../status/pulse.ts';
import { describeHindrances, judgeReadiness } from '../status/readiness.ts';
import { createVitals, type Vitals } from '../status/vitals.ts';
import { staleAfterMs } from '../worker/schedule.ts';
import type { Readiness } from './http.ts';
import { createMetrics, type Metrics } from './metrics.ts';

export interface Watch {
  health: Health;
  metrics: Metrics;
  readiness(): Promise<Readiness>;
  /** Adds `/metrics`. */
  route(app: FastifyInstance): void;
  /** From now on this is the database to ask. */
  see(database: Database): void;
  /** Finds out what stands in the way, at the end of a tick or of a pass. @throws DatabaseTrouble. */
  lookAround(database: Database): Promise<void>;
}

const livenessLimitMs = 6 * 60_000;

/** Begins to watch. `schedule` is the cron expression of its ticks; `now`: milliseconds of a clock that only goes forward. */
export function createWatch(schedule: string, now: () => number = () => performance.now()): Watch {
  const health = createHealth(livenessLimitMs, now);
  const metrics = createMetrics();
  let ask: (() => Promise<Vitals>) | undefined;
  const look = async () => {
    const vitals = await ask?.();
    return { vitals, readiness: judgeReadiness(health.work, vitals) };
  };
  return {
    health,
    metrics,
    readiness: async () => (await look()).readiness,
    route(app) {
      app.get('/metrics', async (_request, reply) => {
        const { vitals, readiness } = await look();
        return reply.type(metrics.contentType).send(await metrics.show({ ready: readiness.ready, vitals }));
      });
    },
    see(database) {
      ask = createVitals({ read: () => readPulse(database), now });
    },
    async lookAround(database) {
      const hindrances = await readHindrances(database);
      const limitMs = staleAfterMs(schedule);
      Object.assign(health.work, { failing: describeHindrances(hindrances), tickLimitMs: limitMs });
      metrics.brake(hindrances.braked.length);
      metrics.tickLimit(limitMs);
    },
  };
}
