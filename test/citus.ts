// A database on the Citus cluster of TEST_CITUS_URL: made on its coordinator and on its workers, dropped at the end. The tests that need
// it are skipped without the variable.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe } from 'vitest';
import { connectionOf, parametersOfUrl } from '../src/config/connection-string.ts';
import type { TestDatabase } from './database.ts';

const coordinator = process.env['TEST_CITUS_URL'];

/** `describe` where there is a cluster. Without one, the title says why it is skipped. */
export const describeOnCitus: (title: string, tests: () => void) => void = coordinator
  ? describe
  : (title, tests) => describe.skip(`${title} (skipped: TEST_CITUS_URL names no coordinator)`, tests);

interface Node {
  host: string;
  port: number;
  isCoordinator: boolean;
}

/** An empty database that all nodes of the cluster know of. */
export async function openCitusDatabase(): Promise<TestDatabase> {
  if (coordinator === undefined) throw new Error('TEST_CITUS_URL is not set');
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const nodes = await on(coordinator, ({ query }) =>
    query<Node>(
      `select nodename as host, nodeport as port, groupid = 0 as "isCoordinator" from pg_dist_node where noderole = 'primary'`,
    ),
  );
  const urlOn = ({ host, port }: Node, database?: string) => {
    const url = new URL(coordinator);
    url.hostname = host;
    url.port = String(port);
    if (database !== undefined) url.pathname = `/${database}`;
    return url.href;
  };
  for (const node of nodes) {
    // Each node has to have the database, and the extension in it, before it can be added.
    await on(urlOn(node), ({ query }) => query(`create database ${name}`));
    await on(urlOn(node, name), ({ query }) => query('create extension citus'));
  }
  const url = new URL(coordinator);
  url.pathname = `/${name}`;
  await on(url.href, async ({ query }) => {
    for (const { host, port, isCoordinator } of nodes) {
      const add = isCoordinator ? 'citus_set_coordinator_host' : 'citus_add_node';
      await query(`select ${add}('${host}', ${port})`);
    }
  });
  const parameters = parametersOfUrl(url.href) ?? {};
  return {
    url: url.href,
    connection: connectionOf(
      parameters,
      () => '',
      () => {
        throw new Error('TEST_CITUS_URL is no connection string');
      },
    ),
    serverUrl: coordinator,
    async [Symbol.asyncDispose]() {
      for (const node of nodes)
        await on(urlOn(node), ({ query }) => query(`drop database if exists ${name} with (force)`));
    },
  };
}

interface Session {
  query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]>;
}

async function on<Result>(url: string, work: (session: Session) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work({
      query: async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows,
    });
  } finally {
    await client.end();
  }
}
