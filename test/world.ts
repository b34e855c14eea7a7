// The whole program in one process: simulator, client, database, and passes run by hand. Time is the simulator's, and
// stands still until a test moves it.

import pg from 'pg';
import { queryOf } from '../src/app.ts';
import { type FilterConfig, noFilters } from '../src/config/config.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { takeLease } from '../src/postgres/lease.ts';
import { askForResults } from '../src/postgres/results-due.ts';
import { createResultsStore } from '../src/postgres/results-store.ts';
import { enterScope } from '../src/postgres/scope.ts';
import { createStore } from '../src/postgres/store.ts';
import type { FaultRule } from '../src/simulator/faults.ts';
import { fillSource } from '../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../src/simulator/server.ts';
import { Source } from '../src/simulator/source.ts';
import type { Switches } from '../src/simulator/switches.ts';
import {
  type CompletedWindow,
  type Context,
  type Counts,
  createContext,
  createCounts,
  type Settings,
} from '../src/sync/context.ts';
import { keepEverything } from '../src/sync/keep.ts';
import { createMask, type MaskSettings } from '../src/sync/mask.ts';
import type { Sweep } from '../src/sync/model.ts';
import { syncAll, syncIds } from '../src/sync/once.ts';
import { pass } from '../src/sync/pass.ts';
import { isTooMany, startAt } from '../src/sync/sweeps.ts';
import { type Verification, verifyFull, verifySample } from '../src/sync/verify.ts';
import type { BoundName } from '../src/twilio/bounds.ts';
import { type ClientOptions, createClient } from '../src/twilio/client.ts';
import { createListing } from '../src/twilio/listing.ts';
import { createResults } from '../src/twilio/results.ts';
import { createResultsPort } from '../src/twilio/results-port.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import { differences, type OracleOptions } from './oracle.ts';
import { nameDifferences, resultDifferences } from './result-oracle.ts';

export const accountId = 'AC00000000000000000000000000000000';

export interface WorldOptions {
  switches?: Partial<Switches>;
  faults?: FaultRule[];
  conversations?: number;
  days?: number;
  seed?: number;
  /** Everything that was seen in the wild, in the data. */
  wild?: boolean;
  /** How many conversations share one `createdAt`. */
  crowd?: number;
  names?: BoundName[];
  filters?: Partial<FilterConfig>;
  /** Operator results with their content, which most tests do without. */
  results?: boolean;
  /** Which personal data is stored; by default all. */
  mask?: Partial<MaskSettings>;
  /** Each stored change is notified. */
  notify?: boolean;
  settings?: Partial<Settings>;
  /** Another database than a new one of its own. It is disposed of with the world. */
  database?: TestDatabase;
  client?: Pick<ClientOptions, 'maxConcurrency' | 'timeoutMs' | 'pageLimitBytes' | 'random'>;
}

interface Program {
  context: Context;
  close(): Promise<void>;
}

/** The key of hashes, unless a test has another. */
export const maskKey = 'a key of thirty-two characters at least';

/** Of a pass: a busy machine takes its time, but not for ever. */
export const hungAfterMs = 400_000;

/** Ten in the morning, UTC, of a day like any other. */
const startMs = Date.UTC(2026, 5, 15, 10);

export class World implements AsyncDisposable {
  nowMs = startMs;
  readonly simulator: Simulator;
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  readonly news: string[] = [];
  readonly warnings: string[] = [];
  readonly completed: CompletedWindow[] = [];
  #program: Program | null = null;
  #superseded: Program[] = [];
  readonly #options: WorldOptions;

  static async open(options: WorldOptions = {}): Promise<World> {
    const database = options.database ?? (await openTestDatabase());
    const clock = { nowMs: startMs };
    const now = () => clock.nowMs;
    const source = new Source({ accountId, now, seed: options.seed ?? 1 });
    const { conversations = 0, days = 30, seed = 1, wild = false, crowd } = options;
    if (conversations > 0) {
      const crowded = crowd === undefined ? {} : { crowd };
      fillSource(source, { conversations, untilMs: startMs - 60_000, days, seed, wild, ...crowded });
    }
    const simulator = await startSimulator({
      source,
      now,
      switches: options.switches ?? {},
      faults: options.faults ?? [],
    });
    return new World(options, simulator, database, clock);
  }

  private constructor(options: WorldOptions, simulator: Simulator, database: TestDatabase, clock: { nowMs: number }) {
    this.#options = options;
    this.simulator = simulator;
    this.database = database;
    // What is read of the tables must not depend on the settings that a test gives the database.
    const session = '-c datestyle=ISO -c timezone=UTC -c extra_float_digits=1 -c array_nulls=on';
    this.pool = new pg.Pool({ ...database.connection, max: 2, options: session });
    Object.defineProperty(this, 'nowMs', {
      get: () => clock.nowMs,
      set: (value: number) => {
        clock.nowMs = value;
      },
    });
  }

  get source(): Source {
    return this.simulator.source;
  }

  /** One pass with these sweeps asked for; without a program running, a new one is started first, as a process would. */
  async pass(...sweeps: Sweep[]): Promise<Counts> {
    const { context } = await this.#start();
    context.counts = createCounts();
    for (const sweep of sweeps) context.requests.sweeps.add(sweep);
    context.requests.openFromStart = true;
    await pass(context, AbortSignal.timeout(hungAfterMs));
    return context.counts;
  }

  /** What the command `sync` does; waiting moves the simulator's time instead. */
  async sync({ reconcile = false } = {}): Promise<Counts> {
    const { context } = await this.#start();
    context.counts = createCounts();
    context.requests.openFromStart = true;
    await syncAll(context, reconcile, AbortSignal.timeout(hungAfterMs), async (ms) => {
      this.nowMs += ms;
    });
    return context.counts;
  }

  /** What `verify` finds, in everything or in so many. */
  async verify(what: 'full' | number): Promise<Verification> {
    const { context } = await this.#start();
    const signal = AbortSignal.timeout(hungAfterMs);
    return what === 'full' ? await verifyFull(context, signal) : await verifySample(context, what, signal);
  }

  /** What `sync --id` and `verify --repair` do. */
  async fetch(ids: string[]): Promise<void> {
    const { context } = await this.#start();
    await this.pool.query(
      `insert into twilio_sync.due (conversation_id, reason, due_at) select id, 'asked', now() from unnest($1::text[]) as asked(id)`,
      [ids],
    );
    if (context.results !== null)
      await askForResults({ sql: async (text, parameters) => (await this.pool.query(text, parameters)).rows }, ids);
    await syncIds(context, ids, AbortSignal.timeout(hungAfterMs));
  }

  /** What the program carries along, for tests that run parts of it; without a program running, a new one is started. */
  async context(): Promise<Context> {
    return (await this.#start()).context;
  }

  /** Another worker takes the lease over: the next pass is its, and the one before goes on until the next restart. */
  supersede(): void {
    if (this.#program !== null) this.#superseded.push(this.#program);
    this.#program = null;
  }

  /** Ends the program, as a restart would; the next pass begins with nothing but the database. */
  async restart(changes: Partial<WorldOptions> = {}): Promise<void> {
    Object.assign(this.#options, changes);
    this.supersede();
    for (const program of this.#superseded.splice(0)) await program.close();
  }

  /** What differs between the tables and the source. */
  async differences(options: OracleOptions = {}): Promise<string[]> {
    return await differences(this.pool, this.source.all(), options);
  }

  /** What differs between the tables of operator results and the source. */
  async resultDifferences(): Promise<string[]> {
    return await resultDifferences(this.pool, this.source.results());
  }

  /** What differs in any of the twelve tables. */
  async allDifferences(): Promise<string[]> {
    const names = await nameDifferences(this.pool, this.source);
    return [...(await this.differences()), ...(await this.resultDifferences()), ...names];
  }

  /** Rows written in schema `twilio` so far, by Postgres' own count; the program is restarted, since sessions report when they end. */
  async rowsWritten(): Promise<number> {
    await this.restart();
    const others = `select from pg_stat_activity where datname = current_database() and application_name in ('program', 'command')`;
    while (((await this.pool.query(others)).rowCount ?? 0) > 0) await this.pool.query('select pg_sleep(0.01)');
    await this.pool.query('select pg_stat_clear_snapshot()');
    const { rows } = await this.pool.query<{ written: number }>(
      `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int as written from pg_stat_user_tables where schemaname = 'twilio'`,
    );
    return rows[0]?.written ?? 0;
  }

  async #start(): Promise<Program> {
    if (this.#program !== null) return this.#program;
    const options = this.#options;
    const { simulator } = this;
    const mask = createMask({ omit: [], hash: [], key: maskKey, ...options.mask });
    const client = createClient({
      mask,
      baseUrl: simulator.url,
      auth: { username: simulator.credentials.accountSid, password: simulator.credentials.authToken },
      // The API's clock stands still with the simulator's; retries wait no real time.
      monotonicMs: () => this.nowMs,
      wait: async (ms) => {
        this.nowMs += ms;
      },
      timeoutMs: 20_000,
      ...options.client,
    });
    const filters: FilterConfig = { ...noFilters, ...options.filters };
    const database = openDatabase({ ...this.database.connection, application_name: 'program' });
    const history = options.settings?.history ?? options.settings?.start ?? startMs / 1000 - 120 * 86_400;
    // The database's clock is not the simulator's.
    const start = startAt(history, this.nowMs / 1000, options.settings?.keep?.retentionSeconds);
    const scope = { accountSid: accountId, baseUrl: simulator.url, filters, start };
    const { generation } = await enterScope(database, scope);
    await this.pool.query(`update twilio_sync.lease set expires_at = 0`);
    const lease = await takeLease(database, 'test');
    if (!('epoch' in lease)) throw new Error('the lease could not be taken');
    const context: Context = createContext({
      api: createListing({
        client,
        filters: queryOf(filters),
        names: options.names ?? ['createdAtBefore', 'createdBefore'],
        onNews: (message, fields) => this.news.push(`${message} ${JSON.stringify(fields)}`),
      }),
      store: createStore({
        database,
        filters,
        generation,
        epoch: lease.epoch,
        mask,
        results: options.results ?? false,
        notify: options.notify ?? false,
      }),
      results: options.results
        ? {
            api: createResultsPort(createResults({ client, onNews: () => {} })),
            store: createResultsStore({
              database,
              epoch: lease.epoch,
              mask,
              brake: options.settings?.allowMassDelete ? () => false : isTooMany,
              now: () => context.api.now(),
              notify: options.notify ?? false,
            }),
          }
        : null,
      settings: {
        history,
        start,
        lookbackSeconds: 3 * 86_400,
        refreshSeconds: [3600, 86_400],
        maxConcurrency: 32,
        status: null,
        filters,
        mask,
        generation,
        allowMassDelete: false,
        keep: keepEverything,
        eraseBefore: null,
        memoryBytes: Number.POSITIVE_INFINITY,
        ...options.settings,
      },
      watcher: {
        stored() {},
        completed: (window) => this.completed.push(window),
        async recentDone() {},
        warn: (message, fields) => this.warnings.push(`${message} ${JSON.stringify(fields)}`),
      },
    });
    this.#program = {
      context,
      async close() {
        await client.close();
        await database.close();
      },
    };
    return this.#program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart();
    await this.pool.end();
    await this.simulator.close();
    await this.database[Symbol.asyncDispose]();
  }
}
