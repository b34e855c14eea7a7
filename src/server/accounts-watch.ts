// What a process with an accounts file tells over HTTP: `/readyz` is about the process and its database, metrics and pages are about each
// account. One account in trouble makes nothing unready.

import type { FastifyInstance } from 'fastify';
import { mapAhead } from '../lib/ahead.ts';
import type { Database } from '../postgres/database.ts';
import { type Cache, createCache } from '../status/cached.ts';
import type { Answer } from '../status/judge.ts';
import { type AccountsMetrics, createAccountsMetrics } from './metrics.ts';
import type { View } from './view.ts';
import { type AccountWatch, createAccountWatch } from './watch.ts';

export interface WatchedAccount {
  sid: string;
  schema: string;
  watch: AccountWatch;
}

/** An entry of the file that is wrong. */
export interface RefusedAccount {
  name: string;
  problems: readonly { message: string }[];
}

export interface AccountsWatch {
  metrics: AccountsMetrics;
  /** In the order of the schemas. */
  accounts(): WatchedAccount[];
  find(schema: string): WatchedAccount | undefined;
  /** `schedule`: of the account's ticks. `among`: how many accounts there are. */
  add(account: { sid: string; schema: string; schedule: string; among: number }): AccountWatch;
  remove(schema: string): Promise<void>;
  refused: readonly RefusedAccount[];
  /** Sets the database of the process. */
  setDatabase(database: Database): void;
  readiness(): Promise<Answer>;
  /** What is wrong with the process, for `/livez`; undefined if nothing is. */
  trouble(): string | undefined;
  /** The state of each, a few of them read at once. */
  look(): Promise<(WatchedAccount & { view: View })[]>;
  /** Adds `/metrics`. */
  route(app: FastifyInstance): void;
}

const askMs = 2_000;
/** So many accounts are read at once, and no account more often than makes ten statements a second for all of them. */
const atOnce = 4;
const apartMs = 100;

export function createAccountsWatch(now: () => number = () => performance.now()): AccountsWatch {
  const metrics = createAccountsMetrics();
  const watched = new Map<string, WatchedAccount>();
  let database: Cache<boolean> | undefined;
  const accounts = () => [...watched.values()].sort((a, b) => (a.schema < b.schema ? -1 : 1));
  const self: AccountsWatch = {
    metrics,
    accounts,
    refused: [],
    find: (schema) => watched.get(schema),
    add({ sid, schema, schedule, among }) {
      const freshMs = Math.max(2_000, among * apartMs);
      const watch = createAccountWatch({ schedule, metrics: metrics.of(sid), freshMs, now });
      watched.set(schema, { sid, schema, watch });
      return watch;
    },
    async remove(schema) {
      const found = watched.get(schema);
      watched.delete(schema);
      if (found !== undefined) await metrics.remove(found.sid);
    },
    setDatabase(opened) {
      const read = async () => (await opened.ask('select 1', askMs)).length === 1;
      database = createCache({ read, freshMs: 2_000, waitMs: askMs + 500, now });
    },
    async readiness() {
      const { value = null, trouble = null } = (await database?.ask()) ?? {};
      if (trouble !== null) return { ready: false, code: 'database_down', reason: trouble };
      if (value === null) return { ready: false, code: 'starting', reason: 'starting' };
      return { ready: true, code: 'working' };
    },
    trouble() {
      const hanging = accounts().flatMap(({ sid, watch }) => {
        const trouble = watch.heartbeat.trouble();
        return trouble === undefined ? [] : [`${sid}: ${trouble}`];
      });
      return hanging[0];
    },
    async look() {
      async function* each() {
        yield* accounts();
      }
      // Without a database they wait for no answer all together, not one after the other.
      const { ready } = await self.readiness();
      const seen = mapAhead(each(), ready ? atOnce : Number.POSITIVE_INFINITY, async (account) => ({
        ...account,
        view: await account.watch.look(),
      }));
      return await Array.fromAsync(seen);
    },
    route(app) {
      app.get('/metrics', async (_request, reply) => {
        const { ready } = await self.readiness();
        const inSync = new Map<string, boolean>();
        for (const { sid, watch, view } of await self.look()) {
          watch.metrics.update(view);
          inSync.set(sid, view.status.state === 'in_sync' || view.status.state === 'loading');
        }
        const page = await metrics.show({ ready, databaseUp: ready, inSync, refused: self.refused.length });
        return reply.type(metrics.contentType).send(page);
      });
    },
  };
  return self;
}
