// The server of the benchmark: the package's embedded Postgres in a folder of its own, gone at the end. Every side of a
// comparison gets a database of its own on it, made from the same template. fsync is off for all of them alike: what is
// compared is programs, not this machine's disk; it helps those most that commit most often, which are the rivals.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Connection, connectionOf, parametersOfUrl } from '../src/config/connection-string.ts';
import { type Embedded, openEmbedded } from '../src/embedded/embedded.ts';
import { migrate } from '../src/postgres/migrate.ts';

export interface BenchDatabase {
  name: string;
  url: string;
  connection: Connection;
}

const serverSettings = {
  // When a row was committed is then known to the microsecond, without asking again and again.
  track_commit_timestamp: 'on',
  shared_preload_libraries: 'pg_stat_statements',
  // Only where statements are counted: it would cost those most that send most of them.
  'pg_stat_statements.track': 'none',
};

export class BenchServer implements AsyncDisposable {
  readonly version: string;
  readonly #folder: string;
  readonly #embedded: Embedded;
  readonly #admin: pg.Client;
  #databases = 0;

  static async open(): Promise<BenchServer> {
    const folder = await mkdtemp(join(tmpdir(), 'conversation-sync-bench-'));
    const first = await openEmbedded({ folder, durable: false });
    const admin = await connect(first.url, 'postgres');
    for (const [name, value] of Object.entries(serverSettings))
      await admin.query(`alter system set ${name} = '${value}'`);
    await admin.end();
    await first.close();
    const embedded = await openEmbedded({ folder, durable: false });
    return await BenchServer.#prepare(folder, embedded);
  }

  static async #prepare(folder: string, embedded: Embedded): Promise<BenchServer> {
    const admin = await connect(embedded.url, 'postgres');
    await admin.query('create extension pg_stat_statements');
    const { rows } = await admin.query<{ server_version: string }>('show server_version');
    const server = new BenchServer(folder, embedded, admin, rows[0]?.server_version ?? '');
    await admin.query('create database migrated template template0');
    await migrate(server.#locate('migrated').connection);
    return server;
  }

  private constructor(folder: string, embedded: Embedded, admin: pg.Client, version: string) {
    this.#folder = folder;
    this.#embedded = embedded;
    this.#admin = admin;
    this.version = version;
  }

  /** A new database with all tables and no rows, or an entirely empty one. What was written before is on disk by then. */
  async database(template: 'migrated' | 'template0' = 'migrated'): Promise<BenchDatabase> {
    const name = `bench_${++this.#databases}`;
    await this.#admin.query(`create database ${name} template ${template}`);
    await this.#admin.query('checkpoint');
    return this.#locate(name);
  }

  async drop({ name }: BenchDatabase): Promise<void> {
    await this.#admin.query(`drop database ${name} with (force)`);
  }

  /** Does something as superuser in a database, and leaves no connection behind. */
  async within<Result>(
    { name }: Pick<BenchDatabase, 'name'>,
    work: (client: pg.Client) => Promise<Result>,
  ): Promise<Result> {
    const client = await connect(this.#embedded.url, name);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** A query to the server as a whole, from outside of any benchmark's database. */
  async ask<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#admin.query<Row>(text, values)).rows;
  }

  /** Counts statements and buffers of all connections that a database gets from here on. */
  async countStatements({ name }: BenchDatabase): Promise<void> {
    await this.#admin.query(`alter database ${name} set pg_stat_statements.track = 'top'`);
  }

  /** Waits until no client is connected to a database: sessions report what they counted when they end. */
  async quiet(name: string): Promise<void> {
    const others = `select from pg_stat_activity where datname = $1 and backend_type = 'client backend'`;
    while ((await this.ask(others, [name])).length > 0) await this.ask('select pg_sleep(0.01)');
  }

  /** CPU time of all connections that have ended, in ms; 0 where there is no /proc. */
  async cpuMs(): Promise<number> {
    const pid = (await readFile(join(this.#folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0];
    return await cpuMsOf(pid, 13);
  }

  /** CPU time so far of the connections that a database has now, in ms. */
  async connectionsMs({ name }: BenchDatabase): Promise<number> {
    const found = await this.ask<{ pid: number }>('select pid from pg_stat_activity where datname = $1', [name]);
    const times = await Promise.all(found.map(({ pid }) => cpuMsOf(pid)));
    return times.reduce((sum, each) => sum + each, 0);
  }

  /** When the first and the last conversation of a database were committed, in ms since the epoch. */
  async committed(database: BenchDatabase): Promise<{ firstMs: number; lastMs: number; count: number }> {
    return await this.within(database, async (client) => {
      const { rows } = await client.query<{ firstMs: number; lastMs: number; count: number }>(
        `select extract(epoch from min(at))::float8 * 1000 as "firstMs", extract(epoch from max(at))::float8 * 1000 as "lastMs",
           sum(count)::int as count
         from (select pg_xact_commit_timestamp(xmin) as at, count(*) from twilio.conversations group by xmin::text, 1) as transactions`,
      );
      const [row] = rows;
      if (row === undefined) throw new Error('no row was committed');
      return row;
    });
  }

  #locate(name: string): BenchDatabase {
    const url = new URL(this.#embedded.url);
    url.pathname = `/${name}`;
    return { name, url: url.href, connection: connectionTo(url.href) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.end();
    await this.#embedded.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** `from`: the field of user time, after which is system time; those of ended children are two further. */
async function cpuMsOf(pid: unknown, from = 11): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[from] ?? 0) + Number(fields[from + 1] ?? 0)) * 10;
}

async function connect(url: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionTo(url), database });
  client.on('error', () => {});
  await client.connect();
  return client;
}

function connectionTo(url: string): Connection {
  const fail = (parameter: string, message: string) => {
    throw new Error(`${parameter} ${message}`);
  };
  return connectionOf(parametersOfUrl(url) ?? {}, () => '', fail);
}
