// Puts the program together from its configuration: client, store and context. Commands decide what is done with it.

import { randomBytes } from 'node:crypto';
import { hostname, totalmem } from 'node:os';
import type { ApiConfig, DatabaseConfig, FilterConfig, SyncConfig } from './config/config.ts';
import type { Database } from './postgres/database.ts';
import { createResultsStore } from './postgres/results-store.ts';
import { enterScope, refuseWrongScope, type Scope } from './postgres/scope.ts';
import { createStore } from './postgres/store.ts';
import { type Context, createContext, type Store, type Watcher } from './sync/context.ts';
import { createMask } from './sync/mask.ts';
import { createRoom, type Room, roomOf } from './sync/room.ts';
import { isTooMany } from './sync/sweeps.ts';
import { baseUrl } from './twilio/base-url.ts';
import type { BoundName, Query } from './twilio/bounds.ts';
import { type Client, createClient } from './twilio/client.ts';
import { createListing } from './twilio/listing.ts';
import type { Attempt, Retry } from './twilio/request.ts';
import { createResults } from './twilio/results.ts';
import { createResultsPort } from './twilio/results-port.ts';
import type { Log } from './worker/log.ts';
import { createRetryLog, logWindow } from './worker/record.ts';

/** What is of one account alone. */
export interface AccountConfig {
  api: ApiConfig;
  filters: FilterConfig;
  sync: SyncConfig;
}

export interface AppConfig extends AccountConfig {
  database: DatabaseConfig;
}

/** Names a holder of the lease for people. Each name is different: in containers, process ids repeat. */
export function holderName(command: string): string {
  return `${command} on ${hostname()}, process ${process.pid} (${randomBytes(3).toString('hex')})`;
}

export function scopeOf(config: AccountConfig): Scope {
  return {
    accountSid: config.api.accountSid,
    baseUrl: baseUrl(config.api),
    filters: config.filters,
    start: config.sync.start,
    retentionSeconds: config.sync.keep.retentionSeconds,
  };
}

export interface Program extends AsyncDisposable {
  context: Context;
  client: Client;
}

export interface ProgramOptions {
  config: AccountConfig;
  database: Database;
  /** The epoch of the lease; null if nothing is written. */
  epoch: number | null;
  log: Log;
  allowMassDelete?: boolean;
  watcher?: Partial<Watcher>;
  onAttempt?: (attempt: Attempt) => void;
  onRetry?: (retry: Retry) => void;
  /** Gets the time of each transaction that stores a batch, whether it succeeds or not. */
  onLoad?: (ms: number) => void;
  /** Shared with other accounts; by default the program has one of its own. */
  room?: Room;
  /** The time limit for a request, if not the client's own. */
  timeoutMs?: number | undefined;
}

/** Opens the program under one lease. @throws WrongScope. */
export async function openProgram(options: ProgramOptions): Promise<Program> {
  const { config, database, epoch, log } = options;
  const scope = scopeOf(config);
  const { generation, changed, start } =
    epoch === null ? await refuseWrongScope(database, scope) : await enterScope(database, scope);
  if (changed) log.info({ generation }, 'the scope changed: everything is listed again');
  const mask = createMask(config.sync.mask);
  const logRetry = createRetryLog(log);
  const client = createClient({
    baseUrl: scope.baseUrl,
    auth: config.api,
    maxConcurrency: config.api.maxConcurrency,
    mask,
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    proxy: { httpsProxy: config.api.proxy.https, httpProxy: config.api.proxy.http, noProxy: config.api.proxy.none },
    ...(options.onAttempt && { onAttempt: options.onAttempt }),
    onRetry(retry) {
      logRetry(retry);
      options.onRetry?.(retry);
    },
  });
  const store = createStore({
    database,
    filters: config.filters,
    generation,
    epoch,
    mask,
    results: config.sync.operatorResults,
    notify: config.sync.notify,
  });
  const onNews = (message: string, fields: Record<string, unknown>) => log.info(fields, message);
  const results = createResultsStore({
    database,
    epoch,
    brake: options.allowMassDelete ? () => false : isTooMany,
    now: () => context.api.now(),
    mask,
    notify: config.sync.notify,
  });
  if (!config.sync.operatorResults && epoch !== null) await results.leave();
  if (config.sync.operatorResults && epoch !== null && !(await results.head()).asked)
    log.info('operator results are stored with their content from now on; SYNC_OPERATOR_RESULTS=links keeps only ids');
  const share = (options.room ?? createProcessRoom()).join();
  const context: Context = createContext({
    share,
    api: createListing({
      client,
      filters: queryOf(config.filters),
      names: namesOf(config.api),
      largestPage: share.lists.largestPage,
      onNews,
    }),
    store: timed(store, options.onLoad),
    results: config.sync.operatorResults
      ? {
          api: createResultsPort(createResults({ client, largestPage: share.lists.largestPage, onNews })),
          store: results,
        }
      : null,
    settings: {
      history: config.sync.start,
      start,
      lookbackSeconds: config.sync.lookbackSeconds,
      refreshSeconds: config.sync.refreshSeconds,
      maxConcurrency: config.api.maxConcurrency,
      status: config.filters.status ?? null,
      filters: config.filters,
      mask,
      generation,
      keep: config.sync.keep,
      eraseBefore: null,
      allowMassDelete: options.allowMassDelete ?? false,
      memoryBytes: memoryLimit(),
    },
    watcher: {
      stored() {},
      completed: (window) => logWindow(log, window),
      async recentDone() {},
      warn: (message, fields) => log.warn(fields, message),
      ...options.watcher,
    },
  });
  return {
    context,
    client,
    async [Symbol.asyncDispose]() {
      share.leave();
      await client.close();
    },
  };
}

/** The room of this process, for all its accounts. Where there are many, several batches are written at once, and each is held a second time then. */
export function createProcessRoom({ many = false } = {}): Room {
  const { heldBytes } = roomOf(memoryLimit());
  return createRoom(many ? heldBytes / 2 : heldBytes, { many });
}

function timed(store: Store, onLoad: (ms: number) => void = () => {}): Store {
  return {
    ...store,
    async load(...batch) {
      const startedAtMs = performance.now();
      return await store.load(...batch).finally(() => onLoad(performance.now() - startedAtMs));
    },
  };
}

/** The memory limit of the container or process; Infinity if it is not below what the machine has. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : Number.POSITIVE_INFINITY;
}

/** The filters as the API's query parameters. */
export function queryOf(filters: FilterConfig): Query {
  const one = (name: string, value: string | undefined): Query => (value === undefined ? [] : [[name, value]]);
  const several = (name: string, values: string[] | undefined): Query => (values ?? []).map((value) => [name, value]);
  return [
    ...one('status', filters.status),
    ...several('channels', filters.channels),
    ...one('channelId', filters.channelId),
    ...one('conversationConfigurationId', filters.conversationConfigurationId),
    ...several('intelligenceConfigurationIds', filters.intelligenceConfigurationIds),
    ...several('operatorIds', filters.operatorIds),
  ];
}

/** The names of the createdBefore parameter to try. */
export function namesOf({ createdFilter }: ApiConfig): BoundName[] {
  return createdFilter === 'auto' ? ['createdAtBefore', 'createdBefore'] : [createdFilter];
}
