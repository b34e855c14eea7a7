// What a process of the program meets: a simulated API with conversations, a database, and the settings that lead to both.

import { connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';
import { differences } from '../oracle.ts';
import { type Environment, Processes, until } from './process.ts';

export interface StageOptions {
  conversations?: number;
  days?: number;
  switches?: Partial<Switches>;
}

/** One API, one database, and any number of processes between them. */
export class Stage implements AsyncDisposable {
  simulator: Simulator;
  readonly database: TestDatabase;
  readonly client: pg.Client;
  readonly processes = new Processes();
  /** The settings a user would have: the key, the database, and the few that keep a test short. */
  readonly env: Environment;

  static async open({ conversations = 300, days = 40, switches = {} }: StageOptions = {}): Promise<Stage> {
    const database = await openEmptyDatabase();
    const simulator = await startSimulator({ switches });
    // An hour ago, so that nothing lies in the minutes that every pass lists again.
    fillSource(simulator.source, { conversations, days, untilMs: Date.now() - 3_600_000 });
    const client = new pg.Client(database.connection);
    client.on('error', () => {});
    await client.connect();
    return new Stage(simulator, database, client, days);
  }

  private constructor(simulator: Simulator, database: TestDatabase, client: pg.Client, days: number) {
    this.simulator = simulator;
    this.database = database;
    this.client = client;
    this.env = {
      TWILIO_INTELLIGENCE_URL: simulator.url,
      TWILIO_ACCOUNT_SID: simulator.credentials.accountSid,
      TWILIO_AUTH_TOKEN: simulator.credentials.authToken,
      DATABASE_URL: database.url,
      SYNC_START: new Date(Date.now() - (days + 5) * 86_400_000).toISOString().slice(0, 10),
      // Nothing becomes due just because a test runs at a certain time.
      SYNC_REFRESH: '365d',
      HTTP_PORT: '0',
    };
  }

  /** What differs between the tables and the API. */
  async differences(): Promise<string[]> {
    return await differences(this.client, this.simulator.source.all());
  }

  /** What is wrong with the conversations that are stored, however many those are. */
  async differencesOfStored(): Promise<string[]> {
    const { rows } = await this.client.query<{ id: string }>('select id from twilio.conversations');
    const stored = new Set(rows.map(({ id }) => id));
    return await differences(
      this.client,
      this.simulator.source.all().filter(({ id }) => stored.has(id)),
    );
  }

  /** How many conversations are stored; 0 also before there is a table. */
  async stored(): Promise<number> {
    try {
      const { rows } = await this.client.query<{ count: number }>(
        'select count(*)::int as count from twilio.conversations',
      );
      return rows[0]?.count ?? 0;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '42P01') return 0;
      throw error;
    }
  }

  async leaseHolder(): Promise<string | null> {
    const { rows } = await this.client.query<{ holder: string | null }>('select holder from twilio_sync.lease');
    return rows[0]?.holder ?? null;
  }

  /** Rows written in schema `twilio` so far, by Postgres' own count, which sessions bring up to date when they end. */
  async rowsWritten(): Promise<number> {
    await until(
      async () =>
        (
          await this.client.query(
            'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          )
        ).rowCount,
      (others) => others === 0,
    );
    await this.client.query('select pg_stat_clear_snapshot()');
    const { rows } = await this.client.query<{ written: number }>(
      `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int as written from pg_stat_user_tables where schemaname = 'twilio'`,
    );
    return rows[0]?.written ?? 0;
  }

  /** The API comes back under its old address, with all it had. */
  async reopenApi(): Promise<void> {
    const { source, url, credentials } = this.simulator;
    await this.simulator.close();
    this.simulator = await startSimulator({ source, credentials, port: Number(new URL(url).port) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.processes[Symbol.asyncDispose]();
    await this.client.end();
    await this.simulator.close();
    await this.database[Symbol.asyncDispose]();
  }
}

/** Runs the work while the tables of a schema have the names under which every other test reads them. */
export async function underUsualName<Result>(client: pg.Client, schema: string, work: () => Promise<Result>) {
  const rename = async (from: string, to: string) => {
    for (const suffix of ['', '_sync']) {
      const [old, other] = [from, to].map((name) => pg.escapeIdentifier(name + suffix));
      await client.query(`alter schema ${old} rename to ${other}`);
    }
  };
  await rename(schema, 'twilio');
  return await work().finally(() => rename('twilio', schema));
}

/** A `createdAt` that the next listing shows: what lies in the second that has just begun is the one's after it. */
export function momentsAgo(): string {
  return new Date(Date.now() - 5_000).toISOString();
}

/** A way to the database that can be cut and mended. */
export class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  static async open(databaseUrl: string): Promise<Cable> {
    const cable = new Cable(new URL(databaseUrl));
    await cable.mend();
    return cable;
  }

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port || 5432), target.hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
  }

  /** A URL that leads through it. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.cut();
  }
}
