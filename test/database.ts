// A Postgres database for one test file: cloned from a template that is migrated once, dropped at the end. The server is
// database-server.ts's. Many files do this at once, also of several runs on one server.

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { type Connection, connectionOf, parametersOfUrl } from '../src/config/connection-string.ts';
import { migrate } from '../src/postgres/migrate.ts';

let serverOutsideVitest: string | undefined;

/** Names the server where vitest does not provide it: in a script that runs tests by itself. */
export function useDatabaseServer(url: string): void {
  serverOutsideVitest = url;
}

function serverUrl(): string {
  return serverOutsideVitest ?? inject('databaseServer');
}

export interface TestDatabase extends AsyncDisposable {
  /** What a process is given as DATABASE_URL. */
  url: string;
  connection: Connection;
  /** The superuser's way to the same server: other roles, other databases. */
  serverUrl: string;
}

/** An empty database with all migrations. Disposing of it drops it, and throws where something is still connected: a leak. */
export function openTestDatabase(): Promise<TestDatabase> {
  return createDatabase(() => ensureTemplate());
}

/** A database without any table. */
export function openEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase(async () => 'template0');
}

/** A copy of a test database, which nobody may be connected to meanwhile. */
export function openCopyOf({ connection }: TestDatabase): Promise<TestDatabase> {
  return createDatabase(async () => connection.database);
}

async function createDatabase(findTemplate: () => Promise<string>): Promise<TestDatabase> {
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const template = await findTemplate();
  await onServer((client) => patiently(client, `create database ${name} template ${template}`));
  const { url, connection } = locate(name);
  return {
    url,
    connection,
    serverUrl: serverUrl(),
    async [Symbol.asyncDispose]() {
      const leaks = await onServer(async (client) => {
        const left = await findConnected(client, name);
        await client.query(`drop database if exists ${name} with (force)`);
        return left;
      });
      if (leaks.length > 0) throw new Error(`still connected to the test database at its end: ${leaks.join(', ')}`);
    },
  };
}

/** The template's name tells its migrations, so that a server which outlives the run is never out of date. */
async function ensureTemplate(): Promise<string> {
  const folder = new URL('../migrations/', import.meta.url).pathname;
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.sql')) hash.update(file).update(readFileSync(join(folder, file)));
  }
  const template = `template_${hash.digest('hex').slice(0, 16)}`;
  await onServer(async (client) => {
    // A session's lock: it is gone with this connection.
    await client.query('select pg_advisory_lock(hashtext($1))', [template]);
    const found = await client.query('select from pg_database where datname = $1', [template]);
    if (found.rowCount !== 0) return;
    await client.query(`drop database if exists ${template}_new with (force)`);
    await patiently(client, `create database ${template}_new template template0`);
    await migrate(locate(`${template}_new`).connection);
    await patiently(client, `alter database ${template}_new rename to ${template}`);
  });
  return template;
}

function locate(database: string): { url: string; connection: Connection } {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  const fail = (parameter: string, message: string) => {
    throw new Error(`TEST_DATABASE_URL: ${parameter} ${message}`);
  };
  const parameters = parametersOfUrl(url.href) ?? fail('it', 'is not a postgres:// URL');
  return { url: url.href, connection: connectionOf(parameters, (path) => readFileSync(path, 'utf8'), fail) };
}

async function onServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const { pathname } = new URL(serverUrl());
  const client = new pg.Client(locate(pathname.slice(1) || 'postgres').connection);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Postgres copies or renames a database only while nobody is connected to it, and somebody else's connection may just be ending. */
async function patiently(client: pg.Client, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(statement);
      return;
    } catch (error) {
      const inUse = error instanceof pg.DatabaseError && error.code === '55006';
      if (!inUse || attempt === 100) throw error;
      await client.query('select pg_sleep(0.05)');
    }
  }
}

/** Who is connected to the database, given two seconds to leave: a server ends a session a moment after its client has. */
async function findConnected(client: pg.Client, database: string): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const { rows } = await client.query<{ who: string }>(
      `select coalesce(nullif(application_name, ''), 'a client without a name') || ' (' || state || ')' as who
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    );
    if (rows.length === 0 || attempt === 40) return rows.map((row) => row.who);
    await client.query('select pg_sleep(0.05)');
  }
}
