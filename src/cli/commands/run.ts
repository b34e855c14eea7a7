// `run` with one account: the long-lived worker. Waits for the database and for its turn, then keeps in sync until a signal comes. Ends
// with 0 by a signal, with 2 where a person has to put something right; everything else it waits out.

import { type AppConfig, createProcessRoom } from '../../app.ts';
import type { WebhookConfig } from '../../config/webhook.ts';
import { type OpenOptions, openConfigured } from '../../database.ts';
import { DatabaseTrouble } from '../../postgres/errors.ts';
import { NewerSchema, Obstacle } from '../../postgres/obstacles.ts';
import { openHttpServer } from '../../server/http.ts';
import { addStatusPage } from '../../server/page/route.ts';
import { createWatch, type Watch } from '../../server/watch.ts';
import { type Place, workForAccount } from '../../worker/account.ts';
import type { Log } from '../../worker/log.ts';
import { type AccountWebhooks, createWebhooks } from '../../worker/webhooks.ts';
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
  const webhooks = createWebhooks({ webhook: config.webhook, log, isByAccount: false });
  try {
    const { accountSid } = config.api;
    const hook = config.webhook && webhooks?.add({ accountSid, keys: config.webhook, log, watch });
    if (webhooks !== null) {
      const url = await webhooks.listen();
      options.onWebhooks?.(url);
    }
    await work({ config, log, signal, watch, hook: hook ?? null, limits: options.limits ?? {} });
    return exitStatus.inSync;
  } catch (error) {
    if (signal.aborted) return exitStatus.inSync;
    throw error;
  } finally {
    await webhooks?.close();
    await server.close();
  }
}

interface Running {
  config: RunConfig;
  log: Log;
  signal: AbortSignal;
  watch: Watch;
  hook: AccountWebhooks | null;
  limits: NonNullable<RunOptions['limits']>;
}

async function work({ config, log, signal, watch, hook, limits }: Running): Promise<never> {
  await using opened = await openConfigured(config.database, { adopt: true, limits: limits.database ?? {}, signal });
  const { database } = opened;
  hook?.setDatabase(database);
  return await workForAccount({
    config,
    database,
    migrate: opened.prepare,
    log,
    signal,
    watch,
    room: createProcessRoom(),
    webhooks: hook,
    spread: 0,
    requestMs: limits.requestMs,
    enter: async () => always,
    onFailure: (error, hasWorked) => (hasWorked ? isPermanentLater(error) : isPermanentAtStart(error)),
    isLasting: (error) => error instanceof Obstacle,
  });
}

/** The only account is never given back. */
const always: Place = { signal: new AbortController().signal, waitMs: Number.POSITIVE_INFINITY, leave() {} };

/** Whether to give up at the start. If a newer release has migrated the tables, this process waits to be replaced. */
function isPermanentAtStart(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof NewerSchema);
}

/** Whether to give up after work has begun. Then even a refused user or missing rights may be a change at the server that passes. */
function isPermanentLater(error: unknown): boolean {
  return isMisconfigured(error) && !(error instanceof DatabaseTrouble || error instanceof Obstacle);
}
